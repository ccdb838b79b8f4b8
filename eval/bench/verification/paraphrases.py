"""Paraphrase a true sentence without changing what it claims. Safe patterns only; imports nothing of `qa`.

Each function takes the sentence, the text before it and the date of its article, and returns None where its pattern
does not fit.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

Paraphrase = Callable[[str, str, str | None], str | None]

_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_MONTHS = "January February March April May June July August September October November December".split()
_ONES = "zero one two three four five six seven eight nine ten eleven twelve".split()
_CURRENCIES = {"$": "dollars", "€": "euros", "£": "pounds"}
_MONEY = re.compile(r"(?<![\w])([$€£])(\d[\d,.]*\d|\d)( (?:million|billion|trillion))?(?![\w,.-]*\d|[-\w])")
_DIGIT = re.compile(
    r"(?<![\w.,:$€£/-])([2-9]|1[0-2])(?= (?:people|men|women|children|days|years|months|times|others)\b)"
)
_WEEKDAY = re.compile(rf"\bon ({'|'.join(_DAYS)})\b(?! (?:night|morning|evening|afternoon))")
_PAST = re.compile(r"\b(?:said|was|were|had|announced|told|killed|reported|signed|voted|[a-z]{3,}ed)\b")
_LATER = re.compile(r"\b(?:will|would|next|expected|due|scheduled|set to|plans?|to be|is|are)\b|last|every|each")
_QUOTED_FIRST = re.compile(
    r"“([^“”]+),” ((?:[A-Z][\w.’'-]+ ){1,3}|(?:[Tt]he [a-z]+ ))?(said|says)((?: [A-Z][\w.’'-]+){1,3})?\."
)
_SAID_FIRST = re.compile(r"((?:[A-Z][\w’'-]+ ){1,4}|The [a-z]+ )said (?:that )?([a-z][^“”\"]{25,})\.")
_ADVERBIAL = re.compile(
    r"((?:On|In|At|After|Before|During) [^,“”\"]{4,40}), ((?:the|a|an|he|she|they|it) [^“”\",;:]{20,})\."
)
_TWO = re.compile(r"([^“”\"]{35,}), (?:and|but) ((?:he|she|it|they|the [a-z]+) [^“”\"]{15,})[.]")
_PRONOUN = re.compile(r"(?:He|She) (?=(?:was|is|has|had|said|also|added|told|wrote|made|won|took|became)\b)")
_PERSON = re.compile(r"(?<![.!?] )(?<!^)\b[A-Z][a-z]+ ([A-Z][a-z]{3,})\b(?! [A-Z])")
_ACTIVE = re.compile(
    r"(The [a-z]+|[A-Z][a-z]+) (attacked|announced|approved|rejected|accused|arrested|signed|launched|passed|killed"
    r"|opened|closed|adopted|criticized|criticised|suspended|blocked|issued|released|published|introduced|imposed|ordered)"
    r" ((?:the|a|an) [a-z]+(?: [a-z]+)?|[A-Z][a-z]+)((?: (?:on|in|at|after|during|for|over|last) [^“”\"]*)?)\."
)
_SHORT = {"did not": "didn’t", "was not": "wasn’t", "is not": "isn’t", "has not": "hasn’t", "could not": "couldn’t"}


def currency_in_words(sentence: str, _before: str, _day: str | None) -> str | None:
    """Write "46 million euros" for "€46 million"."""
    new = _MONEY.sub(lambda match: f"{match[2]}{match[3] or ''} {_CURRENCIES[match[1]]}", sentence)
    return new if new != sentence and not _quotes(sentence) else None


def digits_in_words(sentence: str, _before: str, _day: str | None) -> str | None:
    """Write "four people" for "4 people"."""
    new = _DIGIT.sub(lambda match: _ONES[int(match[1])], sentence)
    return new if new != sentence and not _quotes(sentence) else None


def weekday_as_date(sentence: str, _before: str, day: str | None) -> str | None:
    """Replace a weekday in the past with its date."""
    match = _WEEKDAY.search(sentence)
    if not match or not day or _quotes(sentence) or not _PAST.search(sentence) or _LATER.search(sentence):
        return None
    published = date.fromisoformat(day[:10])
    back = (published.weekday() - _DAYS.index(match[1])) % 7
    if back in (0, 6):  # it could mean a week ago, or tomorrow: ambiguous to a reader too
        return None
    weekday_date = published - timedelta(days=back)
    return (
        f"{sentence[: match.start()]}on {weekday_date.day} {_MONTHS[weekday_date.month - 1]}{sentence[match.end() :]}"
    )


def speaker_first(sentence: str, _before: str, _day: str | None) -> str | None:
    """Move the speaker before a quotation."""
    match = _QUOTED_FIRST.fullmatch(sentence)
    who = (match[2] or match[4] or "").strip() if match else ""
    return f"{who[0].upper()}{who[1:]} {match[3]}: “{match[1]}.”" if match and who else None


def speaker_last(sentence: str, _before: str, _day: str | None) -> str | None:
    """Move the speaker after what was said."""
    match = _SAID_FIRST.fullmatch(sentence)
    if not match or re.search(r"\b(?:on|in) \w+ (?:that )?$", match[1]):
        return None
    who = match[1].strip()
    return f"{match[2][0].upper()}{match[2][1:]}, {who[0].lower() + who[1:] if who.startswith('The ') else who} said."


def adverbial_last(sentence: str, _before: str, _day: str | None) -> str | None:
    """Move an initial "In the summer, ..." to the end."""
    match = _ADVERBIAL.fullmatch(sentence)
    if not match:
        return None
    return f"{match[2][0].upper()}{match[2][1:]} {match[1][0].lower()}{match[1][1:]}."


def first_half(sentence: str, _before: str, _day: str | None) -> str | None:
    """Keep what comes before ", and he ..."."""
    match = _TWO.fullmatch(sentence)
    return f"{match[1]}." if match and not re.match(r"(?:If|When|While|Although|Unless)\b", sentence) else None


def second_half(sentence: str, _before: str, _day: str | None) -> str | None:
    """Keep what comes after ", and the ..."."""
    match = _TWO.fullmatch(sentence)
    plain = match and not re.search(r"\b(?:said|says|told|if|whether|that)\b", match[1])
    return f"{match[2][0].upper()}{match[2][1:]}." if match and plain else None


def name_for_pronoun(sentence: str, before: str, _day: str | None) -> str | None:
    """Replace an initial "He" with the name, where the text before names one person only."""
    names = set(_PERSON.findall(before))
    match = _PRONOUN.match(sentence)
    return f"{names.pop()} {sentence[match.end() :]}" if match and len(names) == 1 else None


def made_passive(sentence: str, _before: str, _day: str | None) -> str | None:
    """Make a sentence such as "The council approved the plan in May." passive."""
    match = _ACTIVE.fullmatch(sentence)
    if not match:
        return None
    who = match[1][0].lower() + match[1][1:] if match[1].startswith("The ") else match[1]
    return f"{match[3][0].upper()}{match[3][1:]} was {match[2]} by {who}{match[4]}."


def contracted(sentence: str, _before: str, _day: str | None) -> str | None:
    """Write "didn't" for "did not"."""
    new = sentence
    for long, short in _SHORT.items():
        new = re.sub(rf"\b{long}\b", short, new)
    return new if new != sentence and not _quotes(sentence) else None


def _quotes(sentence: str) -> bool:
    return any(mark in sentence for mark in '“”"«»')


PARAPHRASES: dict[str, Paraphrase] = {
    "currency in words": currency_in_words,
    "digits in words": digits_in_words,
    "weekday as its date": weekday_as_date,
    "speaker put first": speaker_first,
    "speaker put last": speaker_last,
    "adverbial put last": adverbial_last,
    "first half alone": first_half,
    "second half alone": second_half,
    "name for a pronoun": name_for_pronoun,
    "active made passive": made_passive,
    "contracted": contracted,
}
