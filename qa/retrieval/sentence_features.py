"""Surface features of a sentence: what its form says for or against its being the answer. Pure."""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

from qa.query.analysis import Asked, Kind, carries_meaning
from qa.text import stemming
from qa.text.english import CAPITAL, CAPITALISED, CURRENCY_SIGNS, MINUTES, MONEY_RANKED, MONTHS, ONES, SCALES, WEEKDAYS

SYNONYM = 0.6  # what a word of like meaning counts, of the word itself
MANY = 8  # so many words of a question around a sentence are as many as it takes
_AFTER = 3  # words between a number and what it counts
_QUOTE_MARKS = '“”"«»„'

_NUMBER = re.compile(
    rf"\d|(?<!the )\btwo\b|\b(?:{'|'.join(list(ONES)[3:13])}|(?:dozen|{'|'.join(SCALES)})s?|half|quarter|percent)\b",
    re.IGNORECASE,
)
_UNIT = rf"(?:{'|'.join(MINUTES)})s?\b"
_EXPECTED: dict[Kind, re.Pattern[str]] = {
    "number": _NUMBER,
    "money": re.compile(rf"[{''.join(CURRENCY_SIGNS)}]\s?\d"
                        rf"|\d[\d.,]*\s?(?:[a-z]+ion\s)?(?:{MONEY_RANKED})"
                        r"|\b(?:dollars|euros|pounds)\b|\d[\d.,]*\s(?:million|billion|trillion)\b", re.IGNORECASE),
    "duration": re.compile(rf"(?:{_NUMBER.pattern}|\ban?\b)[\d.,]*(?:[\s-]+\w+)??[\s-]+{_UNIT}", re.IGNORECASE),
    "age": re.compile(r"\b\d{1,3}[\s-]years?[\s-]old|\baged? (?:of )?\d{1,3}\b|, \d{1,3},", re.IGNORECASE),
    "date": re.compile(rf"\b(?:{'|'.join((*WEEKDAYS, *MONTHS))}|yesterday|today|tomorrow|(?:19|20)\d\d"
                       r"|(?:last|next) (?:week|month|year|spring|summer|autumn|winter)|\d{1,2}(?::\d\d)? ?[ap]\.?m)\b",
                       re.IGNORECASE),
    "quotation": re.compile(rf"[{_QUOTE_MARKS}]|\b(?:said|says|told|called|warned|wrote|added|announced)\b"),
}  # fmt: skip
_CAPITALISED = re.compile(rf"(?<![.!?“\"] )(?<!^)\b{CAPITALISED}")
_FULL_NAME = re.compile(rf"\b{CAPITALISED}(?: {CAPITALISED})+")
_YEAR = re.compile(r"(?:19|20)\d\d")
_OPENING_NAME = re.compile(rf"^{CAPITALISED}(?= [{CAPITAL}])")
_ADDRESS = frozenset(
    stemming.stems(" ".join(("mr mrs ms dr", *WEEKDAYS)))
)  # capitalised words that are no answer on their own
_ASKS = re.compile(r"\b(?:who|whom|whose|what|which|where|when|why|how)\b", re.IGNORECASE)
_COUNTS = re.compile(r"\bhow (?:many|much)\s+(?:of\s+(?:the|its|their|his|her)\s+)?(.*)", re.IGNORECASE | re.DOTALL)
# An article that says that something is not said, or not known, does not answer who asks for it.
_WITHHELD = re.compile(
    r"\b(?:declin|refus)(?:e|ed|es|ing) to (?:say|comment|name|disclose|give|reveal|confirm|put|identify|release"
    r"|discuss|specify|answer)"
    r"|\b(?:would|did|does|do|could|has|have|had|is|was|were|are)(?: not|n[’']t)(?: yet)?(?: been)? (?:say|said|name"
    r"|named|disclosed?|give|given|reveal|revealed|released?|identify|identified|set|confirm|confirmed|specify"
    r"|specified|known|clear|announced|decided|published)\b"
    r"|\b(?:unknown|undisclosed|unnamed)\b|\banonym|\bnot to be (?:named|identified)\b|\bnot yet known\b",
    re.IGNORECASE,
)
_DENIES = re.compile(r"\bnot\b|n[’']t\b|\b(?:declin|refus|withh)|\bunknown\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SurfaceFeatures:
    """What can be seen of a sentence and its neighbours, each 0..1; the last four are evidence against it."""

    held: float = 0.0  # the share of the question's words in the sentence, beside it or in its title, rare or not
    many: float = 0.0  # how many of them occur in its chunk
    focus: float = 0.0  # it holds the first word that is asked about: the fine of "what fine"
    uncounted: float = 0.0  # "how many coins", and there is no number before coins
    unnamed: float = 0.0  # a person is asked for, and there is no name but those of the question
    other_year: float = 0.0  # a year of the question is neither here nor in the article's date
    withheld: float = 0.0  # it says that something is not said


@dataclass(frozen=True, slots=True)
class Offer:
    """What a sentence has that can be the answer."""

    answers: Set[str]  # stems of names, or of numbers, that the question does not hold
    names_one: float  # who, which or where is asked, and it has a name that the question does not hold
    headline: float  # the share of the headline's words in it, those of the question left out


NO_SURFACE_FEATURES = SurfaceFeatures()


def read_surface_features(
    asked: Asked, sentence: str, around: Set[str], chunk: Set[str], published_at: str | None
) -> SurfaceFeatures:
    """Return the features; `around` are the stems of the neighbouring sentences, `chunk` of the chunk, with titles."""
    own = stemming.stem_set(sentence)
    focus = _focus(asked)
    years = [stem for stem in asked.stems if _YEAR.fullmatch(stem)]
    return SurfaceFeatures(
        held=sum(said(asked, stem, around) for stem in asked.stems) / (len(asked.stems) or 1),
        many=min(1.0, sum(said(asked, stem, chunk) > 0 for stem in asked.stems) / MANY),
        focus=said(asked, focus, own) if focus else 0.5,
        uncounted=float(_is_uncounted(asked.question, sentence)),
        unnamed=float(asked.kind == "person" and not _names_another(asked, sentence)),
        other_year=float(any(year not in around and year != (published_at or "")[:4] for year in years)),
        withheld=float(bool(_WITHHELD.search(sentence)) and not _DENIES.search(asked.question)),
    )


def read_offer(asked: Asked, sentence: str, stems: Set[str], title: Set[str]) -> Offer:
    """Return what a sentence of these stems, under a title of those, offers as an answer."""
    asks = [word.lower() for word in _ASKS.findall(asked.question)]
    wanted = asks[-1] if asks else ""
    own = _stems(asked.question)
    names = _new_names(sentence, own)
    headline = title - own
    return Offer(
        names if wanted not in ("how", "when", "why") else {stem for stem in stems - own if stem[0].isdigit()},
        float(bool(names) and wanted in ("who", "whom", "whose", "which", "where")),
        len(headline & stems) / (len(headline) or 1),
    )


# A question is held against hundreds of sentences.
@lru_cache(maxsize=64)
def _stems(question: str) -> frozenset[str]:
    return frozenset(stemming.stem_set(question))


@lru_cache(maxsize=64)
def _words(question: str) -> frozenset[str]:
    return frozenset(stemming.words(question))


def _new_names(sentence: str, own: Set[str]) -> set[str]:
    words = [word for word in _CAPITALISED.findall(sentence) if carries_meaning(word)]
    opening = _OPENING_NAME.match(sentence)
    if opening and carries_meaning(opening.group()):
        words.append(opening.group())
    return set(stemming.stem_set(" ".join(words))) - own - _ADDRESS


def said(asked: Asked, stem: str, stems: Set[str]) -> float:
    """Return 1 where the stems hold this one, less for a synonym, else 0."""
    if stem in stems:
        return 1.0
    return SYNONYM if stem in asked.related and not stems.isdisjoint(asked.related[stem]) else 0.0


def _focus(asked: Asked) -> str | None:
    asks = _ASKS.search(asked.question)
    for word in stemming.words(asked.question[asks.end() :] if asks else asked.question):
        stem = stemming.stems(word)
        if stem and stem[0] in asked.stems and carries_meaning(word):
            return stem[0]
    return None


def _is_uncounted(question: str, sentence: str) -> bool:
    asks = _COUNTS.search(question)
    if asks is None:
        return False
    nouns = list(takewhile(carries_meaning, stemming.words(asks[1])))[:_AFTER]
    if not nouns:  # "how much did it cost"
        return False
    counted = set(stemming.stems(" ".join(nouns)))
    words = stemming.words(sentence)
    return not any(
        _NUMBER.match(word) and not counted.isdisjoint(stemming.stems(" ".join(words[at + 1 : at + 1 + _AFTER])))
        for at, word in enumerate(words)
    )


def _names_another(asked: Asked, sentence: str) -> bool:
    return any(not set(stemming.stems(name[0])) <= set(asked.stems) for name in _FULL_NAME.finditer(sentence))


def answers_kind(asked: Asked, sentence: str) -> bool:
    """Tell whether a sentence holds the kind of thing that is asked for, beyond what the question itself says."""
    if asked.kind in ("person", "place"):
        return any(not set(stemming.stems(name)) <= set(asked.names) for name in _CAPITALISED.findall(sentence))
    expected = _EXPECTED.get(asked.kind)
    if expected is None:
        return False
    # What the question itself says ("in 2019") is not what it asks for.
    own = _words(asked.question)
    return any(not set(stemming.words(found.group())) <= own for found in expected.finditer(sentence))


def is_loose(sentence: str) -> bool:
    """Tell whether it is a headline, a caption or a question, no statement."""
    stripped = sentence.rstrip("".join((_QUOTE_MARKS, "'’)] ")))
    return not stripped.endswith((".", "!", "。", "！", "…", "؟")) or len(sentence.split()) < 4
