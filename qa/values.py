"""The values in a sentence - counts, money, shares, lengths, measures, days, times - and whether two agree. Pure.

A value is a range: "about 5,000" and "autumn 2027" are wide, "7:42" is a point. Two values agree when what they say can
be true of one thing at once, as far as rounding and "more than" allow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from qa import calendar_ranges
from qa.types import Span

Measure = Literal["count", "money", "percent", "duration", "size", "age", "date", "clock"]

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_SMALL = {word: float(n) for n, word in enumerate(_ONES)} | {word: 10.0 * n for n, word in enumerate(_TENS, start=2)}
_SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "dozen": 12.0}
_SHORT = {"k": 1e3, "m": 1e6, "mn": 1e6, "mln": 1e6, "bn": 1e9, "tn": 1e12}

_DIGITS = r"\d{1,3}(?:[,\u00a0\u202f\u2009]\d{3})+(?!\d)(?:\.\d+)?|\d{1,3}(?: \d{3})+(?![\d.,-])|\d+(?:\.\d+)?"
_SMALL_WORD = rf"(?:(?:{'|'.join(_TENS)})(?:-(?:{'|'.join(_ONES[1:10])}))?|{'|'.join(_ONES)})"
_SCALE_WORD = "(?:hundred|thousand|million|billion|trillion|dozen)"
_WORDS = (
    rf"(?:{_SMALL_WORD}(?:[ -]{_SCALE_WORD})+|an? {_SCALE_WORD}(?![ -]?s\b)|{_SMALL_WORD})(?:(?: and)? {_SMALL_WORD})?"
)
_NUMBER = rf"(?:(?P<digits>{_DIGITS})(?:[ -]?(?P<scale>{_SCALE_WORD})\b)?|\b(?P<words>{_WORDS})\b)"
_CURRENCIES = {
    "€": "EUR", "euro": "EUR", "eur": "EUR", "$": "USD", "us$": "USD", "dollar": "USD", "usd": "USD", "£": "GBP",
    "pound": "GBP", "gbp": "GBP", "¥": "JPY", "yen": "JPY", "₹": "INR", "rupee": "INR", "franc": "CHF", "chf": "CHF",
    "yuan": "CNY", "rouble": "RUB", "ruble": "RUB", "krona": "SEK", "guilder": "NLG",
}  # fmt: skip
_MINUTES = {"second": 1 / 60, "minute": 1.0, "hour": 60.0, "day": 1440.0, "week": 10080.0, "fortnight": 20160.0,
            "month": 43830.0, "year": 525960.0, "decade": 5259600.0, "century": 52596000.0}  # fmt: skip
_SIZES = {
    "mm": ("m", 0.001), "millimetre": ("m", 0.001), "cm": ("m", 0.01), "centimetre": ("m", 0.01), "metre": ("m", 1.0),
    "meter": ("m", 1.0), "m": ("m", 1.0), "kilometre": ("m", 1e3), "kilometer": ("m", 1e3), "km": ("m", 1e3),
    "mile": ("m", 1609.34), "foot": ("m", 0.3048), "feet": ("m", 0.3048), "ft": ("m", 0.3048), "inch": ("m", 0.0254),
    "gram": ("kg", 0.001), "kilogram": ("kg", 1.0), "kilo": ("kg", 1.0), "kg": ("kg", 1.0), "tonne": ("kg", 1e3),
    "ton": ("kg", 1e3), "litre": ("l", 1.0), "liter": ("l", 1.0), "hectare": ("ha", 1.0), "acre": ("ha", 0.404686),
    "degree": ("deg", 1.0), "mph": ("kmh", 1.60934), "km/h": ("kmh", 1.0), "kph": ("kmh", 1.0),
}  # fmt: skip
_UNITS = "|".join(sorted(_SIZES, key=len, reverse=True))
_PLURAL = r"(?:s|es)?\b"
_FORMS: tuple[tuple[Measure, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("money", rf"(?P<unit>US\$|[$€£¥₹]) ?{_NUMBER}(?:(?P<short>k|mn|mln|m|bn|tn)\b)?"),
        ("money", rf"{_NUMBER}[ -]?(?P<unit>{'|'.join(word for word in _CURRENCIES if word.isalpha())})s?\b"),
        ("percent", rf"{_NUMBER}[ -]?(?P<unit>%|per ?cent\b|percentage points?\b)"),
        ("age", rf"{_NUMBER}[ -]years?[ -](?P<unit>old)\b|(?:\b(?P<unit2>aged|age of) |(?<=[a-z], )(?=\d\d,)){_NUMBER}"
         .replace("(?P<digits>", "(?P<digits_>", 1).replace("(?P<scale>", "(?P<scale_>", 1)
         .replace("(?P<words>", "(?P<words_>", 1)),
        ("duration", rf"{_NUMBER}[ -](?:and a half )?(?P<unit>{'|'.join(_MINUTES)}|centurie){_PLURAL}(?! (?:ago|later|earlier|late|before|after|old)\b)"),
        ("size", rf"{_NUMBER}[ -]?(?:(?:square|cubic|nautical) )?(?P<unit>{_UNITS}){_PLURAL}"),
        ("count", _NUMBER),
    )
)  # fmt: skip
