"""Split a sentence into normalised tokens: "$4m", "4,000,000 dollars" and "four million dollars" become the same.

Each word gets a key, and words of one key mean the same. The key of a number is its value, of a month its number in the
year, of any other word its stem. Articles and punctuation are left out. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Literal

from qa.text import english, stemming
from qa.text.english import CJK, INITIALS, ONES, ORDINALS, SCALES, SHORT_SCALES, TENS, WORD
from qa.text.spelling import american
from qa.verification import lexicon

Kind = Literal["number", "unit", "month", "weekday", "name", "negation", "modal", "denial", "word", "filler"]
CLAIMING: frozenset[Kind] = frozenset({"number", "unit", "month", "weekday", "name", "word", "denial"})

_PLAIN = str.maketrans(
    dict.fromkeys("‘’‛′´`ʼ＇", "'")
    | dict.fromkeys("‐‑‒–—―−", "-")
    | dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff")
)
_TOKEN = re.compile(
    rf"(?P<cjk>[{CJK}])"
    r"|(?P<iso>\b(?:19|20)\d\d-[01]\d-[0-3]\d\b)"
    r"|(?P<clock>\b\d{1,2}:\d\d(?!\d))"
    r"|(?P<sign>(?:(?<![^\W_])(?:US|A|C|NZ|HK|S))?[$€£¥₹]|%)"
    rf"|(?P<number>(?<![^\W_{CJK}])(?:\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?(?!\d)|\d+(?:\.\d+)?))"
    rf"(?P<suffix>(?:st|nd|rd|th|s|bn|mn|m|k|tn|trn|mln|bln|km|kg|cm|ft|mph|lbs?|am|pm)(?![^\W_]))?(?![^\W\d_{CJK}])"
    r"|(?P<stop>[,;:()]|\.\s|\s-+\s)"
    rf"|(?P<initials>{INITIALS})|(?P<word>{WORD})"
)
_SENTENCE_START = re.compile(r"(?:^|[.!?]['\"”’)]*\s+)[\s\"'“‘(\[-]*$")
_ARTICLE_BEFORE = re.compile(r"\b(?:a|an|the)\s+[\"'“‘(]?$", re.I)
_DAY = re.compile(r" \d{1,2}\b")
# "Mar" and "Oct" may be names, or parts of names, except in "Oct. 3", "3 Oct" and "in Oct".
_BEFORE_DAY = re.compile(r"\.|\s?\d")
_AFTER_PREPOSITION = re.compile(
    r"(?:\d|\b(?:in|of|since|until|till|by|from|to|last|next|this|early|mid|late|and|or)[ -])\s?$", re.I
)
_ORDINALS = {"st", "nd", "rd", "th"}
_MAGNITUDES = SCALES | SHORT_SCALES
_ADDENDS = ONES.keys() | TENS.keys()
_MULTIPLES = {"dozen": 12, "twice": 2}
_COURTESY = {
    "mr": "man",
    "mrs": "woman",
    "ms": "woman",
    "miss": "woman",
    "mx": "",
    "dr": "",
    "prof": "",
    "messrs": "man",
}
# "No fewer than" is "at least".
_BOUNDS = {
    **dict.fromkeys((("no", "fewer"), ("no", "less"), ("no", "lower")), ("at", "least")),
    **dict.fromkeys((("no", "more"), ("no", "higher"), ("no", "greater")), ("at", "most")),
}
_POWERS = {"square": "square", "sq": "square", "cubic": "cubic"}
_COMPOUND = 6  # letters that a compound has at least


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a text."""

    key: str
    shown: str  # as the text has it
    kind: Kind
    opens_sentence: bool = False  # it begins a sentence, so its capital proves nothing
    title: str = ""  # the courtesy title before it: "man", "woman", or empty
    after_break: bool = False  # a comma, a stop, a bracket or a dash is before it
    after_article: bool = False  # "a", "an" or "the" is before it, which is no token

    @property
    def value(self) -> Decimal | None:
        """Return the value of a number."""
        try:
            return Decimal(self.key[1:]) if self.kind == "number" else None
        except InvalidOperation:  # "5:30", "1990s"
            return None

    @property
    def bare(self) -> str:
        """Return the word in lower case, without its dots and its possessive ending."""
        return self.shown.casefold().removesuffix("'s").removesuffix("'").replace(".", "")


@lru_cache(maxsize=1_024)  # a statement's neighbours are read again with the next statement
def tokenise(sentence: str) -> tuple[Token, ...]:
    """Return the tokens of a text in order, dates as month, day, year, and units after their numbers."""
    plain = unicodedata.normalize("NFKC", sentence.translate(_PLAIN)).translate(_PLAIN)
    tokens = list(_mark_breaks(_join_numbers(_take_titles(list(_split(plain))))))
    return tuple(_put_day_after_month(_join_phrases(tokens)))


def _mark_breaks(tokens: Sequence[Token]) -> Iterator[Token]:
    after_break = False
    for token in tokens:
        if token is not _BREAK:
            yield replace(token, after_break=True) if after_break else token
        after_break = token is _BREAK


def _split(plain: str) -> Iterator[Token]:
    for match in _TOKEN.finditer(plain):
        group, shown = match.lastgroup, match.group()
        if group == "sign":
            yield Token(english.CURRENCY_SIGNS.get(shown[-1], "percent"), shown, "unit")
        elif group in ("number", "suffix"):
            yield from _number_tokens(match["number"], (match["suffix"] or "").lower())
        elif group == "stop":
            if shown[0] != "." or not plain[match.end() : match.end() + 1].islower():  # "6 p.m. and"
                yield _BREAK
        elif group == "iso":
            year, month, day = shown.split("-")
            yield Token(f"month:{int(month)}", month, "month")
            yield from (Token(f"#{int(part)}", part, "number") for part in (day, year))
        elif group == "clock":
            yield Token(f"#{shown.lstrip('0') or shown}", shown, "number")
        else:
            opens_sentence = bool(_SENTENCE_START.search(plain, max(0, match.start() - 12), match.start()))
            short = len(shown) <= 4 and shown.capitalize() in english.MONTH_ABBREVIATIONS
            if short and not (
                _BEFORE_DAY.match(plain, match.end())
                or (plain[match.end() : match.end() + 1] != "-" and _AFTER_PREPOSITION.search(plain[: match.start()]))
            ):
                yield Token(_stem(shown.casefold()), shown, "name" if shown[0].isupper() else "word", opens_sentence)
            elif shown in ("May", "March") and _DAY.match(plain, match.end()):
                yield Token(f"month:{english.MONTH_NUMBERS[shown.lower()]}", shown, "month")
            else:
                after_article = bool(_ARTICLE_BEFORE.search(plain, max(0, match.start() - 8), match.start()))
                words = _word_tokens(shown, opens_sentence)
                yield from (replace(word, after_article=True) for word in words) if after_article else words


def _number_tokens(digits: str, suffix: str) -> Iterator[Token]:
    value = Decimal(digits.replace(",", ""))
    if suffix == "s":  # the 1990s
        yield Token(f"#{digits}s", digits + "s", "number")
        return
    if suffix in _ORDINALS and value in (1, 2):  # as the words "first" and "second", which mean more than a number
        yield Token(_stem({1: "first", 2: "second"}[int(value)]), digits + suffix, "word")
        return
    if suffix in _MAGNITUDES:
        yield _number(value * _MAGNITUDES[suffix], digits + suffix)
        return
    yield _number(value, digits + suffix)
    if suffix and suffix not in _ORDINALS:
        yield Token(english.UNITS.get(suffix, suffix), suffix, "unit")


_BREAK = Token("", ",", "filler")  # no number continues across it: "$324 million, nine years"


def _number(value: Decimal, shown: str) -> Token:
    return Token(f"#{value.normalize():f}", shown, "number")


def _word_tokens(shown: str, opens_sentence: bool) -> Iterator[Token]:
    low = shown.casefold()
    if low in english.ARTICLES:
        return
    if low.endswith("n't"):
        yield from _word_tokens(shown[:-3], opens_sentence)
        yield Token("not", shown, "negation")
    elif low == "cannot":
        yield Token("~can", shown, "modal")
        yield Token("not", shown, "negation")
    elif low.endswith("'ll"):
        yield from _word_tokens(shown[:-3], opens_sentence)
        yield Token("~will", shown, "modal")
    elif low.endswith(("'ve", "'re")) or (low.endswith("'s") and low[:-2] in english.FILLERS):
        yield from _word_tokens(shown.rpartition("'")[0], opens_sentence)
    elif low:
        yield Token(*_classify(shown, low, opens_sentence), opens_sentence)


def _classify(shown: str, low: str, opens_sentence: bool) -> tuple[str, str, Kind]:
    bare = low.removesuffix("'s").replace(".", "").replace("'", "")
    upper = shown[0].isupper()
    if bare == "us" and not upper:
        return "us:we", shown, "filler"
    if upper and (bare in lexicon.COUNTRIES or bare == "us"):
        return lexicon.COUNTRIES.get(bare, bare), shown, "name"
    if upper and bare in english.MONTH_NUMBERS and not (opens_sentence and bare in ("may", "march")):
        return f"month:{english.MONTH_NUMBERS[bare]}", shown, "month"
    if upper and (day := english.WEEKDAY_NUMBERS.get(bare.removesuffix("s"))) is not None:
        return f"day:{day}", shown, "weekday"
    if bare in lexicon.NEGATIONS:
        return bare, shown, "negation"
    if bare in lexicon.MODALS and (not upper or opens_sentence or bare not in ("will", "may")):
        return lexicon.MODALS[bare], shown, "modal"
    if bare in english.UNITS:
        return english.UNITS[bare], shown, "name" if upper and not opens_sentence else "unit"
    if shown == "WHO":  # in capitals, so the organisation, also at the start of a sentence
        return "who", shown, "name"
    if not upper or opens_sentence:
        if bare in lexicon.DENIALS:
            return _stem(bare), shown, "denial"
        if bare in english.FILLERS:
            return _stem(bare), shown, "filler"
    elif bare in english.FILLERS and bare != "who":
        return _stem(bare), shown, "filler"
    if upper:
        return _stem(bare), shown, "name"
    return _stem(bare), shown, "filler" if bare in lexicon.SPEECH_WORDS and bare in ("said", "say", "says") else "word"


def _stem(word: str) -> str:
    return "".join(stemming.stems(american(word))) or word


def _take_titles(tokens: Sequence[Token]) -> list[Token]:
    """Leave out courtesy titles, which the name after them keeps: "Mr. Xi" is Xi, and not "Ms. Xi"."""
    kept: list[Token] = []
    title: Token | None = None
    for token in tokens:
        if token.kind == "name" and token.bare in _COURTESY:
            title = token
        elif title is None:
            kept.append(token)
        elif token is not _BREAK:  # the full stop of "Mr." ends no sentence
            if token.kind == "name":
                token = replace(token, title=_COURTESY[title.bare], opens_sentence=title.opens_sentence)
            kept.append(token)
            title = None
    return kept


def _join_phrases(tokens: Sequence[Token]) -> list[Token]:
    """Give "United States" the key of "U.S.", "6 p.m." a unit; make "no longer" and "square miles" one word each."""
    joined: list[Token] = []
    for at, token in enumerate(tokens):
        pair = (joined[-1].bare, token.bare) if joined else ("", "")
        if pair in lexicon.LONG_PLACES and token.kind == joined[-1].kind == "name":
            joined[-1] = replace(joined[-1], key=lexicon.LONG_PLACES[pair], shown=f"{joined[-1].shown} {token.shown}")
        elif token.bare in ("am", "pm") and joined and joined[-1].kind == "number":
            joined.append(replace(token, key=token.bare, kind="unit"))
        elif pair == ("no", "longer") and not (tokens[at + 1 : at + 2] and tokens[at + 1].bare == "than"):
            joined[-1] = replace(joined[-1], key="no longer", shown=f"{joined[-1].shown} {token.shown}")
        elif token.bare == "than" and len(joined) > 1 and (joined[-2].key, pair[0]) in _BOUNDS:
            first, second = _BOUNDS[joined[-2].key, pair[0]]
            joined[-2:] = [Token(first, first, "filler"), Token(_stem(second), second, "word")]
        elif token.kind == "unit" and pair[0] in _POWERS:
            key = f"{_POWERS[pair[0]]} {token.key}"
            joined[-1] = replace(token, key=key, shown=f"{joined[-1].shown} {token.shown}")
        else:
            joined.append(token)
    return joined


def join_compounds(tokens: Sequence[Token], wholes: frozenset[str]) -> tuple[Token, ...]:
    """Join two words that another text has as one: "front-runner" where that has "frontrunner".

    `wholes` are words of the other text, as `Token.bare`.
    """
    joined: list[Token] = []
    for token in tokens:
        whole = joined[-1].bare + token.bare if joined and joined[-1].kind == token.kind == "word" else ""
        if len(whole) >= _COMPOUND and whole in wholes:
            joined[-1] = replace(token, key=_stem(whole), shown=f"{joined[-1].shown}-{token.shown}")
        else:
            joined.append(token)
    return tuple(joined)


def _join_numbers(tokens: Sequence[Token]) -> list[Token]:
    """Join number words and magnitudes to one number, its sign after it: "four", "hundred", "and", "five" is 405."""
    joined: list[Token] = []
    at = 0
    while at < len(tokens):
        value, after = _read_number(tokens, at)
        if value is None:
            joined.append(tokens[at])
            at += 1
            continue
        shown = " ".join(token.shown for token in tokens[at:after])
        kind: Kind = "filler" if shown.casefold() == "one" else "number"  # "one" is nearly always a pronoun
        sign = [joined.pop()] if _awaits_number(joined) else []
        joined += [replace(_number(value, shown), kind=kind), *sign]
        at = after
        if [token.bare for token in tokens[at : at + 2]] == ["per", "cent"]:
            joined.append(Token("percent", "per cent", "unit"))
            at += 2
    return joined


def _awaits_number(tokens: Sequence[Token]) -> bool:
    """Tell whether the last token is a "$" whose number comes next."""
    return (
        bool(tokens)
        and tokens[-1].shown[-1] in english.CURRENCY_SIGNS
        and not (len(tokens) > 1 and tokens[-2].kind == "number")
    )


def _read_number(tokens: Sequence[Token], at: int) -> tuple[Decimal | None, int]:
    """Return the number that begins here and where it ends; None where none begins."""
    if tokens[at].kind == "number" and tokens[at].value is None:  # "5:30", "1990s"
        return None, at
    number = _NumberReader()
    end = at
    while end < len(tokens) and not number.done:
        low = tokens[end].bare
        if number.take(tokens[end], low) or (low == "and" and number.can_continue and _is_addend(tokens, end + 1)):
            end += 1
        else:
            break
    return (number.total + number.part, end) if number.has_value else (None, at)


def _is_addend(tokens: Sequence[Token], at: int) -> bool:
    return at < len(tokens) and tokens[at].bare in _ADDENDS


class _NumberReader:
    """A number in words, as far as it has been read."""

    def __init__(self) -> None:
        self.total = Decimal(0)  # of the parts that a thousand or a million has closed
        self.part = Decimal(0)
        self.has_value = False
        self.in_digits = False  # the part is in digits: no word is added to it
        self.done = False

    @property
    def can_continue(self) -> bool:
        return self.has_value and not self.in_digits and self.part % 100 == 0

    def take(self, token: Token, low: str) -> bool:
        """Add a word if the number continues with it."""
        if token.kind == "number":
            return not self.has_value and self._add(token.value or Decimal(0), digits=True)
        if low == "half" and not self.has_value:  # "half a million"; alone it is a word
            self.part = Decimal("0.5")
            return True
        if low in ONES:
            rounded = self.part % 10 == 0 and self.part % 100 != 10
            return (not self.has_value or (not self.in_digits and rounded)) and self._add(ONES[low])
        if low in TENS:
            return (not self.has_value or self.can_continue) and self._add(TENS[low])
        if low in ORDINALS:
            return self._close(low)
        if low == "hundred":
            self.part, self.has_value, self.in_digits = (self.part or Decimal(1)) * 100, True, False
            return True
        if low in _MAGNITUDES and (len(low) > 3 or self.in_digits):
            self.total += (self.part or Decimal(1)) * _MAGNITUDES[low]
            self.part, self.has_value, self.in_digits = Decimal(0), True, False
            return True
        if low in _MULTIPLES and (low == "dozen" or not self.has_value):
            self.part, self.has_value, self.done = (self.part or Decimal(1)) * _MULTIPLES[low], True, True
            return True
        return False

    def _add(self, value: Decimal | int, *, digits: bool = False) -> bool:
        self.part, self.has_value, self.in_digits = self.part + value, True, digits
        return True

    def _close(self, low: str) -> bool:
        """Close with an ordinal: "twentieth", "twenty-first"; "first" and "second" alone are words."""
        value = ORDINALS[low]
        fits = not self.in_digits and self.part % 10 == 0 and self.part >= 20 and value < 10
        if not fits and (self.has_value or low in ("first", "second")):
            return False
        self.done = True
        return self._add(value)


def _put_day_after_month(tokens: list[Token]) -> list[Token]:
    """Put the day after its month, so that "10 March" and "March 10" are the same."""
    for at in range(1, len(tokens)):
        day = tokens[at - 1].value
        if tokens[at].kind == "month" and day is not None and 1 <= day <= 31:
            after = tokens[at + 1].value if at + 1 < len(tokens) else None
            if after is None or after > 31:
                tokens[at - 1], tokens[at] = tokens[at], tokens[at - 1]
    return tokens
