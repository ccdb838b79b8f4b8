"""Measure and plot how well the confidence of an extractive answer is calibrated.

    python -m eval.bench.tuning.calibration --bench PATH --store DIR [--embed minilm|none] [--year 2023] [--plot FILE]

The confidence estimates that the articles answer the question. Each set's answerable and unanswerable questions weigh
the same, as they did where the weights were fitted, so that the figure does not depend on how many there are of each.
ECE is the expected calibration error over ten bins of equal width; its interval is a 95 % bootstrap.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.bench.tuning.realtimeqa import arguments
from eval.bench.tuning.refusal import SETS, Probe, gather
from qa.answering.extractive import confidence

BINS = 10
_DRAWS = 1_000
Array = NDArray[np.float64]


def main() -> None:
    """Ask every question, print the calibration error of each set, and plot the reliability."""
    parser = arguments(__doc__)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    probes = list(gather(options.bench, options.store, options.gold, options.embed, options.year))
    curves = {}
    for name in SETS:
        marks = marks_of([probe for probe in probes if probe.set == name])
        label = f"{name} {options.year}" if name == "realtimeqa" else name
        curves[label] = reliability(*marks)
        low, high = _interval(*marks)
        print(f"{label:16} n = {len(marks[0])}, ECE {calibration_error(*marks):.3f} [{low:.3f}, {high:.3f}]")
    if options.plot:
        _plot(curves, options.plot)


def marks_of(probes: Sequence[Probe]) -> tuple[Array, Array, Array]:
    """Return the confidence of each question, whether it can be answered, and its weight."""
    estimated = np.array([confidence(probe.asked, probe.ranked) for probe in probes])
    answerable = np.array([float(probe.item.answerable) for probe in probes])
    shares = np.where(answerable == 1, answerable.sum(), len(answerable) - answerable.sum())
    return estimated, answerable, 1 / shares


def reliability(estimated: Array, answerable: Array, weight: Array) -> list[tuple[float, float, float]]:
    """Return for each bin that has questions: mean confidence, share answerable, share of the weight."""
    bins = np.minimum((estimated * BINS).astype(int), BINS - 1)
    rows = []
    for number in range(BINS):
        own = bins == number
        if own.any():
            total = weight[own].sum()
            mean, share = (float((values[own] * weight[own]).sum() / total) for values in (estimated, answerable))
            rows.append((mean, share, float(total / weight.sum())))
    return rows


def calibration_error(estimated: Array, answerable: Array, weight: Array) -> float:
    """Return the expected calibration error (Naeini et al., 2015)."""
    return sum(total * abs(mean - share) for mean, share, total in reliability(estimated, answerable, weight))


def _interval(estimated: Array, answerable: Array, weight: Array) -> tuple[float, float]:
    draws = np.random.default_rng(0).integers(0, len(estimated), (_DRAWS, len(estimated)))
    errors = [calibration_error(estimated[draw], answerable[draw], weight[draw]) for draw in draws]
    low, high = np.percentile(errors, [2.5, 97.5])
    return float(low), float(high)


def _plot(curves: dict[str, list[tuple[float, float, float]]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="perfect")
    for name, rows in curves.items():
        axes.plot([row[0] for row in rows], [row[1] for row in rows], marker="o", label=name)
    axes.set(xlabel="confidence", ylabel="share that the articles answer", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.legend()
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
