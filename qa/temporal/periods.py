"""Calendar arithmetic: weeks, months, quarters, seasons and years as ranges of days. Pure."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

from qa.text.english import SEASONS, WEEKDAYS, listed

Period = tuple[date, date]  # the first day and the last, both inclusive


def name_day(day: date) -> str:
    """Format a day with its weekday: `2026-03-10 (Tuesday)`."""
    return f"{day.isoformat()} ({WEEKDAYS[day.weekday()]})"


def write_period(period: Period) -> str:
    """Format a period as ISO 8601: one day, or `first/last`."""
    first, last = period
    return first.isoformat() if first == last else f"{first.isoformat()}/{last.isoformat()}"


def read_period(text: str) -> Period:
    """Undo `write_period`."""
    first, _, last = text.partition("/")
    return date.fromisoformat(first), date.fromisoformat(last or first)


def one_day(day: date) -> Period:
    """Return the period of a single day."""
    return day, day


def month_period(year: int, month: int) -> Period:
    """Return a month; numbers outside 1 to 12 continue into other years."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return date(year, month, 1), date(year, month, monthrange(year, month)[1])


def year_period(year: int) -> Period:
    """Return a year."""
    return date(year, 1, 1), date(year, 12, 31)


def week_period(day: date, weeks: int = 0) -> Period:
    """Return the week, Monday to Sunday, `weeks` weeks after the week of a day."""
    monday = day + timedelta(days=7 * weeks - day.weekday())
    return monday, monday + timedelta(days=6)


def weekend_period(day: date, weeks: int = 0) -> Period:
    """Return the Saturday and Sunday of the week `weeks` weeks after the week of a day."""
    sunday = week_period(day, weeks)[1]
    return sunday - timedelta(days=1), sunday


def quarter_period(year: int, quarter: int) -> Period:
    """Return a quarter, counted from 0; numbers outside 0 to 3 continue into other years."""
    return month_period(year, 3 * quarter + 1)[0], month_period(year, 3 * quarter + 3)[1]


def season_period(name: str, year: int) -> Period:
    """Return a season by calendar months; a winter belongs to the year in which it begins."""
    first = SEASONS[listed(name)]
    return month_period(year, first)[0], month_period(year, first + 2)[1]


def shift_months(day: date, months: int) -> date:
    """Return the same day `months` months later, or the last day of that month if it is shorter."""
    first, last = month_period(day.year, day.month + months)
    return min(first.replace(day=min(day.day, last.day)), last)


def narrow(period: Period, part: str) -> Period:
    """Return the part of a period that "early", "late" or "mid" means: the first, last or middle half."""
    first, last = period
    days = (last - first).days + 1
    if part == "early":
        return first, first + timedelta(days=(days + 1) // 2 - 1)
    if part == "late":
        return first + timedelta(days=days // 2), last
    return first + timedelta(days=days // 4), last - timedelta(days=days // 4)
