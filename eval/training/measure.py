"""Figures of the trainings."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Return the chance that a positive scores above a negative; NaN where there is none of either."""
    if not positive or not negative:
        return float("nan")
    ordered = sorted(negative)
    below = sum(bisect_left(ordered, value) + bisect_right(ordered, value) for value in positive)
    return below / (2 * len(positive) * len(negative))
