"""How scores of two legs and the age of an article become one order. Pure.

The constants are from RealTimeQA 2022 (docs/retrieval.md): equal-weight min-max fusion beat reciprocal ranks for first
place, and the recency prior was worth more than any change of the legs.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

RECENCY_WEIGHT = 0.4
RECENCY_DAYS = 30.0

K = TypeVar("K", bound=Hashable)


def min_max(scores: Mapping[K, float]) -> dict[K, float]:
    """Stretch scores to 0..1; equal scores all become 1."""
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    if high == low:
        return dict.fromkeys(scores, 1.0)
    return {key: (score - low) / (high - low) for key, score in scores.items()}


def fuse(legs: Sequence[Mapping[K, float]]) -> dict[K, float]:
    """Average the stretched scores of the legs that found anything; what a leg did not find counts 0 in it.

    The scores of a single leg are only divided by the best: stretched, two hits that are nearly equal would be so far
    apart that the recency prior cannot turn them (words alone: hits@1 .508 stretched, .546 divided).
    """
    found = [leg for leg in legs if leg]
    best = max(found[0].values()) if len(found) == 1 else 0.0
    if best > 0:
        return {key: max(0.0, score / best) for key, score in found[0].items()}
    stretched = [min_max(leg) for leg in found]
    keys = dict.fromkeys(key for leg in stretched for key in leg)
    return {key: sum(leg.get(key, 0.0) for leg in stretched) / len(stretched) for key in keys}


def recency(days: Mapping[K, int | None], as_of: int, window: tuple[int, int] | None = None) -> dict[K, float]:
    """Return a prior of 0..1 for each article from its day: 1 on `as_of`, 1 inside `window` when one is asked for.

    An article without a day gets the mean of the others, so that it is neither favoured nor buried. A window halves the
    pull of `as_of`: "in 2019" may also be answered by an article of today that looks back.
    """
    known: dict[K, float] = {}
    for key, day in days.items():
        if day is not None:
            near_now = _decay(as_of - day)
            known[key] = near_now if window is None else max(0.5 * near_now, _decay(_distance(day, window)))
    neutral = sum(known.values()) / len(known) if known else 0.0
    return {key: known.get(key, neutral) for key in days}


def _decay(days: int) -> float:
    return math.exp(-max(days, 0) / RECENCY_DAYS)


def _distance(day: int, window: tuple[int, int]) -> int:
    return max(window[0] - day, day - window[1], 0)
