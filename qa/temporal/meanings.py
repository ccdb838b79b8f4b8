"""Resolve a time phrase to days, given the day of its article. Pure; the rules are listed in docs/time.md."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

from qa.temporal import periods
from qa.temporal.periods import Period
from qa.temporal.tense import Tense
from qa.text.english import COUNTS, QUARTERS, RELATIVE, listed, month_number, weekday_number

_PARTS = {"early": "early", "start": "early", "beginning": "early", "late": "late", "end": "late"}
_FAR_DAYS = 240


def resolve_phrase(kind: str, match: re.Match[str], tense: Tense | None, today: date) -> Period | None:
    """Return the days that a phrase of the grammar means, None if they cannot be determined."""
    try:
        return _MEANINGS[kind](match, tense, today)
    except (ValueError, OverflowError):  # 30 February; a day before the year 1
        return None


def _mean_word(match: re.Match[str], tense: Tense | None, today: date) -> Period:
    words = listed(match["phrase"])
    days = -1 if "yesterday" in words or "last" in words else 1 if "tomorrow" in words else 0
    return periods.one_day(today + timedelta(days=2 * days if "day before" in words or "day after" in words else days))


def _mean_weekday(match: re.Match[str], tense: Tense | None, today: date) -> Period:
    number = weekday_number(match["weekday"])
    which = listed(match["which"] or "")
    if match["week"]:
        monday = periods.week_period(today, RELATIVE[listed(match["week"])])[0]
        return periods.one_day(monday + timedelta(days=number))
    back, ahead = (today.weekday() - number) % 7, (number - today.weekday()) % 7
    if which in ("last", "this past"):
        return periods.one_day(today - timedelta(days=back or 7))
    if which == "next":
        days = 7 - today.weekday() + number
        return periods.one_day(today + timedelta(days=days + 7 if days < 2 else days))  # tomorrow is not "next Monday"
    if which.endswith("coming"):
        return periods.one_day(today + timedelta(days=ahead or 7))
    to_come = tense == "future" or (which == "this" and tense is None)
    return periods.one_day(today + timedelta(days=ahead if to_come else -back))


def _mean_period(match: re.Match[str], tense: Tense | None, today: date) -> Period:
    which, unit = listed(match["which"]), listed(match["unit"])
    if which == "this past":
        which = "last" if unit != "weekend" else "this"
        tense = "past"
    if which == "this coming":
        which, tense = "next", "future"
    period = _name_period(which, unit, tense, today)
    side = listed(match["side"] or "")
    if side and which == "this" and period[0] <= today <= period[1]:
        return (period[0], today) if side == "earlier" else (today, period[1])
    part = listed(match["part"] or match["edge"] or "")
    return periods.narrow(period, _PARTS.get(part, "mid")) if part and unit != "weekend" else period


def _name_period(which: str, unit: str, tense: Tense | None, today: date) -> Period:
    """Return "last week", "next summer" and the like."""
    number = RELATIVE[which]
    if unit == "week":
        sunday = which == "last" and today.weekday() == 6  # in a Sunday paper the week that ends is "last week"
        return periods.week_period(today, 0 if sunday else number)
    if unit == "month":
        return periods.month_period(today.year, today.month + number)
    if unit == "quarter":
        return periods.quarter_period(today.year, (today.month - 1) // 3 + number)
    if unit == "year":
        return periods.year_period(today.year + number)
    if unit == "weekend":
        if which == "last":
            return periods.weekend_period(today, -1)
        if which == "next":
            return periods.weekend_period(today, 1)
        return _weekend(tense if tense == "past" else "future", today)
    seasons = [periods.season_period(unit, today.year + year) for year in range(-2, 3)]
    if which == "last":
        return max(season for season in seasons if season[1] < today)
    coming = min(season for season in seasons if season[1] >= today)
    if which == "this":
        return max(season for season in seasons if season[0] <= today) if tense == "past" else coming
    # In winter "next winter" is the one after this; in spring "next summer" is not this year's.
    return min(season for season in seasons if season[0] > today and (season[0].year > today.year or unit == "winter"))


def _weekend(tense: Tense | None, today: date) -> Period:
    """Return the last weekend that has begun, or the next one that has not ended."""
    begun = today.weekday() >= 5
    return periods.weekend_period(today, 0 if begun or tense == "future" else -1)


def _mean_weekend(match: re.Match[str], tense: Tense | None, today: date) -> Period:
    return _weekend(tense, today)


def _mean_month(match: re.Match[str], tense: Tense | None, today: date) -> Period | None:
    part = listed(match["part"] or match["edge"] or "")
    which = listed(match["which"] or "")
    if not (match["lead"] or match["in"] or part or which or match["year"]):
        return None  # "March" alone may be a name
    lead = listed(match["lead"] or "")
    month = month_number(match["month"])
    if match["year"]:
        year = today.year + RELATIVE[listed(match["year"])]
    elif which == "this":
        year = today.year
    elif which == "next":
        year = today.year + (month <= today.month)
    elif which == "last":
        year = today.year - (month >= today.month)
    elif tense == "future":
        year = today.year + (month < today.month)
    else:
        year = today.year - (month > today.month)
    period = periods.month_period(year, month)
    if part == "end" and lead in ("by", "until", "till", "before"):
        return periods.one_day(period[1])
    return periods.narrow(period, _PARTS.get(part, "mid")) if part else period


def _mean_date(match: re.Match[str], tense: Tense | None, today: date) -> Period | None:
    words = re.findall(r"\d+|[^\W\d_]{3,}", match["date"])
    number = int(next(word for word in words if word.isdigit()))
    month = month_number(next(w for w in words if w.lower() not in ("the",) and not w.isdigit()))
    if match["year"]:
        return periods.one_day(date(today.year + RELATIVE[listed(match["year"])], month, number))
    days = [d for year in range(today.year - 8, today.year + 9) if (d := _day_or_none(year, month, number))]
    if not days:
        return None
    if match["weekday"]:
        weekday = weekday_number(match["weekday"])
        days = [d for d in days if d.weekday() == weekday] or days
    nearest = min(days, key=lambda d: abs(d - today))
    if match["weekday"]:
        return periods.one_day(nearest)
    fitting = [d for d in days if (d >= today if tense == "future" else d <= today)]
    chosen = min(fitting, key=lambda d: abs(d - today))
    # Without a past verb, a distant day loses to a near one in the other direction: news would state its year.
    return periods.one_day(nearest if tense != "past" and abs(chosen - today).days > _FAR_DAYS else chosen)


def _day_or_none(year: int, month: int, number: int) -> date | None:
    try:
        return date(year, month, number)
    except ValueError:
        return None


def _mean_ago(match: re.Match[str], tense: Tense | None, today: date) -> Period:
    """Return a day for days and weeks, a calendar month or year for months and years."""
    number, unit = _count(match), listed(match["unit"])
    number = -number if listed(match["phrase"]).endswith("ago") else number
    if unit == "year":
        return periods.year_period(today.year + number)
    if unit == "month":
        return periods.month_period(today.year, today.month + number)
    return periods.one_day(today + timedelta(days=number * {"day": 1, "week": 7, "fortnight": 14}[unit]))


def _mean_ahead(match: re.Match[str], tense: Tense | None, today: date) -> Period | None:
    """Return the day of "in two weeks" in a future tense; in others it may be a duration."""
    return _mean_ago(match, tense, today) if tense == "future" else None


def _mean_quarter(match: re.Match[str], tense: Tense | None, today: date) -> Period:
    return periods.quarter_period(today.year + RELATIVE[listed(match["which"])], QUARTERS[listed(match["number"])])


def _mean_span(match: re.Match[str], tense: Tense | None, today: date) -> Period | None:
    """Return the period up to the article's day, or from it: "the past three days"."""
    way, unit = listed(match["way"]), listed(match["unit"])
    if not match["lead"] and way != "past":
        return None  # "the last week" may be the last week of anything
    if not match["number"] and (unit == "day" or listed(match["phrase"]).endswith("s")):
        return None  # "the next day" follows some other day, "the coming years" have no end
    number = (_count(match) if match["number"] else 1) * (-1 if way in ("last", "past") else 1)
    if unit in ("day", "week"):
        other = today + timedelta(days=number * (7 if unit == "week" else 1))
    else:
        other = periods.shift_months(today, number * {"month": 1, "year": 12, "decade": 120}[unit])
    return min(other, today), max(other, today)


def _mean_deadline(match: re.Match[str], tense: Tense | None, today: date) -> Period | None:
    which = listed(match["which"])
    if which == "the" and tense == "past":
        return None  # "by the end of the year he had left": of an unknown year
    return periods.one_day(_name_period("this" if which == "the" else which, listed(match["unit"]), tense, today)[1])


def _count(match: re.Match[str]) -> int:
    word = listed(match["number"])
    return int(word) if word.isdigit() else COUNTS[word]


_MEANINGS: dict[str, Callable[[re.Match[str], Tense | None, date], Period | None]] = {
    "word": _mean_word,
    "weekday": _mean_weekday,
    "period": _mean_period,
    "weekend": _mean_weekend,
    "month": _mean_month,
    "date": _mean_date,
    "ago": _mean_ago,
    "time": _mean_ago,
    "ahead": _mean_ahead,
    "quarter": _mean_quarter,
    "span": _mean_span,
    "deadline": _mean_deadline,
}
