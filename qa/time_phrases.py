"""Time phrases of an article, "on Tuesday", "last month", made absolute by the day it was published. Pure; linear time.

What the rules mean by each phrase, and how well they do, is in docs/time.md. A phrase that depends on another event
("three weeks earlier", "the following day"), a name ("Black Friday") and a date with its year are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from qa import dates
from qa.periods import (
    MONTHS,
    NUMBERS,
    SEASONS,
    WEEKDAYS,
    Period,
    month_period,
    name_day,
    narrow,
    number_month,
    number_weekday,
    one_day,
    season_period,
    shift_months,
    week_period,
    weekend_period,
    write_period,
    year_period,
)
from qa.sentences import split_sentences
from qa.tense import Tense, tense_at

NO_DATE = "article has no date"


@dataclass(frozen=True, slots=True)
class Resolved:
    """A time phrase and what it means: `quote[start:end] == phrase`."""

    phrase: str
    start: int
    end: int
    resolved: str | None  # a day, or `first/last` day; None when the article has no date
    basis: str


def _spelled(names: tuple[str, ...]) -> str:
    return "|".join(form for name in names for form in (name, name.upper()))


_DAYS = "|".join((_spelled(WEEKDAYS), *(name.lower() for name in WEEKDAYS)))
_WEEKDAY = rf"(?:{_DAYS})\b"
_MONTH = rf"(?:{_spelled(MONTHS)}|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.)(?![\w-])"
_SHORT_MONTH = rf"(?:{_MONTH}|(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b)"
_DAY = r"(?<![\d.,:$€£#-])(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?(?![\d:%€]|[.,-]\d)"
_YEAR = r"(?:1[5-9]|20|21)\d\d(?![\d-])"
_WHICH = r"(?i:last|next|this)"
_NUMBER = rf"(?:\d{{1,3}}|(?i:{'|'.join(NUMBERS)}))"
_UNIT = r"(?i:day|week|fortnight|month|year)"
_PART_OF_DAY = r"(?: (?:morning|lunchtime|afternoon|evening|night)\b)?"
_DATE = rf"(?:(?:the )?{_DAY}(?: of)? {_SHORT_MONTH}|{_SHORT_MONTH} {_DAY})"
_ON = r"(?:(?i:on) )?"
_THAT_YEAR = r",? (?i:of )?(?i:that|the (?:same|following|previous|next|preceding)) year"
_NAMES_BEFORE = (
    "Black|Good|Cyber|Super|Fat|Shrove|Giving|Ash|Maundy|Holy|Easter|Palm|Whit|Bloody|Blue|Happy|Ruby|Freaky|Casual"
    "|Man|Girl|Joe|Sheffield|Throwback|Taco|Gloomy|Pentecost|Spy|Small Business|Mail on|Scotland on|Independent on"
    "|Wales on|Ireland on|Manic|Stormy|Star|Plough|Low|Red|Bright|Dress-down|Black-Eyed"
)
_NAMES_AFTER = (
    "Times|Telegraph|Mirror|Express|Mail|Herald|Post|People|Independent|Mercury|World|Star|Sun|Business|Politics|Mass"
    "|Night|Morning|Kitchen|Live|Agreement|Tribune|Magazine|Club|Murder|Review|Book|Adele|Addams|Island|Mosque"
    "|school|roast|lunch|league|trading|worship|brunch|prayers|supplement|the 13th|the thirteenth"
)

# The first alternative that matches at the leftmost place wins. What begins with "no_" is no phrase of ours, and stands
# here so that nothing inside it is taken for one; the group `x` of the others is the phrase.
_RULES = {
    "no_absolute": rf"\d{{4}}-\d\d-\d\d|(?:(?i:on|in) )?(?:{_WHICH} )?(?:{_WEEKDAY},? )?"
    rf"(?:{_DATE},? {_YEAR}|{_SHORT_MONTH}(?:(?: and | or | to |[-–/]){_SHORT_MONTH})?,? (?:of )?{_YEAR})"
    rf"|(?:(?i:on|in) )?(?:{_DATE}|{_MONTH}){_THAT_YEAR}",
    "no_name": rf"\b(?:{_NAMES_BEFORE}) {_WEEKDAY}|{_WEEKDAY} (?:{_NAMES_AFTER})\b|{_WEEKDAY}\.(?:com|co)\b"
    rf"|\b[Tt]he (?:Sept\. |September |January |Jan\. |October |Oct\. ){_DAY} (?:[a-z]+ )?(?:attack|riot|committee|insur|terror|massac)"
    rf"|\b(?:confidence|faith|trust|belief|support|interest) in May\b",
    "no_which": rf"\b(?i:following|previous|preceding|same|that|another|one|every|each|any|some|most|all|alternate|first"
    rf"|second|third|fourth|fifth|the|an?(?: (?:recent|rainy|sunny|cold|hot|warm|wet|quiet|busy|typical|normal|single|given))?"
    rf"|the last|the next|following the) (?:{_WEEKDAY}(?!['’]s)|(?:{_MONTH})(?! (?:{_DAY})))",
    "no_anchor": rf"{_WEEKDAY} (?i:before|after) (?i:last|next|that|the|this)\b|{_WEEKDAY} week\b"
    rf"|\b(?i:an?|two|three) (?i:weeks?|months?|years?) (?i:from|on|after|before|to) (?:(?i:last|next|this) )?{_WEEKDAY}"
    rf"|\b(?i:week|month|year|weekend|night|summer|day) (?i:before last|after next)\b|\b(?i:this time) {_WHICH} (?i:week|month|year)"
    rf"|\b(?i:the) (?:{_WHICH}) (?i:week|month|year|weekend|night|spring|summer|autumn|winter)\b",
    "no_range": rf"(?<!rom ){_WEEKDAY}(?:['’]s)?(?: to | through |-|–){_WEEKDAY}",
    "no_ago": rf"\b(?i:more than|over|nearly|almost|less than|at least|under|up to|several|some|about|around|roughly|approximately"
    rf"|or|to|exactly) {_NUMBER} {_UNIT}s? ago\b|\b{_NUMBER} {_UNIT}s? ago,? (?:(?i:on|in|this|last|next|late|early|today"
    rf"|tomorrow|yesterday|at the) )*(?i:today\b|tomorrow\b|yesterday\b|(?:this|last|next) \w+|weekend|{_WEEKDAY}|{_MONTH})",
    "word": rf"\b(?P<x_word>(?i:(?:the )?(?P<word>day before yesterday|day after tomorrow)"
    rf"|(?:(?:earlier|later) )?(?P<word2>(?:yesterday|tomorrow|today|tonight|last night|last evening|this morning|this afternoon"
    rf"|this evening)\b{_PART_OF_DAY})))(?! (?:programme|show)\b)",
    "date": rf"\b{_ON[:-1]}?(?P<x_date>(?<=\b)(?:{_WHICH} )?(?:(?P<date_weekday>{_WEEKDAY}),? )?(?P<date>{_DATE})"
    rf"(?: (?:of )?(?P<date_which>{_WHICH}) year\b)?)",
}
