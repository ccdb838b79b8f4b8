"""Bootstrap intervals of means over questions, by a fixed seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def bootstrap_mean(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the mean."""
    means = np.random.default_rng(0).choice(values, (2_000, len(values))).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def interval(marks: Sequence[float]) -> str:
    """Return the mean with its 95 % bootstrap interval, as text."""
    values = np.array(marks)
    low, high = bootstrap_mean(values)
    return f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"
