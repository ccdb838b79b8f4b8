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


def listed(words: str) -> str:
    """Return words as the lists have them: a regex that ignores case finds "auguſt", "aprıl" and "APRİL" as well."""
    return " ".join(words.casefold().replace("ı", "i").replace("\u0307", "").split())


def month_number(name: str) -> int:
    """Return the number of a month from its name or an abbreviation, with its full stop or without."""
    return MONTH_NUMBERS[listed(name).removesuffix(".")]


def weekday_number(name: str) -> int:
    """Return the number of a weekday from its name; Monday is 0."""
    return WEEKDAY_NUMBERS[listed(name)]
