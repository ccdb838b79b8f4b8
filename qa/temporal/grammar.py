"""A grammar of the time phrases of English news. Pure; its parts are short, so a scan takes linear time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from qa.text.english import COUNTS, MONTH_ABBREVIATIONS, MONTHS, ONES, SEASONS, WEEKDAYS

# In lower case "may" and "march" are verbs; the abbreviations "Mar." and "Dec." need their full stops.
_SHORT = "|".join(MONTH_ABBREVIATIONS)
_MONTH = rf"(?-i:{'|'.join((*MONTHS, *(name.upper() for name in MONTHS)))}|(?:{_SHORT})\.)(?![\w-])"
_MONTH_OF_DAY = rf"(?:{_MONTH}|(?-i:{_SHORT})\b)"
_WEEKDAY = rf"(?:{'|'.join(WEEKDAYS)})\b"
_DAY = r"(?<![\d.,:$€£#-])(?:3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?(?![\d:%]|[.,-]\d)\b"
_DATE = rf"(?:(?:the )?{_DAY}(?: of)? {_MONTH_OF_DAY}|{_MONTH_OF_DAY} {_DAY})"
_YEAR = r"(?:1[5-9]|20|21)\d\d(?![\d-])"
_OTHER_YEAR = r"(?:of )?(?:that|the (?:same|following|previous|preceding|next)) year"
_NUMBER = rf"(?:\d{{1,3}}|{'|'.join(COUNTS)})"
_UNIT = r"(?:day|week|fortnight|month|year)"
_SEASON = "|".join(SEASONS).replace("fall", r"fall(?! (?:in|of|from|to|into|for)\b)")
_PART_OF_DAY = r"(?: (?:morning|lunchtime|afternoon|evening|night)\b)?"

_BEFORE_A_NAME = (
    "Black|Good|Cyber|Super|Fat|Shrove|Giving|Ash|Maundy|Holy|Easter|Palm|Whit|Bloody|Blue|Happy|Ruby|Freaky|Casual|Man"
    "|Girl|Joe|Sheffield|Throwback|Taco|Gloomy|Spy|Small Business|Mail on|Scotland on|Independent on|Wales on|Manic"
)
_AFTER_A_NAME = (
    "(?-i:Times|Telegraph|Mirror|Express|Mail|Herald|Post|People|Independent|Mercury|World|Star|Sun|Business|Politics"
    "|Mass|Night|Morning|Kitchen|Live|Tribune|Magazine|Club|Review|Addams|Island|Brunch|Supper|Service)"
    "|school|roast|lunch|league|trading|worship|brunch|prayers|supplement|the 13th|the thirteenth"
)
_HEDGE = (
    "more than|over|nearly|almost|less than|fewer than|at least|at most|under|up to|around|about|roughly|some"
    "|approximately|or|to|and"
)

# The leftmost match wins, and of several at one place the first rule. A rule whose name begins with "no_" matches what
# is not to be resolved, so that no other rule matches inside it. A space matches any white space.
_RULES = {
    "no_year": rf"\d{{4}}-\d\d-\d\d\b"
    rf"|\b(?:(?:on|in) )?(?:(?:last|next|this|early|late|mid)[ -])?(?:{_WEEKDAY},? )?"
    rf"(?:{_DATE},? (?:{_YEAR}|{_OTHER_YEAR})"
    rf"|{_MONTH_OF_DAY}(?:(?: and | or | to |[-–/]){_MONTH_OF_DAY})?,? (?:(?:of )?{_YEAR}|{_OTHER_YEAR}))",
    "no_name": rf"\b(?-i:{_BEFORE_A_NAME}) (?-i:{'|'.join(WEEKDAYS)})\b|\b{_WEEKDAY} (?:{_AFTER_A_NAME})\b"
    rf"|\b{_WEEKDAY}\.com?\b|\b(?:this |last |next )?{_MONTH} (?-i:Day|Madness|Fools|Revolution)\b"
    rf"|\b(?-i:(?:Sept\.|September) 11|(?:Jan\.|January) 6|(?:Oct\.|October) 7) (?:\w+ )?"
    r"(?:attack|riot|committee|insurrection|terror|massacre|hearing|panel|investigation|defendant)"
    rf"|\b(?:confidence|faith|trust|belief|support|interest) in May\b",
    "no_one": rf"\b(?:following|previous|preceding|same|that|another|one|every|each|any|some|most|all|alternate|first"
    rf"|second|third|fourth|fifth|the|the last|the next|an?(?: (?:recent|rainy|sunny|cold|hot|warm|wet|quiet|busy"
    rf"|typical|normal|single|given))?) {_WEEKDAY}(?!['’]s)",
    "no_event": rf"\b{_WEEKDAY} (?:before|after) (?:last|next|that|the|this)\b|\b{_WEEKDAY} week\b"
    rf"|\b{_NUMBER} {_UNIT}s? (?:from|on|after|before|to)(?: last| next| this)? {_WEEKDAY}"
    r"|\b(?:week|month|year|weekend|night|summer) (?:before last|after next)\b|\bthis time (?:last|next) \w+",
    "no_range": rf"(?<!from )\b{_WEEKDAY}(?: to | through | ?[-–] ?){_WEEKDAY}",
    "no_ago": rf"\b(?:{_HEDGE}) {_NUMBER} {_UNIT}s? ago\b"
    rf"|\b{_NUMBER} {_UNIT}s? ago,? (?:(?:on|in|at|late|early) ){{0,2}}(?:today|tomorrow|yesterday|this|last"
    rf"|next|the weekend|{_WEEKDAY}|{_MONTH})\b(?: (?:week|month|year|weekend|morning|night|{_WEEKDAY}|{_MONTH}))?",
    "word": r"\b(?P<phrase>(?:the )?day before yesterday|(?:the )?day after tomorrow"
    rf"|(?:(?:earlier|later) )?(?:(?:yesterday|tomorrow|today|tonight)\b{_PART_OF_DAY}"
    r"|last (?:night|evening)|this (?:morning|afternoon|evening)))\b(?! (?:programme|show)\b)",
    "deadline": r"\b(?:by|until|till|before|through) (?P<phrase>(?:the )?end of (?P<which>the|this|next|last)"
    r" (?P<unit>week|month|year))\b",
    "span": r"\b(?:(?P<lead>in|over|during|for|within|throughout|across) )?(?P<phrase>(?:the|this)"
    rf" (?P<way>last|past|next|coming)(?: (?P<number>{_NUMBER}))? (?P<unit>day|week|month|year|decade)s?)\b"
    r"(?! of\b| and a half)",
    "period": r"\b(?P<phrase>(?:(?P<part>early|late|mid)[ -]|(?P<side>earlier|later) "
    r"|(?:the )?(?P<edge>start|beginning|middle|end) of )?(?P<which>last|next|this(?: past| coming)?)"
    rf" (?P<unit>week|month|quarter|year|weekend|{_SEASON}))\b(?! finals?\b)",
    "quarter": r"\b(?P<phrase>(?:in )?the (?P<number>first|second|third|fourth|last|final) quarter of"
    r" (?P<which>this|last|next) year)\b",
    "date": rf"\b(?P<phrase>(?:on )?(?:(?:last|next|this) )?(?:(?P<weekday>{_WEEKDAY}),? )?(?P<date>{_DATE})"
    r"(?:,? (?:of )?(?P<year>last|this|next) year\b)?)",
    "weekday": r"\b(?P<phrase>(?:on )?(?:(?P<which>last|next|this(?: past| coming)?|coming) )?"
    rf"(?P<weekday>{_WEEKDAY})(?! the (?:13th|thirteenth)){_PART_OF_DAY}(?: (?:of )?(?P<week>last|next|this) week\b)?)",
    "month": rf"\b(?:(?P<lead>since|until|till|by|from|during|before|after|through) )?"
    rf"(?P<phrase>(?:(?P<in>in )|(?!{_MONTH} \d))"
    r"(?:(?P<part>early|late|mid)[ -]|(?:the )?(?P<edge>start|beginning|middle|end) of )?"
    rf"(?:(?P<which>last|next|this) )?(?P<month>{_MONTH})(?:,? (?:of )?(?P<year>last|this|next) year\b)?)",
    "weekend": r"\b(?P<phrase>(?:at|over|during|on) the weekend)\b",
    "ago": rf"(?<![\w,.'’-])(?P<phrase>(?P<number>{_NUMBER}) (?P<unit>{_UNIT})s? (?P<way>ago|from now))\b",
    "time": rf"\b(?P<phrase>in (?P<number>{_NUMBER}) (?P<unit>{_UNIT})(?:s['’]?|['’]s) time)\b",
    "ahead": rf"\b(?P<phrase>in (?P<number>(?!one\b)\d{{1,2}}|{'|'.join(list(ONES)[2:11])})"
    r" (?P<unit>day|week)s)(?=[.,;]?(?:$|[”’\"]|[,;.] ))",
    "no_the": r"\bthe (?:last|next) (?:week|month|year|weekend|spring|summer|autumn|winter)\b",
}


# Most sentences contain none of these words and need no scan.
_TRIGGER = re.compile(
    rf"\b(?:last|next|this|past|coming|ago|yesterday|today|tonight|tomorrow|from now|time|days|weeks|weekend|end of"
    rf"|day (?:before|after)|{'|'.join((*WEEKDAYS, *MONTHS))}|(?:{_SHORT})\b)",
    re.IGNORECASE,
)


def _compile(pattern: str) -> re.Pattern[str]:
    # A look-behind needs a fixed width; all other white space may be a line end of two characters.
    spaced = pattern.replace("(?<!from )", "(?<!from\0)").replace(" ", r"\s{1,2}").replace("\0", r"\s")
    return re.compile(spaced, re.IGNORECASE)


_COMPILED = {kind: _compile(pattern) for kind, pattern in _RULES.items()}
_ANY = "|".join(f"(?P<{kind}>{re.sub(r'P<[a-z]+>', ':', pattern)})" for kind, pattern in _RULES.items())
_SCAN = _compile(rf"(?<!\w)(?=\w)(?:{_ANY})")


def find_phrases(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    """Yield possible time phrases in order: the kind, and a match whose group `phrase` is the phrase."""
    if not _TRIGGER.search(text):
        return
    for found in _SCAN.finditer(text):
        kind = found.lastgroup or ""
        if not kind.startswith("no_"):
            parts = _COMPILED[kind].match(text, found.start())
            assert parts, "the scanner and the rule are one pattern"
            yield kind, parts
