"""Surface features of a sentence: signs in its form that it answers a question, or does not. Pure."""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

from qa.query.analysis import AnalysedQuestion, Kind, is_content_word
from qa.text import stemming
from qa.text.english import CAPITAL, CAPITALISED, CURRENCY_SIGNS, MINUTES, MONEY_RANKED, MONTHS, ONES, SCALES, WEEKDAYS

SYNONYM = 0.6  # the weight of a synonym; the word itself has 1
MANY = 8  # more of the question's words around a sentence add nothing
_REACH = 3  # how far after a number the word that it counts may be, in words
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
_INNER_NAME = re.compile(rf"(?<![.!?“\"] )(?<!^)\b{CAPITALISED}")
_FULL_NAME = re.compile(rf"\b{CAPITALISED}(?: {CAPITALISED})+")
_YEAR = re.compile(r"(?:19|20)\d\d")
_OPENING_NAME = re.compile(rf"^{CAPITALISED}(?= [{CAPITAL}])")
_NEVER_ANSWERS = frozenset(
    stemming.stems(" ".join(("mr mrs ms dr", *WEEKDAYS)))
)  # capitalised words that alone are not an answer
_QUESTION_WORD = re.compile(r"\b(?:who|whom|whose|what|which|where|when|why|how)\b", re.IGNORECASE)
_HOW_MANY = re.compile(r"\bhow (?:many|much)\s+(?:of\s+(?:the|its|their|his|her)\s+)?(.*)", re.IGNORECASE | re.DOTALL)
# A sentence that says that something was withheld, or is not known, does not answer a question for it.
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
    """What the form of a sentence and its neighbours shows, each 0..1; the last four are evidence against it."""

    held: float = 0.0  # the share of the question's words in the sentence, its neighbours or its title, without IDF
    many: float = 0.0  # how many of them occur in its chunk
    focus: float = 0.0  # it has the first word that the question asks about: "fine" in "what fine"
    uncounted: float = 0.0  # the question is "how many coins", and it has no number before "coins"
    unnamed: float = 0.0  # the question asks for a person, and it has no name but those of the question
    other_year: float = 0.0  # a year of the question is neither in it nor in the article's date
    withheld: float = 0.0  # it says that something was not disclosed


@dataclass(frozen=True, slots=True)
class Offer:
    """What in a sentence can be the answer."""

    answers: Set[str]  # stems of names, or of numbers, that are not in the question
    names_one: float  # the question asks who, which or where, and the sentence has a name that the question lacks
    headline: float  # the share of the headline's words in it, without those of the question


NO_SURFACE_FEATURES = SurfaceFeatures()


def read_surface_features(
    question: AnalysedQuestion, sentence: str, around: Set[str], chunk: Set[str], published_at: str | None
) -> SurfaceFeatures:
    """Return the features; `around` are the stems of the context, `chunk` those of the chunk, both with the title."""
    own = stemming.stem_set(sentence)
    focus = _find_focus(question)
    years = [stem for stem in question.stems if _YEAR.fullmatch(stem)]
    return SurfaceFeatures(
        held=sum(weigh_stem(question, stem, around) for stem in question.stems) / (len(question.stems) or 1),
        many=min(1.0, sum(weigh_stem(question, stem, chunk) > 0 for stem in question.stems) / MANY),
        focus=weigh_stem(question, focus, own) if focus else 0.5,
        uncounted=float(_is_uncounted(question.text, sentence)),
        unnamed=float(question.kind == "person" and not _has_new_name(question, sentence)),
        other_year=float(any(year not in around and year != (published_at or "")[:4] for year in years)),
        withheld=float(bool(_WITHHELD.search(sentence)) and not _DENIES.search(question.text)),
    )


def read_offer(question: AnalysedQuestion, sentence: str, stems: Set[str], title: Set[str]) -> Offer:
    """Return what a sentence offers as an answer; `stems` are its own, `title` those of the headline."""
    question_words = [word.lower() for word in _QUESTION_WORD.findall(question.text)]
    question_word = question_words[-1] if question_words else ""
    own = _stems(question.text)
    names = _new_names(sentence, own)
    headline = title - own
    return Offer(
        names if question_word not in ("how", "when", "why") else {stem for stem in stems - own if stem[0].isdigit()},
        float(bool(names) and question_word in ("who", "whom", "whose", "which", "where")),
        len(headline & stems) / (len(headline) or 1),
    )


# One question is compared with hundreds of sentences.
@lru_cache(maxsize=64)
def _stems(question: str) -> frozenset[str]:
    return frozenset(stemming.stem_set(question))


@lru_cache(maxsize=64)
def _words(question: str) -> frozenset[str]:
    return frozenset(stemming.words(question))


def _new_names(sentence: str, own: Set[str]) -> set[str]:
    words = [word for word in _INNER_NAME.findall(sentence) if is_content_word(word)]
    opening = _OPENING_NAME.match(sentence)
    if opening and is_content_word(opening.group()):
        words.append(opening.group())
    return set(stemming.stem_set(" ".join(words))) - own - _NEVER_ANSWERS


def weigh_stem(question: AnalysedQuestion, stem: str, stems: Set[str]) -> float:
    """Return 1 if this stem is among the stems, less for a synonym, else 0."""
    if stem in stems:
        return 1.0
    return SYNONYM if stem in question.related and not stems.isdisjoint(question.related[stem]) else 0.0


def _find_focus(question: AnalysedQuestion) -> str | None:
    question_word = _QUESTION_WORD.search(question.text)
    for word in stemming.words(question.text[question_word.end() :] if question_word else question.text):
        stem = stemming.stems(word)
        if stem and stem[0] in question.stems and is_content_word(word):
            return stem[0]
    return None


def _is_uncounted(question: str, sentence: str) -> bool:
    how_many = _HOW_MANY.search(question)
    if how_many is None:
        return False
    nouns = list(takewhile(is_content_word, stemming.words(how_many[1])))[:_REACH]
    if not nouns:  # "how much did it cost"
        return False
    counted = set(stemming.stems(" ".join(nouns)))
    words = stemming.words(sentence)
    return not any(
        _NUMBER.match(word) and not counted.isdisjoint(stemming.stems(" ".join(words[at + 1 : at + 1 + _REACH])))
        for at, word in enumerate(words)
    )


def _has_new_name(question: AnalysedQuestion, sentence: str) -> bool:
    return any(not set(stemming.stems(match[0])) <= set(question.stems) for match in _FULL_NAME.finditer(sentence))


def answers_kind(question: AnalysedQuestion, sentence: str) -> bool:
    """Tell whether a sentence has the kind of thing that the question asks for, beyond what the question itself has."""
    if question.kind in ("person", "place"):
        return any(not set(stemming.stems(name)) <= set(question.names) for name in _INNER_NAME.findall(sentence))
    expected = _EXPECTED.get(question.kind)
    if expected is None:
        return False
    # What the question itself has ("in 2019") is not what it asks for.
    own = _words(question.text)
    return any(not set(stemming.words(match.group())) <= own for match in expected.finditer(sentence))


def is_loose(sentence: str) -> bool:
    """Tell whether it is not a statement but a headline, a caption or a question."""
    stripped = sentence.rstrip("".join((_QUOTE_MARKS, "'’)] ")))
    return not stripped.endswith((".", "!", "。", "！", "…", "؟")) or len(sentence.split()) < 4
