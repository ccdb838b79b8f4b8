"""Score fusion: combine word scores, vector scores and the age of an article into one ranking. Pure.

The constants were fitted on RealTimeQA 2022 and our gold set together (`python -m eval.bench.tuning.sweeps`,
docs/retrieval.md). A weighted sum of the raw scores beats scores stretched to 0..1: a leg whose hits are all about
equally good must not separate them.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from qa.indexes.protocols import Candidate, Place

RECENCY_DAYS = 30.0
LOOKING_BACK = 0.8  # what an article of today counts when the question names a past time

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Weights:
    """The weight of each kind of evidence for a chunk."""

    words: float = 0.8
    meaning: float = 0.7
    lead: float = 1.2  # of the first chunk's cosine, for all chunks of its article: news begins with what happened
    words_alone: float = 1.3  # of the words when the vector search found nothing
    recency: float = 0.5
    recency_asked: float = 1.2  # of the age when the question itself says "this week"


WEIGHTS = Weights()


def score(
    words: Sequence[Candidate],
    near: Sequence[Candidate],
    as_of: int,
    window: tuple[int, int] | None,
    weights: Weights = WEIGHTS,
) -> dict[Place, float]:
    """Return the score of every chunk that a leg found, best first, ties by place."""
    fused = fuse(
        {candidate.place: candidate.score for candidate in words},
        {candidate.place: candidate.score for candidate in near},
        weights,
    )
    prior = recency({candidate.place: candidate.day for candidate in (*words, *near)}, as_of, window)
    age = weights.recency_asked if window is not None and window[1] >= as_of else weights.recency
    total = {place: match + age * prior[place] for place, match in fused.items()}
    return dict(sorted(total.items(), key=lambda scored: (-scored[1], scored[0])))


def fuse(words: Mapping[Place, float], near: Mapping[Place, float], weights: Weights = WEIGHTS) -> dict[Place, float]:
    """Add up the scores of each leg for each chunk: shares of the question's weight in words, and cosines.

    A chunk that the vector search did not find is no nearer than the last one it found, so cosines count from there.
    """
    if not near:
        return {place: weights.words_alone * share for place, share in words.items()}
    floor = min(near.values()) if len(near) > 1 else 0.0
    above = {place: max(0.0, cosine - floor) for place, cosine in near.items()}
    leads = {place[:2]: height for place, height in above.items() if place[2] == 0}
    return {
        place: weights.words * words.get(place, 0.0)
        + weights.meaning * above.get(place, 0.0)
        + weights.lead * leads.get(place[:2], 0.0)
        for place in dict.fromkeys((*words, *near))
    }


def recency(days: Mapping[K, int | None], as_of: int, window: tuple[int, int] | None = None) -> dict[K, float]:
    """Return a prior of 0..1 for each article from its day: 1 on `as_of`, 1 inside `window` when one is asked for.

    An article without a day gets the mean of the others, so that it is neither favoured nor buried. A window that
    reaches `as_of` ("this week", "this year") asks for what is new. With a past window today's articles still count:
    "in 2019" may also be answered by one that looks back.
    """
    past = window if window is not None and window[1] < as_of else None
    known: dict[K, float] = {}
    for key, day in days.items():
        if day is not None:
            near_now = _decay(as_of - day)
            known[key] = near_now if past is None else max(LOOKING_BACK * near_now, _decay(_distance(day, past)))
    neutral = sum(known.values()) / len(known) if known else 0.0
    return {key: known.get(key, neutral) for key in days}


def _decay(days: int) -> float:
    return math.exp(-max(days, 0) / RECENCY_DAYS)


def _distance(day: int, window: tuple[int, int]) -> int:
    return max(window[0] - day, day - window[1], 0)
