"""The dates and times of day in a sentence, as ranges, resolved against the day of its article. Pure.

What cannot be resolved (a weekday in an undated article) is left out: a wrong day would make a false conflict.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from qa.temporal import periods
from qa.text.english import (
    MONTH_NUMBERS,
    QUARTERS,
    RELATIVE,
    SEASONS,
    WEEKDAY_NUMBERS,
    listed,
    month_number,
    weekday_number,
)

Range = tuple[int, int, float, float]  # start and end in the sentence, first and last day (or minute)

_MONTH = rf"(?P<month>{'|'.join(MONTH_NUMBERS)})\b\.?"
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?\b"
_YEAR = r"(?P<year>1[0-9]\d\d|20\d\d)\b"
_CLOCK = re.compile(
    r"(?<![\w.:£$€])(?:(?P<hour>[01]?\d|2[0-3])[:.](?P<minute>[0-5]\d)(?: ?(?P<half>[ap])\.?m\b\.?)?(?![\w:]|[.,]\d)"
    r"|(?P<hour2>1[0-2]|0?[1-9]) ?(?P<half2>[ap])\.?m\b\.?|\b(?P<word>noon|midday|midnight)\b)",
    re.IGNORECASE,
)
_NO_CLOCK = re.compile(
    r"\s*(?:%|per ?cent|million|billion|euros?|dollars?|pounds?|tonnes?|metres?|km\b)", re.IGNORECASE
)
_FUTURE = re.compile(
    r"\b(?:will|shall|is to|are to|was to|due|expected|expects?|plans?|planned|starts|begins|opens|next|coming|from)\b"
)
_SINCE = re.compile(r"\b(?:since|until|till|before|after|by) $", re.IGNORECASE)


def clocks(sentence: str) -> Iterator[Range]:
    """Yield the times of day, in minutes after midnight; "7.42" counts only with a.m. or p.m."""
    for found in _CLOCK.finditer(sentence):
        word = listed(found["word"] or "")
        half = (found["half"] or found["half2"] or "").lower()
        if word:
            minutes = 0 if word == "midnight" else 720
        else:
            if not half and ("." in found.group() or _NO_CLOCK.match(sentence, found.end())):
                continue
            hour, minute = int(found["hour"] or found["hour2"]), int(found["minute"] or 0)
            if half and hour <= 12:
                hour = hour % 12 + (12 if half == "p" else 0)
            minutes = 60 * hour + minute
        yield found.start(), found.end(), minutes, minutes


def days(sentence: str, published: date | None) -> Iterator[Range]:
    """Yield days, months, quarters, seasons and years, as ordinals of their first and last day."""
    taken: list[tuple[int, int]] = []
    for pattern, resolve in _FORMS:
        for found in pattern.finditer(sentence):
            start, end = found.span()
            if any(start < other_end and other_start < end for other_start, other_end in taken):
                continue
            taken.append((start, end))
            if _SINCE.search(sentence[:start]):
                continue  # a bound, not the day of an event
            try:
                first, last = resolve(found, sentence, published)
            except (ValueError, OverflowError):  # 31 June; a day that cannot be resolved
                continue
            yield start, end, first.toordinal(), last.toordinal()


def _known(published: date | None) -> date:
    if published is None:
        raise ValueError("the article has no date")
    return published


def _full_day(found: re.Match[str], sentence: str, published: date | None) -> tuple[date, date]:
    month, day = month_number(found["month"]), int(found["day"])
    if found.groupdict().get("year"):
        resolved = date(int(found["year"]), month, day)
    else:  # news states the year when it is not the nearest
        near = _known(published)
        resolved = min((date(near.year + shift, month, day) for shift in (-1, 0, 1)), key=lambda day: abs(day - near))
    return resolved, resolved


def _month_of(found: re.Match[str], sentence: str, published: date | None) -> tuple[date, date]:
    month = month_number(found["month"])
    if found.groupdict().get("year"):
        year = int(found["year"])
    else:
        near = _known(published)
        relative = found["relative"]
        if relative:
            year = near.year + RELATIVE[listed(relative)]
        elif _FUTURE.search(sentence) is None:
            year = near.year if month <= near.month else near.year - 1
        else:
            year = near.year if month >= near.month else near.year + 1
    return periods.month_period(year, month)


def _season(found: re.Match[str], sentence: str, published: date | None) -> tuple[date, date]:
    year = int(found["year"]) if found["year"] else _year(found["relative"], published)
    return periods.season_period(found["season"], year)


def _quarter(found: re.Match[str], sentence: str, published: date | None) -> tuple[date, date]:
    year = int(found["year"]) if found["year"] else _year(found["relative"], published)
    return periods.quarter_period(year, QUARTERS[listed(found["quarter"])])


def _whole_year(found: re.Match[str], sentence: str, published: date | None) -> tuple[date, date]:
    return periods.year_period(int(found["year"]))


def _year(relative: str | None, published: date | None) -> int:
    if not relative:
        raise ValueError("which year is not said")
    return _known(published).year + RELATIVE[listed(relative)]


def _weekday(found: re.Match[str], sentence: str, published: date | None) -> tuple[date, date]:
    near = _known(published)
    lead = listed(found["lead"] or "").strip()
    ahead = (weekday_number(found["weekday"]) - near.weekday()) % 7
    future = lead == "next" or (lead != "last" and _FUTURE.search(sentence) is not None)
    resolved = near + timedelta(days=(ahead or 7 if lead == "next" else ahead) if future else ahead - 7 if ahead else 0)
    return resolved, resolved


def _near_day(found: re.Match[str], sentence: str, published: date | None) -> tuple[date, date]:
    shift = {"yesterday": -1, "today": 0, "tomorrow": 1, "last night": -1, "this morning": 0, "tonight": 0}
    resolved = _known(published) + timedelta(days=shift[listed(found.group())])
    return resolved, resolved


_RELATIVE = r"(?P<relative>last|this|next)"
_Resolve = Callable[[re.Match[str], str, date | None], tuple[date, date]]
# Most precise first: text that a form has matched is not matched again by a later one.
_FORMS: tuple[tuple[re.Pattern[str], _Resolve], ...] = tuple(
    (re.compile(pattern, flags), resolve)
    for pattern, flags, resolve in (
        (rf"\b{_DAY}(?: of)? {_MONTH}(?:,? {_YEAR})?", re.IGNORECASE, _full_day),
        (rf"\b{_MONTH} {_DAY}(?!-)(?:,? {_YEAR})?", re.IGNORECASE, _full_day),
        (rf"\b{_MONTH},?(?: of)? {_YEAR}", re.IGNORECASE, _month_of),
        (
            rf"\b(?P<season>{'|'.join(SEASONS)})(?: of)? (?:{_YEAR}|{_RELATIVE} year\b)",
            re.IGNORECASE,
            _season,
        ),
        (
            rf"\b(?P<quarter>{'|'.join(QUARTERS)}) quarter(?: of)?,? (?:{_YEAR}|{_RELATIVE} year\b)",
            re.IGNORECASE,
            _quarter,
        ),
        (rf"(?<=\bin ){_MONTH}(?: {_RELATIVE} year\b)?", re.IGNORECASE, _month_of),
        (rf"\b(?P<lead>next |last )?(?P<weekday>{'|'.join(WEEKDAY_NUMBERS)})(?=['’]?s?\b)", re.IGNORECASE, _weekday),
        (r"\b(?:yesterday|today|tomorrow|last night|this morning|tonight)\b", re.IGNORECASE, _near_day),
        (rf"(?<![\d,.€$£#-])\b{_YEAR}(?![,.]\d|[-%]|\s?(?:people|metres|euros))", 0, _whole_year),
    )
)


def mentions(sentence: str) -> Iterator[tuple[int, int]]:
    """Yield the places where a day is named, resolvable or not."""
    for pattern, _ in _FORMS:
        for found in pattern.finditer(sentence):
            yield found.span()
