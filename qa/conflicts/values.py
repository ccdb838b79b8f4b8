"""Find the values of a sentence (counts, money, shares, durations, sizes, dates, times) and compare two of them. Pure.

A value is a range: "autumn 2027" is wide, "7:42" is a point. Two values agree when both can be true of one thing, as
far as rounding, "about" and "more than" allow.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from qa.temporal import day_ranges
from qa.text.english import (
    CURRENCIES,
    CURRENCY_FORMS,
    CURRENCY_SIGNS,
    MINUTES,
    ONES,
    SCALES,
    SHORT_SCALES,
    SIZE_FORMS,
    TENS,
    TITLED,
    listed,
)

Measure = Literal["count", "money", "percent", "duration", "size", "age", "date", "clock"]
Bound = Literal["", "over", "under", "about"]

_SMALL = ONES | TENS
_SCALES = SCALES | {"dozen": 12}

_SPACES = "\u00a0\u202f\u2009"
_DIGITS = rf"\d{{1,3}}(?:[,{_SPACES}]\d{{3}})+(?!\d)(?:\.\d+)?|\d{{1,3}}(?: \d{{3}})+(?![\d.,-]\d)|\d+(?:\.\d+)?"
_SMALL_WORD = rf"(?:(?:{'|'.join(TENS)})(?:-(?:{'|'.join(list(ONES)[1:10])}))?|{'|'.join(reversed(ONES))})"
_SCALE_WORD = rf"(?:{'|'.join(_SCALES)})"
_WORDS = (
    rf"(?:{_SMALL_WORD}\b(?:[ -]{_SCALE_WORD}\b)*|an? {_SCALE_WORD}\b)"
    rf"(?:(?<=hundred)(?: and)? {_SMALL_WORD}\b|(?<=thousand)(?:,? and)? {_SMALL_WORD}\b(?:[ -]hundred\b)?)?"
)
_NUMBER = re.compile(
    rf"(?<![\w.])(?<!\d,)(?:(?P<digits>{_DIGITS})(?P<th>st|nd|rd|th)?(?:[ -]?(?P<scale>{_SCALE_WORD})\b)?"
    rf"|(?P<words>{_WORDS}))",
    re.IGNORECASE,
)
_SIGNS = {sign: CURRENCIES[name] for sign, name in CURRENCY_SIGNS.items()}
_SIGN = re.compile(r"(?:US|[CA])?([$€£¥₹]) ?$")
_SCALE_AFTER = re.compile(rf"({'|'.join(SHORT_SCALES)})\b", re.IGNORECASE)
_CURRENCY_AFTER = re.compile(rf"[ -]?({'|'.join(CURRENCY_FORMS)})\b", re.IGNORECASE)
_PERCENT_AFTER = re.compile(r" ?%|[ -]?(?:per ?cent|percentage points?)\b", re.IGNORECASE)
_AGE_AFTER = re.compile(r"[ -]years?[ -](?:old|of age)\b", re.IGNORECASE)
_AGED = re.compile(r"\b(?:aged?|age of) $|[a-z], $", re.IGNORECASE)
_MINUTES_AFTER = re.compile(
    rf"(?P<length>[ -](?P<unit>{'|'.join(MINUTES)})s?)\b(?P<point> (?:ago|later|earlier|late|before|after)\b)?"
)
_SIZE_AFTER = re.compile(rf"[ -]?(square |cubic |nautical )?({'|'.join(SIZE_FORMS)})\b(?! of them)", re.IGNORECASE)
# A number that is a label is not a value: "the number 14 bus", "pier seven", "E4".
_LABEL = re.compile(
    r"\b(?:numbers?|no\.?|route|flight|chapter|page|room|section|article|pier|gate|platform|line|level|phase|grade"
    r"|highway|interstate|district|ward|apollo|type|model|part|volume|season|episode|top|under|covid)[ -]$"
    r"|[#-]$|\bthe one $"
    r"|\bof (?:those|them|whom|these)[^,.;]{0,20} $",  # "of those aboard nine": a part
    re.IGNORECASE,
)
_NAME_BEFORE = re.compile(rf"\w,? (?:{TITLED} )+$")  # "Super Bowl 45", "Week 6"
_LABELS_BELOW = 100
_NOT_COUNTED = re.compile(r" (?:of (?:them|the(?:m|se|ir|m)?|those|whom|which)\b|or (?:two|so)\b)|-(?!\w*(?:strong)\b)")
_OF_THEM = re.compile(r" of them(?=[,;.])")
_OVER = re.compile(
    r"\b(?:at least|more than|(?:just |well )?over|no fewer than|no less than|not less than|upwards? of|exceed(?:s|ed)?"
    r"|above) (?:US)?[$€£]?$",
    re.IGNORECASE,
)
_UNDER = re.compile(r"\b(?:at most|up to|fewer than|less than|no more than|(?:just )?under|below) (?:US)?[$€£]?$", re.I)
_ABOUT = re.compile(
    r"(?:\b(?:about|around|some|roughly|nearly|almost|approximately|approx\.?|an estimated|close to|estimated at|circa)"
    r" |~ ?)(?:a )?(?:US)?[$€£]?$",
    re.IGNORECASE,
)
# A figure given for comparison: "from 187 to 243", "up from 90", "90 a week earlier".
_FORMER = re.compile(
    r"\b(?:from|compared (?:with|to)|instead of|rather than|not|against|than|previous|earlier figure of)"
    r" (?:about |around |some )?(?:US)?[$€£]?$",
    re.IGNORECASE,
)
_FORMER_AFTER = re.compile(r"[a-z ]{0,12}\b(?:a (?:week|month|year|day) (?:earlier|ago|before)|last year)\b")
ORDINAL = "th"  # the unit of "40th"
_SLACK = 0.1  # how far above "more than 1,000" an agreeing figure may be
_EXACT_BELOW = 100  # smaller counts are taken as exact unless they say "about"


@dataclass(frozen=True, slots=True)
class Value:
    """One value and its place in the sentence."""

    measure: Measure
    unit: str  # EUR, m, ""; only values of the same unit are comparable
    low: float
    high: float
    start: int
    end: int
    bound: Bound = ""
    step: float = 0.0  # how coarse the figure is: 5,200 is given in steps of 100
    former: bool = False  # an earlier figure, given for comparison

    def comparable(self, other: Value) -> bool:
        """Tell whether the two are of one measure and unit."""
        return self.measure == other.measure and self.unit == other.unit


def agree(a: Value, b: Value) -> bool:
    """Tell whether two comparable values can be the same."""
    if a.low <= b.high and b.low <= a.high:
        return True
    if a.measure in ("date", "clock"):
        return False
    return _is_rounding_of(a, b) or _is_rounding_of(b, a) or _is_within_bound(a, b) or _is_within_bound(b, a)


def _is_rounding_of(rough: Value, fine: Value) -> bool:
    """Tell whether the first value is the second, rounded."""
    off = abs(rough.low - fine.low)
    if rough.measure == "duration" and rough.step > fine.step:
        return off <= rough.step / 2  # six weeks, 45 days
    if rough.bound == "about":
        return off <= max(rough.step / 2, 0.05 * rough.low)
    if (rough.low < _EXACT_BELOW and rough.measure == "count") or rough.step <= fine.step:
        return False
    return off <= min(rough.step / 2, 0.05 * rough.low)


def _is_within_bound(bound: Value, other: Value) -> bool:
    if bound.bound == "over":
        return bound.low <= other.low <= bound.low * (1 + _SLACK)
    return bound.bound == "under" and other.low <= bound.low  # "up to 20,000" leaves room for 10,000


def find_values(sentence: str, published: str | None = None) -> list[Value]:
    """Return the values of a sentence in order; relative days are read against the day of publication."""
    near = date.fromisoformat(published[:10]) if published else None
    values = [Value("clock", "", low, high, start, end) for start, end, low, high in day_ranges.clocks(sentence)]
    masked = _mask(sentence, values)
    values += [Value("date", "", low, high, start, end) for start, end, low, high in day_ranges.days(masked, near)]
    # A date that could not be resolved is not a count either, so the rest of "May 9" is masked as well.
    masked = _mask(masked, [Value("date", "", 0, 0, *span) for span in day_ranges.mentions(masked)])
    return sorted([*values, *_read_values(masked)], key=lambda value: value.start)


def _mask(sentence: str, values: list[Value]) -> str:
    for value in values:
        sentence = f"{sentence[: value.start]}{'_' * (value.end - value.start)}{sentence[value.end :]}"
    return sentence


def _read_values(sentence: str) -> Iterator[Value]:
    money_ended = -9
    for match in _NUMBER.finditer(sentence):
        value = _read_value(sentence, match)
        if value is None:
            continue
        if value.measure == "money":
            if "(" in sentence[money_ended : value.start] and value.start - money_ended < 6:
                continue  # the same sum in another currency
            money_ended = value.end
        yield value


def _read_value(sentence: str, match: re.Match[str]) -> Value | None:
    amount, step = _read_amount(match)
    before, start, end = sentence[: match.start()], match.start(), match.end()
    sign = _SIGN.search(before)
    if sign:
        start = sign.start()
        short = _SCALE_AFTER.match(sentence, end)
        if short:
            scale = SHORT_SCALES[listed(short[1])]
            amount, step, end = amount * scale, step * scale, short.end()
        return _value_of("money", _SIGNS[sign[1]], amount, step, (start, end), sentence)
    for measure, pattern in (("money", _CURRENCY_AFTER), ("percent", _PERCENT_AFTER), ("age", _AGE_AFTER)):
        unit = pattern.match(sentence, end)
        if unit:
            name = CURRENCY_FORMS[listed(unit[1])] if measure == "money" else ""
            return _value_of(measure, name, amount, step, (start, unit.end()), sentence)  # type: ignore[arg-type]
    if _LABEL.search(before) or (_NAME_BEFORE.search(before) and match["digits"] and amount < _LABELS_BELOW):
        return None
    length = _MINUTES_AFTER.match(sentence, end)
    if length:
        factor = MINUTES[length["unit"]]
        point = length["point"] is not None  # "two days ago" is a day, no length
        return (
            None
            if point
            else _value_of("duration", "", amount * factor, factor, (start, length.end("length")), sentence)
        )
    size = _SIZE_AFTER.match(sentence, end)
    if size:
        unit_name, factor = SIZE_FORMS[listed(size[2])]
        power = listed(size[1] or "")
        name = unit_name if power in ("", "nautical") else f"{power} {unit_name}"
        factor *= 1.15078 if power == "nautical" else 1.0
        return _value_of("size", name, amount * factor, step * factor, (start, size.end()), sentence)
    if _AGED.search(before) and match["digits"] and len(match["digits"]) == 2 and sentence[end : end + 1] == ",":
        return _value_of("age", "", amount, step, (start, end), sentence)
    if (match["words"] or "").lower() == "one" and not sentence[end:].startswith(" person"):
        return None  # nearly always a pronoun
    counts_all = _OF_THEM.match(sentence, end) is not None and before.endswith(", ")  # "the coins, 3,200 of them, lay"
    if (not counts_all and _NOT_COUNTED.match(sentence, end)) or (
        match["th"] and sentence[end:].startswith(" century")
    ):
        return None
    # "The 40th meeting" says how many there were only where the question asks for that.
    return _value_of("count", ORDINAL if match["th"] else "", amount, step, (start, end), sentence)


def _value_of(measure: Measure, unit: str, amount: float, step: float, span: tuple[int, int], sentence: str) -> Value:
    before = sentence[: span[0]]
    bound: Bound = ""
    for name, pattern in (("over", _OVER), ("under", _UNDER), ("about", _ABOUT)):
        if pattern.search(before):
            bound = name  # type: ignore[assignment]
    former = bool(_FORMER.search(before) or _FORMER_AFTER.match(sentence, span[1]))
    return Value(measure, unit, amount, amount, *span, bound=bound, step=step, former=former)


def _read_amount(match: re.Match[str]) -> tuple[float, float]:
    """Return the number and the size of its last digit that is not a rounded zero."""
    if match["digits"]:
        digits = re.sub(rf"[,{_SPACES} ]", "", match["digits"])
        scale = _SCALES[listed(match["scale"])] if match["scale"] else 1.0
        integer, _, decimals = digits.partition(".")
        zeros = len(integer) - len(integer.rstrip("0")) if not decimals else 0
        return float(digits) * scale, scale * 10.0 ** (zeros if not decimals else -len(decimals))
    total = part = 0.0
    for word in re.findall(r"[a-z]+", listed(match["words"])):
        if word in _SMALL:
            part += _SMALL[word]
        elif word in _SCALES:
            part = (part or 1.0) * _SCALES[word]
            if part >= 1e3 and word != "hundred":
                total, part = total + part, 0.0
    amount = total + part
    return amount, 10.0 ** _zeros(amount)


def _zeros(amount: float) -> int:
    number = int(amount)
    return 0 if number == 0 or not math.isclose(number, amount) else len(str(number)) - len(str(number).rstrip("0"))
