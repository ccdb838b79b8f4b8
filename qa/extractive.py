"""Answers without a model: the best sentences, verbatim and attributed, or none. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

from qa import text
from qa.evidence import Features, Ranked
from qa.questions import FORMAL, Asked
from qa.types import Evidence, Source

MAX_SENTENCES = 3
# The least confidence that is answered, with and without an embedder: the run is in docs/retrieval.md.
ENOUGH, ENOUGH_BY_WORDS = 0.4, 0.35
_CLOSE = 0.85  # a further sentence must score this share of the best (docs/retrieval.md)
_TITLE_CHARS = 60


@dataclass(frozen=True, slots=True)
class Quoted:
    """One statement of an extractive answer."""

    text: str
    cited: tuple[Evidence, ...]
    covers: bool  # the evidence holds what the question names


def choose(asked: Asked, ranked: Ranked) -> list[Quoted]:
    """Return up to three sentences that answer, best first; none when the articles do not say."""
    if not ranked.evidence:
        return []
    first = ranked.features[0]
    if confidence(first) < (ENOUGH if first.compared else ENOUGH_BY_WORDS):
        return []
    best = ranked.evidence[0].score
    chosen: list[Quoted] = []
    said: list[set[str]] = []
    for one, features in zip(ranked.evidence, ranked.features, strict=True):
        if one.score < _CLOSE * best or len(chosen) == MAX_SENTENCES:
            break
        stems = set(text.stems(one.text))
        if asked.kind in FORMAL and not features.kind:
            continue
        if any(len(stems & other) > 0.7 * min(len(stems), len(other)) for other in said):
            continue
        said.append(stems)
        chosen.append(Quoted(quoted(one), (one,), features.named >= 1.0))
    return chosen


def confidence(best: Features) -> float:
    """Return how likely it is that the best sentence answers, 0..1.

    Two logistic regressions, on 310 questions with an answer and 174 without one over 4,899 articles of RealTimeQA and
    on 258 of our own gold set, each set and label with the same weight (docs/retrieval.md). What counts is how much of
    the question stands around the sentence, and how near the sentence and the nearest one are in meaning.
    """
    if best.compared:
        return _logistic(4.52 * best.near + 2.38 * best.similar + 4.36 * best.nearest - 7.04)
    return _logistic(6.27 * best.near - 4.21)


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def quoted(one: Evidence) -> str:
    """Return a sentence verbatim, with who said it and when before it."""
    return f"{attribution(one.source)}: {one.text}"


def attribution(source: Source) -> str:
    """Return who said it and when, as far as that is known."""
    title = source.title or source.article_id
    short = title if len(title) <= _TITLE_CHARS else title[:_TITLE_CHARS].rsplit(" ", 1)[0] + "…"
    who = source.outlet or f"“{short}”"
    if source.published_at is None:
        return who
    day = date.fromisoformat(source.published_at[:10])
    return f"{who}, {day.day} {day:%B %Y}"
