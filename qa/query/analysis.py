"""Analyse a question: its content words, its names, and the kind of answer that it asks for. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from qa.text import stemming
from qa.text.english import MINUTES, RELATED, STOP_WORDS, capitalised

Kind = Literal["number", "money", "age", "date", "duration", "person", "place", "quotation", "other"]

# Words that phrase a question and seldom occur in the sentence that answers it.
_QUESTION_WORDS = frozenset(
    "say said says tell told long large big old far tall high often happen name named call called".split()
)
# "last" is a verb only in questions about a duration; elsewhere it is part of a date.
_DURATION_VERBS = frozenset("last lasts lasted take takes took".split())
_FIRST_WORD = re.compile(r"^\W*(\w+)")

_MONEY = (
    r"(?:cost|pay|paid|worth|money|trade|price|fine|budget|invest|spen[dt]|fund|debt|loan|revenue|profit|salary|aid)"
)
_PLACE = (
    r"(?:city|country|town|state|place|airport|stadium|region|street|village|province|island|river|continent|station)"
)
_SAYING = r"(?:say|said|tell|told|call|describe|comment|claim|warn|announce|promise|respond|reply)"
_PATTERNS: tuple[tuple[Kind, str], ...] = (
    ("duration", rf"\bhow long\b|\bhow many (?:{'|'.join(MINUTES)})s\b|\bfor how\b"),
    ("age", r"\bhow old\b|\b(?:what|which) age\b|\bage of\b"),
    (
        "money",
        rf"\bhow (?:much|large|big)\b.*\b{_MONEY}|\b(?:what|which)\b.*\b(?:price|cost|value|budget|fine|sum)\b",
    ),
    ("number", r"\bhow (?:many|much|large|big|high|old|far|tall|often|fast|heavy|deep|wide)\b"),
    ("number", r"\bwhat (?:number|share|percentage|percent|proportion|rate|fraction)\b"),
    ("date", r"^\W*when\b|\b(?:what|which) (?:day|date|month|year|time)\b|\bhow recently\b|\bsince when\b"),
    ("person", r"^\W*(?:who|whom|whose)\b|\b(?:by|with|to|from|and) whom\b"),
    ("place", rf"^\W*where\b|\b(?:what|which)\b[^?]*?\b{_PLACE}\b"),
    ("quotation", rf"\bwhat (?:did|does|do|has|have|had|was|is)\b[^?]*\b{_SAYING}"),
)
_YES_NO = re.compile(
    r"^\W*(?:(?:and|but|so)\s+)?(?:is|was|are|were|do|does|did|has|have|had|can|could|will|would|should)(?:n[’']t)?\b",
    re.IGNORECASE,
)
_KINDS = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _PATTERNS)


# Kinds of answer with a recognisable form: a sentence without a length of time does not say how long.
KINDS_WITH_FORM: frozenset[Kind] = frozenset({"age", "duration", "money", "number", "date"})


@dataclass(frozen=True, slots=True)
class AnalysedQuestion:
    """A question with what is read from it for search and ranking."""

    text: str
    stems: tuple[str, ...]  # content words, stemmed, each once
    names: tuple[str, ...]  # those of them that are stems of capitalised words
    kind: Kind
    related: Mapping[str, frozenset[str]]  # the stems of synonyms, for the stems that have any
    context_stems: tuple[str, ...] = ()  # of words from the conversation: the topic, not what an answer must contain
    in_context: str = ""  # the question with the words that it takes from the conversation
    earlier_questions: str = ""  # of the conversation: searched for the time that they name


def analyse(
    question: str, own_words: str | None = None, context: str = "", earlier_questions: str = ""
) -> AnalysedQuestion:
    """Analyse a question; for a follow-up, `context` has the words that it takes from the conversation."""
    kind = kind_of(question)
    own = question if own_words is None else own_words
    stems = content_stems(own, kind)
    names = tuple(stem for stem in dict.fromkeys(_name_stems(own)) if stem in stems)
    related = {stem: _related()[stem] for stem in stems if stem in _related()}
    context_stems = tuple(stem for stem in content_stems(context) if stem not in stems) if context else ()
    question_stems = stemming.stem_set(question)
    added = [word for word in context.split() if not stemming.stem_set(word) <= question_stems]
    in_context = " ".join([*added, question])
    return AnalysedQuestion(question, stems, names, kind, related, context_stems, in_context, earlier_questions)


def is_content_word(word: str) -> bool:
    """Tell whether a word is neither a stop word nor a question word."""
    return any(part not in STOP_WORDS and part not in _QUESTION_WORDS for part in stemming.words(word))


@lru_cache(maxsize=1)
def _related() -> dict[str, frozenset[str]]:
    synonyms: dict[str, set[str]] = {}
    for group in RELATED:
        stems = set(stemming.stems(group))
        for stem in stems:
            synonyms.setdefault(stem, set()).update(stems - {stem})
    return {stem: frozenset(others) for stem, others in synonyms.items()}


def content_stems(question: str, kind: Kind = "other") -> tuple[str, ...]:
    """Return the stems of the content words; those of all words when every word is a stop word."""
    words = stemming.words(question)
    content = [word for word in words if word not in STOP_WORDS]
    shaping = _QUESTION_WORDS | _DURATION_VERBS if kind == "duration" else _QUESTION_WORDS
    informative = [word for word in content if word not in shaping]
    return tuple(dict.fromkeys(stemming.stems(" ".join(informative or content or words))))


def kind_of(question: str) -> Kind:
    """Return the kind of answer that a question asks for."""
    return next((kind for kind, pattern in _KINDS if pattern.search(question)), "other")


def asks_yes_or_no(question: str) -> bool:
    """Tell whether a question begins with an auxiliary verb, so that its answer is yes or no."""
    return _YES_NO.match(question) is not None


def _name_stems(question: str) -> list[str]:
    first = _FIRST_WORD.match(question)
    names: list[str] = []
    for word in capitalised(question):
        # The first word is always capitalised; it is a name only if it is not a stop word or question word.
        is_first = first is not None and word.start() == first.start(1)
        stems = stemming.stems(word.group())
        if is_first and (not stems or stemming.words(word.group())[0] in STOP_WORDS | _QUESTION_WORDS):
            continue
        names += stems
    return names
