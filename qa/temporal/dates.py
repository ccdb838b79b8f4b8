"""Parse publication dates: every accepted form becomes one ISO 8601 form, and ambiguous ones are refused."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone

from qa.errors import BadArticle
from qa.text.english import MONTH_NUMBERS, WEEKDAY_ABBREVIATIONS, WEEKDAYS

FIRST_YEAR, LAST_YEAR = 1600, 2100
UNDATED = -10_000_000  # the day of an undated article in an index: it passes `not_after` and fails every date filter
# A number outside these years is far more often a wrong unit or not a date at all.
_EPOCH_S = (631_152_000, 4_102_444_800)  # 1990-01-01 to 2100-01-01
_LONGEST = 64  # characters; the longest accepted form has about 45
_EARLIEST_ZONE, _LATEST_ZONE = timedelta(hours=-12), timedelta(hours=14)

_MONTH = rf"(?P<month>{'|'.join(MONTH_NUMBERS)})\.?"
_WEEKDAY = rf"(?:(?:{'|'.join((*WEEKDAYS, *WEEKDAY_ABBREVIATIONS))})\.?,?\s+)?"
_DAY = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>[12][0-9]{3})"
_CLOCK = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,][0-9]{1,9})?)?"
_ZONE = r"(?P<zone>z|[a-z]{2,5}|[+-][0-9]{2}(?::?[0-9]{2})?)"
_TIME = rf"(?:,?\s+(?:at\s+)?{_CLOCK}\s?(?P<half>[ap]\.?m\.?)?(?:\s?\(?{_ZONE}\)?)?)?"

_DAY_FIRST = rf"{_WEEKDAY}{_DAY}\s+{_MONTH},?\s+{_YEAR}"
_MONTH_FIRST = rf"{_WEEKDAY}{_MONTH}\s+{_DAY},?\s+{_YEAR}"
_YEAR_FIRST = r"(?P<year>[0-9]{4})(?P<sep>[-/])(?P<month>[0-9]{2})(?P=sep)(?P<day>[0-9]{2})"
_FLAGS = re.IGNORECASE | re.ASCII
_WRITTEN = tuple(re.compile(form, _FLAGS) for form in (_DAY_FIRST, _MONTH_FIRST, _YEAR_FIRST))
_FORMS = (
    re.compile(rf"{_YEAR_FIRST}(?:[t\s]{_CLOCK}\s?{_ZONE}?)?", _FLAGS),
    re.compile(
        r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"
        rf"(?:t(?P<hour>[0-9]{{2}})(?P<minute>[0-9]{{2}})(?P<second>[0-9]{{2}})?{_ZONE}?)?",
        _FLAGS,
    ),
    re.compile(_DAY_FIRST + _TIME, _FLAGS),
    re.compile(_MONTH_FIRST + _TIME, _FLAGS),
)
_ORDER_UNKNOWN = re.compile(r"[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2,4}.*", re.ASCII)

# Offsets from UTC in hours of the zone names in RFC 2822 and English news. Other names, such as "ET" and "IST", have
# more than one offset: for them only the day is kept.
_ZONES = {"z": 0, "ut": 0, "utc": 0, "gmt": 0, "bst": 1, "cet": 1, "cest": 2, "est": -5, "edt": -4}
_ZONES |= {"cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7}


def parse_published(value: object) -> str:
    """Return a publication date as `YYYY-MM-DD`, or as `YYYY-MM-DDTHH:MM:SS+HH:MM` when the time is known.

    Accepts ISO 8601, RFC 2822, written-out English dates, and epoch seconds or milliseconds as a number. A time
    without a zone is taken as UTC; with an ambiguous zone name ("ET") only the day is kept.
    Raises BadArticle.
    """
    if isinstance(value, datetime):
        return _moment(value if value.tzinfo else value.replace(tzinfo=UTC))
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _parse_epoch(value)
    if not isinstance(value, str):
        raise _refusal(value, "neither text nor a number")
    text = value.strip()
    if not text or len(text) > _LONGEST:
        raise _refusal(value, "empty" if not text else "too long for a date")
    for form in _FORMS:
        if found := form.fullmatch(text):
            try:
                return _build(found)
            except ValueError as exc:
                raise _refusal(value, str(exc)) from exc
    if _ORDER_UNKNOWN.fullmatch(text):
        raise _refusal(value, "day and month cannot be told apart; write YYYY-MM-DD")
    raise _refusal(value, "not a date in a known form; write YYYY-MM-DD")


def match_day(text: str) -> tuple[str, int] | None:
    """Read the date that `text` begins with; return its ISO day and where it ends, or None."""
    head = text[:_LONGEST]
    for form in _WRITTEN:
        if found := form.match(head):
            try:
                return _calendar_day(found).isoformat(), found.end()
            except ValueError:
                return None
    return None


def day(iso: str) -> str:
    """Return the local day of a date in the form of `parse_published`. Raises BadArticle."""
    try:
        return date.fromisoformat(iso[:10]).isoformat()
    except ValueError as exc:
        raise _refusal(iso, "not an ISO date") from exc


def parse_day(value: object) -> str:
    """Return the day of a date in any form that `parse_published` takes. Raises BadArticle."""
    return day(parse_published(value))


def ordinal(iso: str) -> int:
    """Count the days from 1970-01-01 to the local day as written. Raises BadArticle."""
    return (date.fromisoformat(day(iso)) - date(1970, 1, 1)).days


def _refusal(value: object, reason: str) -> BadArticle:
    # Python refuses to print an integer of thousands of digits.
    shown = "a number too large" if isinstance(value, int) and value.bit_length() > 256 else repr(value)
    return BadArticle(f"published_at: {shown[:80]} is refused: {reason}", "published_at")


def _parse_epoch(value: float) -> str:
    """Read a number as seconds, or as milliseconds if it is too large for seconds."""
    for unit in (1, 1000):
        if _EPOCH_S[0] * unit <= value < _EPOCH_S[1] * unit:
            return _moment(datetime.fromtimestamp(int(value) // unit, UTC))
    raise _refusal(value, "as a number it must be epoch seconds or milliseconds between 1990 and 2100")


def _moment(moment: datetime) -> str:
    """Format a moment with its full offset, as `+00:00` and never as `Z`."""
    return moment.isoformat(timespec="seconds")


def _calendar_day(found: re.Match[str]) -> date:
    """Return the day of a match. Raises ValueError."""
    month = found["month"].lower()
    number = int(month) if month.isdigit() else MONTH_NUMBERS[month]
    year = int(found["year"])
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f"the year is not between {FIRST_YEAR} and {LAST_YEAR}")
    return date(year, number, int(found["day"]))


def _build(found: re.Match[str]) -> str:
    """Return the normal form of a match. Raises ValueError."""
    on = _calendar_day(found)
    parts = found.groupdict()
    if parts.get("hour") is None:
        return on.isoformat()
    hour = _hour(int(parts["hour"]), parts.get("half"))
    zone = _parse_zone(parts.get("zone"))
    moment = datetime(on.year, on.month, on.day, hour, int(parts["minute"]), int(parts["second"] or 0), tzinfo=zone)
    return _moment(moment) if zone is not None else on.isoformat()


def _hour(hour: int, half: str | None) -> int:
    """Convert an hour of the twelve-hour clock to the twenty-four-hour clock."""
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError("the hour is not between 1 and 12")
    return hour % 12 + (12 if half[0].lower() == "p" else 0)


def _parse_zone(name: str | None) -> timezone | None:
    """Return the zone of an offset or a name, UTC if there is none, None for an ambiguous name."""
    if name is None:
        return UTC
    if name[0] not in "+-":
        hours = _ZONES.get(name.lower())
        return None if hours is None else timezone(timedelta(hours=hours))
    digits = name[1:].replace(":", "").ljust(4, "0")
    if int(digits[2:]) > 59:
        raise ValueError("the offset has more than 59 minutes")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    offset = -offset if name[0] == "-" else offset
    if not _EARLIEST_ZONE <= offset <= _LATEST_ZONE:
        raise ValueError("no place on Earth has this offset from UTC")
    return timezone(offset)
