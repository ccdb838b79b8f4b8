"""Data of the report's plots: reliability bins, refusal by threshold, histogram, axis ticks. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_Z = 1.959964  # 95 %
BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """One reliability bin: the answers whose confidence lies between `low` and `high`."""

    low: float
    high: float
    n: int
    confidence: float  # mean
    right: float  # share
    right_low: float
    right_high: float


@dataclass(frozen=True, slots=True)
class Threshold:
    """Precision and recall of refusing below a confidence."""

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
    """Return the reliability diagram of marks (confidence, is it right), without empty bins.

    Raises ValueError for a confidence outside [0, 1].
    """
    groups: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for confidence, is_right in marks:
        if not 0 <= confidence <= 1:
            raise ValueError(f"confidence {confidence} is not between 0 and 1")
        groups[min(int(confidence * bins), bins - 1)].append((confidence, is_right))
    filled = []
    for number, group in enumerate(groups):
        if group:
            n, right = len(group), sum(is_right for _, is_right in group)
            mean = math.fsum(confidence for confidence, _ in group) / n
            filled.append(Bin(number / bins, (number + 1) / bins, n, mean, right / n, *wilson(right, n)))
    return filled


def calibration_error(bins: Sequence[Bin]) -> float:
    """Return the expected calibration error: the mean gap of confidence and accuracy, weighted by answers."""
    return math.fsum(bin_.n * abs(bin_.right - bin_.confidence) for bin_ in bins) / sum(bin_.n for bin_ in bins)


def refusal_by_threshold(marks: Sequence[tuple[float | None, bool]]) -> list[Threshold]:
    """Return precision and recall of refusing below each confidence, from marks (confidence, is it unanswerable).

    An answer without a confidence counts as refused at every threshold. Raises ValueError if no question is
    unanswerable.
    """
    unanswerable_n = sum(unanswerable for _, unanswerable in marks)
    if not unanswerable_n:
        raise ValueError("no unanswerable question")
    stated = sorted({confidence for confidence, _ in marks if confidence is not None})
    thresholds = []
    for at in [*stated, math.nextafter(stated[-1], math.inf)] if stated else []:
        refused = [unanswerable for confidence, unanswerable in marks if confidence is None or confidence < at]
        precision = sum(refused) / len(refused) if refused else None
        thresholds.append(Threshold(at, precision, sum(refused) / unanswerable_n))
    return thresholds


def histogram(values: Sequence[float], top: float, bars: int = 24) -> list[int]:
    """Return how many values lie in each of equal bars from 0 to `top`; the last bar includes the values beyond."""
    counts = [0] * bars
    for value in values:
        counts[min(int(value / top * bars), bars - 1)] += 1
    return counts


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return axis ticks from low to high, in steps of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / about
    power: float = 10.0 ** math.floor(math.log10(rough))
    step = next(multiple * power for multiple in (1, 2, 5, 10) if multiple * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(at * step, 12) for at in range(first, math.floor(high / step + 1e-9) + 1)]
