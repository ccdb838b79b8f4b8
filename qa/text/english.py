"""English as this project knows it: the names of months and days, number words, units, forms of words. Pure data.

A list is here once, whoever reads it. Where two lists look alike and must not be one, they are side by side, with the
reason. This is the place where a second language goes.
"""

from __future__ import annotations

MONTHS = tuple("January February March April May June July August September October November December".split())
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTH_ABBREVIATIONS = tuple("Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec".split())  # "May" is whole
WEEKDAY_ABBREVIATIONS = tuple("Mon Tue Tues Wed Thu Thur Thurs Fri Sat Sun".split())
MONTH_NUMBERS = {
    name.lower(): number
    for number, month in enumerate(MONTHS, start=1)
    for name in (month, *MONTH_ABBREVIATIONS)
    if name[:3] == month[:3]
}
WEEKDAY_NUMBERS = {day.lower(): number for number, day in enumerate(WEEKDAYS)}
SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}  # their first months, in the north
QUARTERS = {"first": 0, "second": 1, "third": 2, "fourth": 3, "last": 3, "final": 3}
RELATIVE = {"last": -1, "this": 0, "next": 1}  # "last year", "next week"

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
ONES = {word: number for number, word in enumerate(_ONES)}
TENS = {word: 10 * number for number, word in enumerate(_TENS, start=2)}
ORDINALS = {
    word: number
    for number, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth"
        " fifteenth sixteenth seventeenth eighteenth nineteenth".split(),
        start=1,
    )
} | {word[:-1] + "ieth": number for word, number in TENS.items()}
SCALES = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
SHORT_SCALES = {  # behind a figure: "$4m"
    **dict.fromkeys(("k",), 10**3),
    **dict.fromkeys(("m", "mn", "mln"), 10**6),
    **dict.fromkeys(("b", "bn", "bln"), 10**9),
    **dict.fromkeys(("t", "tn", "trn"), 10**12),
}
# What is counted in words: "two days ago", "a week ago". News writes a higher number in figures.
COUNTS = {"a": 1, "an": 1} | dict(list(ONES.items())[1:13])
# Two readers of number words share these. `values` finds numbers in a text that stays as it is, a range with its
# rounding; `facts` joins tokens that are normalised already, and reads ordinals, "twice" and scales behind figures.


def listed(words: str) -> str:
    """Return words as the lists have them: a regex that ignores case finds "auguſt", "aprıl" and "APRİL" as well."""
    return " ".join(words.casefold().replace("ı", "i").replace("\u0307", "").split())


def month_number(name: str) -> int:
    """Return the number of a month from its name or an abbreviation, with its full stop or without."""
    return MONTH_NUMBERS[listed(name).removesuffix(".")]


def weekday_number(name: str) -> int:
    """Return the number of a weekday from its name; Monday is 0."""
    return WEEKDAY_NUMBERS[listed(name)]
