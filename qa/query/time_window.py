"""Find the time that a question names, as a window of days. Pure."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta

from qa.temporal.periods import Period, month_period, quarter_period, read_period
from qa.temporal.phrases import Resolved, resolve
from qa.text.english import MONTH_NUMBERS, QUARTERS, WEEKDAY_NUMBERS, listed, month_number, weekday_number

_MONTH = rf"(?P<month>{'|'.join(MONTH_NUMBERS)})\.?"
_WEEKDAY_NAMES = "|".join(WEEKDAY_NUMBERS)
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_ON = rf"(?:on|{_WEEKDAY_NAMES}),?"
# Most precise first; the first that matches decides.
_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?P<iso>(?:19|20)\d\d-\d\d-\d\d)\b",
        rf"\bbetween {_MONTH}(?: (?P<year_from>(?:19|20)\d\d))? and {_MONTH.replace('month', 'month_to')} {_YEAR}\b",
        rf"\b(?P<quarter>{'|'.join(QUARTERS)}) quarter of {_YEAR}\b",
        r"\b(?P<decade>(?:19|20)\d0)s\b",
        rf"\b{_DAY}(?: of)? {_MONTH},? {_YEAR}\b",
        rf"\b{_MONTH} {_DAY},? {_YEAR}\b",
        rf"\b{_MONTH},? {_YEAR}\b",
        rf"\b{_ON} {_MONTH} {_DAY}\b",
        rf"\b{_ON}(?: the)? {_DAY}(?: of)? {_MONTH}(?![\w-])",
        # Not "in Mar-a-Lago", and not "this may be".
        rf"\b(?P<lead>in|of|during|since|before|until|after|last|this(?! (?-i:may|march)\b)) {_MONTH}(?![\w-])",
        rf"\b(?P<lead>in|of|during|since|before|until|after) {_YEAR}\b",
        r"\b(?P<word>yesterday|today|(?:last|past|this) (?:week|month|year))\b",
        rf"\b(?P<lead>last )?(?<!next )(?P<weekday>{_WEEKDAY_NAMES})(?:['’]s)?\b",
    )
)

_BOUND = re.compile(r"\b(since|before|until|after)(?: the)? $", re.IGNORECASE)  # before a whole date
_WEEKDAY = re.compile(_WEEKDAY_NAMES, re.IGNORECASE)


def window(question: str, as_of: date) -> tuple[date, date] | None:
    """Return the first and last day that a question names, None when it names no time or an impossible one."""
    phrases = resolve(question, as_of.isoformat())
    for pattern in _PATTERNS:
        for match in pattern.finditer(question):
            # "Black Friday" and "the Sunday Times" are not days.
            if "weekday" not in pattern.groupindex or any(p.start <= match.start("weekday") < p.end for p in phrases):
                bound = _BOUND.search(question[: match.start()])
                return _resolve(match.groupdict() | ({"lead": bound[1]} if bound else {}), as_of)
    return _window_of_phrase(phrases, as_of)


def _window_of_phrase(phrases: list[Resolved], as_of: date) -> tuple[date, date] | None:
    """Return the period of a time phrase as articles have it, "last weekend", "two weeks ago", up to `as_of`."""
    for phrase in phrases:
        if phrase.resolved and not _WEEKDAY.search(phrase.phrase):
            first, last = read_period(phrase.resolved)
            return (first, min(last, as_of)) if first <= as_of else None
    return None


def _resolve(parts: dict[str, str | None], as_of: date) -> tuple[date, date] | None:
    lead = listed((parts.get("lead") or "").strip())
    try:
        if parts.get("iso"):
            day = date.fromisoformat(parts["iso"] or "")
            return _bounded(lead, (day, day), as_of)
        if parts.get("word"):
            return _relative_period(listed(parts["word"] or ""), as_of)
        if parts.get("weekday"):
            back = (as_of.weekday() - weekday_number(parts["weekday"] or "")) % 7
            day = as_of - timedelta(days=7 if lead == "last" and back == 0 else back)
            return day, day
        first, last = _named_period(parts, lead, as_of)
    except (ValueError, OverflowError):  # 30 February; the day before the first of all days
        return None
    return _bounded(lead, (first, last), as_of)


def _bounded(lead: str, period: Period, as_of: date) -> Period | None:
    """Return the time before, since or after a period; None for an "after" in the future. Raises OverflowError."""
    first, last = period
    if lead in ("before", "until"):
        return date.min, first - timedelta(days=1) if lead == "before" else last
    if lead == "since":
        return first, max(last, as_of)
    if lead == "after":
        return (last + timedelta(days=1), as_of) if last < as_of else None
    return period


def _named_period(parts: dict[str, str | None], lead: str, as_of: date) -> tuple[date, date]:
    """Return the year, month or day that is named. Raises ValueError."""
    if parts.get("decade"):
        decade = int(parts["decade"] or "")
        return date(decade, 1, 1), date(decade + 9, 12, 31)
    year = int(parts["year"] or "") if parts.get("year") else None
    if parts.get("quarter"):
        return quarter_period(year or 0, QUARTERS[listed(parts["quarter"] or "")])
    if parts.get("month_to"):
        months = month_number(parts["month"] or ""), month_number(parts["month_to"] or "")
        first_year = int(parts.get("year_from") or 0) or (year or 0) - (months[0] > months[1])
        return month_period(first_year, months[0])[0], month_period(year or 0, months[1])[1]
    if year is not None and not parts.get("month"):
        return date(year, 1, 1), date(year, 12, 31)
    month = month_number(parts["month"] or "")
    if year is None:
        # A month without a year is the last one that has begun; "last March", asked in March, is a year ago.
        has_begun = month < as_of.month or (month == as_of.month and lead != "last")
        year = as_of.year if has_begun else as_of.year - 1
    if parts.get("day"):
        day = date(year, month, int(parts["day"] or ""))
        return day, day
    return date(year, month, 1), date(year, month, monthrange(year, month)[1])


def _relative_period(word: str, as_of: date) -> tuple[date, date]:
    if word == "today":
        return as_of, as_of
    if word == "yesterday":
        return as_of - timedelta(days=1), as_of - timedelta(days=1)
    which, unit = word.split()
    if which == "past":
        return as_of - timedelta(days={"week": 7, "month": 31, "year": 366}[unit]), as_of
    if unit == "week":
        monday = as_of - timedelta(days=as_of.weekday())
        return (monday, as_of) if which == "this" else (monday - timedelta(days=7), monday - timedelta(days=1))
    if unit == "month":
        first = as_of.replace(day=1)
        return (
            (first, as_of)
            if which == "this"
            else ((first - timedelta(days=1)).replace(day=1), first - timedelta(days=1))
        )
    year = as_of.year if which == "this" else as_of.year - 1
    return date(year, 1, 1), as_of if which == "this" else date(year, 12, 31)
