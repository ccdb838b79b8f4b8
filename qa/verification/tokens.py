"""Take a sentence apart into words that can be compared: "$4m", "4,000,000 dollars" and "four million dollars" are one.

Each word gets a key. Equal keys say the same; a number's key is its value, a month's its number in the year, a name's
its letters, any other word's its stem. Articles and punctuation are left out. Pure.
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
    r"|(?P<clock>\b\d{1,2}:\d\d\b)"
    r"|(?P<sign>(?:(?<![^\W_])(?:US|A|C|NZ|HK|S))?[$€£¥₹]|%)"
    rf"|(?P<number>(?<![^\W_{CJK}])(?:\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?(?!\d)|\d+(?:\.\d+)?))"
    rf"(?P<suffix>(?:st|nd|rd|th|s|bn|mn|m|k|tn|trn|mln|bln|km|kg|cm|ft|mph|lbs?)(?![^\W_]))?(?![^\W\d_{CJK}])"
    r"|(?P<stop>[,;:()]|\.\s)"
    rf"|(?P<initials>{INITIALS})|(?P<word>{WORD})"
)
_SENTENCE_START = re.compile(r"(?:^|[.!?]['\"”’)]*\s+)[\s\"'“‘(\[-]*$")
_DAY = re.compile(r" \d{1,2}\b")
# "Mar" and "Oct" may be names, or parts of them, but for "Oct. 3", "3 Oct" and "in Oct".
_DATED = re.compile(r"\.|\s?\d")
_DATING = re.compile(
    r"(?:\d|\b(?:in|of|since|until|till|by|from|to|last|next|this|early|mid|late|and|or)[ -])\s?$", re.I
)
_ORDINALS = {"st", "nd", "rd", "th"}
_MAGNITUDES = SCALES | SHORT_SCALES
_ADDED = ONES.keys() | TENS.keys()
_COUNTED = {"dozen": 12, "twice": 2}


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a text."""

    key: str
    shown: str  # as it stands in the text
    kind: Kind
    opens: bool = False  # it begins a sentence, so that its capital proves nothing

    @property
    def value(self) -> Decimal | None:
        """Return what a number counts."""
        try:
            return Decimal(self.key[1:]) if self.kind == "number" else None
        except InvalidOperation:  # "5:30", "1990s"
            return None

    @property
    def bare(self) -> str:
        """Return the letters without case and without the 's of a possessor."""
        return self.shown.casefold().removesuffix("'s").removesuffix("'").replace(".", "")


@lru_cache(maxsize=1_024)  # a statement's neighbours are read again with the next statement
def tokens(sentence: str) -> tuple[Token, ...]:
    """Return the words of a text in order, dates as month, day, year, and units behind their numbers."""
    plain = unicodedata.normalize("NFKC", sentence.translate(_PLAIN)).translate(_PLAIN)
    return tuple(_dated([one for one in _counted(list(_split(plain))) if one is not _STOP]))


def _split(plain: str) -> Iterator[Token]:
    for found in _TOKEN.finditer(plain):
        group, shown = found.lastgroup, found.group()
        if group == "sign":
            yield Token(english.CURRENCY_SIGNS.get(shown[-1], "percent"), shown, "unit")
        elif group in ("number", "suffix"):
            yield from _figure(found["number"], (found["suffix"] or "").lower())
        elif group == "stop":
            yield _STOP
        elif group == "iso":
            year, month, day = shown.split("-")
            yield Token(f"month:{int(month)}", month, "month")
            yield from (Token(f"#{int(part)}", part, "number") for part in (day, year))
        elif group == "clock":
            yield Token(f"#{shown.lstrip('0') or shown}", shown, "number")
        else:
            opens = bool(_SENTENCE_START.search(plain, max(0, found.start() - 12), found.start()))
            short = len(shown) <= 4 and shown.capitalize() in english.MONTH_ABBREVIATIONS
            if short and not (
                _DATED.match(plain, found.end())
                or (plain[found.end() : found.end() + 1] != "-" and _DATING.search(plain[: found.start()]))
            ):
                yield Token(_stem(shown.casefold()), shown, "name" if shown[0].isupper() else "word", opens)
            elif shown in ("May", "March") and _DAY.match(plain, found.end()):
                yield Token(f"month:{english.MONTH_NUMBERS[shown.lower()]}", shown, "month")
            else:
                yield from _word(shown, opens)


def _figure(digits: str, suffix: str) -> Iterator[Token]:
    value = Decimal(digits.replace(",", ""))
    if suffix == "s":  # the 1990s
        yield Token(f"#{digits}s", digits + "s", "number")
        return
    if suffix in _ORDINALS and value in (1, 2):  # as the words, which may stand for more than a number
        yield Token(_stem({1: "first", 2: "second"}[int(value)]), digits + suffix, "word")
        return
    if suffix in _MAGNITUDES:
        yield _number(value * _MAGNITUDES[suffix], digits + suffix)
        return
    yield _number(value, digits + suffix)
    if suffix and suffix not in _ORDINALS:
        yield Token(english.UNITS[suffix], suffix, "unit")


_STOP = Token("", ",", "filler")  # no number goes on over it: "$324 million, nine years"


def _number(value: Decimal, shown: str) -> Token:
    return Token(f"#{value.normalize():f}", shown, "number")


def _word(shown: str, opens: bool) -> Iterator[Token]:
    low = shown.casefold()
    if low in english.ARTICLES:
        return
    if low.endswith("n't"):
        yield from _word(shown[:-3], opens)
        yield Token("not", shown, "negation")
    elif low == "cannot":
        yield Token("~can", shown, "modal")
        yield Token("not", shown, "negation")
    elif low.endswith("'ll"):
        yield from _word(shown[:-3], opens)
        yield Token("~will", shown, "modal")
    elif low.endswith(("'ve", "'re")) or (low.endswith("'s") and low[:-2] in english.FILLERS):
        yield from _word(shown.rpartition("'")[0], opens)
    elif low:
        yield Token(*_classified(shown, low, opens), opens)


def _classified(shown: str, low: str, opens: bool) -> tuple[str, str, Kind]:
    bare = low.removesuffix("'s").replace(".", "").replace("'", "")
    upper = shown[0].isupper()
    if bare == "us" and not upper:
        return "us:we", shown, "filler"
    if upper and (bare in lexicon.COUNTRIES or bare == "us"):
        return lexicon.COUNTRIES.get(bare, bare), shown, "name"
    if upper and bare in english.MONTH_NUMBERS and not (opens and bare in ("may", "march")):
        return f"month:{english.MONTH_NUMBERS[bare]}", shown, "month"
    if upper and (day := english.WEEKDAY_NUMBERS.get(bare.removesuffix("s"))) is not None:
        return f"day:{day}", shown, "weekday"
    if bare in lexicon.NEGATIONS:
        return bare, shown, "negation"
    if bare in lexicon.MODALS and (not upper or opens or bare not in ("will", "may")):
        return lexicon.MODALS[bare], shown, "modal"
    if bare in english.UNITS:
        return english.UNITS[bare], shown, "name" if upper and not opens else "unit"
    if shown == "WHO":  # it says so at the start of a sentence too
        return "who", shown, "name"
    if not upper or opens:
        if bare in lexicon.DENIALS:
            return _stem(bare), shown, "denial"
        if bare in english.FILLERS:
            return _stem(bare), shown, "filler"
    elif bare in english.FILLERS and bare != "who":
        return _stem(bare), shown, "filler"
    if upper:
        return _stem(bare), shown, "name"
    return _stem(bare), shown, "filler" if bare in lexicon.SPEAKING and bare in ("said", "say", "says") else "word"


def _stem(word: str) -> str:
    return "".join(stemming.stems(word)) or word


def _counted(found: Sequence[Token]) -> list[Token]:
    """Join number words and magnitudes to one number, its sign behind it: "four", "hundred", "and", "five" is 405."""
    out: list[Token] = []
    at = 0
    while at < len(found):
        value, after = _count(found, at)
        if value is None:
            out.append(found[at])
            at += 1
            continue
        shown = " ".join(token.shown for token in found[at:after])
        kind: Kind = "filler" if shown.casefold() == "one" else "number"  # "one" is nearly always a pronoun
        sign = [out.pop()] if _is_sign(out) else []
        out += [replace(_number(value, shown), kind=kind), *sign]
        at = after
        if [token.bare for token in found[at : at + 2]] == ["per", "cent"]:
            out.append(Token("percent", "per cent", "unit"))
            at += 2
    return out


def _is_sign(out: Sequence[Token]) -> bool:
    """Tell whether the last word is a "$" that still waits for its number."""
    return bool(out) and out[-1].shown[-1] in english.CURRENCY_SIGNS and not (len(out) > 1 and out[-2].kind == "number")


def _count(found: Sequence[Token], at: int) -> tuple[Decimal | None, int]:
    """Return the number that begins here and where it ends; None where none does."""
    if found[at].kind == "number" and found[at].value is None:  # "5:30", "1990s"
        return None, at
    count = _Count()
    place = at
    while place < len(found) and not count.done:
        low = found[place].bare
        if count.takes(found[place], low) or (low == "and" and count.may_go_on and _goes_on(found, place + 1)):
            place += 1
        else:
            break
    return (count.total + count.part, place) if count.seen else (None, at)


def _goes_on(found: Sequence[Token], place: int) -> bool:
    return place < len(found) and found[place].bare in _ADDED


class _Count:
    """A number in words, as far as it is read."""

    def __init__(self) -> None:
        self.total = Decimal(0)  # what thousands and millions have closed
        self.part = Decimal(0)
        self.seen = False
        self.digits = False  # the part stands in digits: no word is added to it
        self.done = False

    @property
    def may_go_on(self) -> bool:
        return self.seen and not self.digits and self.part % 100 == 0

    def takes(self, token: Token, low: str) -> bool:
        """Add a word if the number goes on with it."""
        if token.kind == "number":
            return not self.seen and self._add(token.value or Decimal(0), digits=True)
        if low in ONES:
            rounded = self.part % 10 == 0 and self.part % 100 != 10
            return (not self.seen or (not self.digits and rounded)) and self._add(ONES[low])
        if low in TENS:
            return (not self.seen or self.may_go_on) and self._add(TENS[low])
        if low in ORDINALS:
            return self._ends(low)
        if low == "hundred":
            self.part, self.seen, self.digits = (self.part or Decimal(1)) * 100, True, False
            return True
        if low in _MAGNITUDES and (len(low) > 3 or self.digits):
            self.total += (self.part or Decimal(1)) * _MAGNITUDES[low]
            self.part, self.seen, self.digits = Decimal(0), True, False
            return True
        if low in _COUNTED and (low == "dozen" or not self.seen):
            self.part, self.seen, self.done = (self.part or Decimal(1)) * _COUNTED[low], True, True
            return True
        return False

    def _add(self, value: Decimal | int, *, digits: bool = False) -> bool:
        self.part, self.seen, self.digits = self.part + value, True, digits
        return True

    def _ends(self, low: str) -> bool:
        """Close with an ordinal: "twentieth", "twenty-first"; "first" and "second" alone are words."""
        value = ORDINALS[low]
        fits = not self.digits and self.part % 10 == 0 and self.part >= 20 and value < 10
        if not fits and (self.seen or low in ("first", "second")):
            return False
        self.done = True
        return self._add(value)


def _dated(found: list[Token]) -> list[Token]:
    """Put the day behind its month: "10 March" and "March 10" are one."""
    for at in range(1, len(found)):
        day = found[at - 1].value
        if found[at].kind == "month" and day is not None and 1 <= day <= 31:
            behind = found[at + 1].value if at + 1 < len(found) else None
            if behind is None or behind > 31:
                found[at - 1], found[at] = found[at], found[at - 1]
    return found
