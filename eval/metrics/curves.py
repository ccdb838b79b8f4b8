"""The figures behind a report's plots. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_Z = 1.959964  # 95 %
BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """The answers whose confidence lies in one stretch."""

    low: float
    high: float
    n: int
    confidence: float  # their mean
    right: float  # the share that is
    right_low: float
    right_high: float


@dataclass(frozen=True, slots=True)
class Threshold:
    """What refusing below a confidence comes to."""

    at: float
    precision: float | None  # None when nothing is refused
    recall: float


def wilson(right: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share. Source: Wilson (1927)."""
    share, spread = right / n, _Z**2 / n
    centre = share + spread / 2
    half = _Z * math.sqrt(share * (1 - share) / n + spread / (4 * n))
    return max(0.0, (centre - half) / (1 + spread)), min(1.0, (centre + half) / (1 + spread))


def reliability(marks: Iterable[tuple[float, bool]], bins: int = BINS) -> list[Bin]:
    """Return how often answers of like confidence are right, from (confidence, is it right); empty bins are left out.

    Raises ValueError for a confidence that is no share.
    """
    groups: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for confidence, is_right in marks:
        if not 0 <= confidence <= 1:
            raise ValueError(f"confidence {confidence} is not between 0 and 1")
        groups[min(int(confidence * bins), bins - 1)].append((confidence, is_right))
    found = []
    for number, group in enumerate(groups):
        if group:
            n, right = len(group), sum(is_right for _, is_right in group)
            mean = math.fsum(one for one, _ in group) / n
            found.append(Bin(number / bins, (number + 1) / bins, n, mean, right / n, *wilson(right, n)))
    return found


def calibration_error(bins: Sequence[Bin]) -> float:
    """Return the expected calibration error: how far confidence and being right lie apart, weighted by answers."""
    return math.fsum(one.n * abs(one.right - one.confidence) for one in bins) / sum(one.n for one in bins)


def refusal_by_threshold(marks: Sequence[tuple[float | None, bool]]) -> list[Threshold]:
    """Return precision and recall of refusing below each confidence, from (confidence, is it unanswerable).

    What has no confidence was refused without one, and is refused at every threshold. Raises ValueError when there is
    nothing that should be refused.
    """
    wanted = sum(unanswerable for _, unanswerable in marks)
    if not wanted:
        raise ValueError("no unanswerable question")
    stated = sorted({one for one, _ in marks if one is not None})
    found = []
    for at in [*stated, math.nextafter(stated[-1], math.inf)] if stated else []:
        refused = [unanswerable for one, unanswerable in marks if one is None or one < at]
        precision = sum(refused) / len(refused) if refused else None
        found.append(Threshold(at, precision, sum(refused) / wanted))
    return found


def histogram(values: Sequence[float], top: float, bars: int = 24) -> list[int]:
    """Return how many values lie in each of equal bars from 0 to `top`; what lies beyond counts in the last."""
    counts = [0] * bars
    for value in values:
        counts[min(int(value / top * bars), bars - 1)] += 1
    return counts


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round values from low to high: steps of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / about
    power: float = 10.0 ** math.floor(math.log10(rough))
    step = next(one * power for one in (1, 2, 5, 10) if one * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(at * step, 12) for at in range(first, math.floor(high / step + 1e-9) + 1)]
