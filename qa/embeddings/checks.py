"""Validate and normalise vectors before they are stored or searched with. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa.errors import EmbeddingFailed
from qa.types import Vectors


def checked_vectors(
    rows: Sequence[Sequence[float]] | NDArray[Any], n: int, dimension: int | None, model: str
) -> Vectors:
    """Return the rows as float32 of unit length, shape (n, dimension). Raises EmbeddingFailed for invalid rows.

    With `dimension` None the first row sets it. No rows and no dimension give shape (0, 0).
    """
    if len(rows) != n:
        raise EmbeddingFailed(f"{model}: expected {n} vectors, got {len(rows)}")
    width = dimension
    vectors = np.empty((n, width or 0), dtype=np.float32)
    for number, row in enumerate(rows):
        values = _read_row(row, number, model)
        if width is None:
            width = len(values)
            vectors = np.empty((n, width), dtype=np.float32)
        if len(values) != width:
            raise EmbeddingFailed(f"{model}: vector {number}: expected dimension {width}, got {len(values)}")
        vectors[number] = _unit(values, number, model)
    return vectors


def _read_row(row: object, number: int, model: str) -> NDArray[np.float64]:
    try:
        values: NDArray[Any] = np.asarray(row)
    except ValueError as exc:  # nested lists of unequal lengths
        raise EmbeddingFailed(f"{model}: vector {number}: expected a list of numbers, got {row!r:.80}") from exc
    if values.ndim != 1 or values.size == 0 or values.dtype.kind not in "fiu":
        raise EmbeddingFailed(f"{model}: vector {number}: expected a list of numbers, got {row!r:.80}")
    return values.astype(np.float64)


def _unit(values: NDArray[np.float64], number: int, model: str) -> NDArray[np.float64]:
    if not np.isfinite(values).all():
        place = int(np.flatnonzero(~np.isfinite(values))[0])
        raise EmbeddingFailed(f"{model}: vector {number}: expected finite numbers, got {values[place]} at {place}")
    peak = np.abs(values).max()
    if peak == 0:
        raise EmbeddingFailed(f"{model}: vector {number}: expected a direction, got only zeros")
    scaled = values / peak  # so that squaring neither overflows nor underflows
    unit: NDArray[np.float64] = scaled / np.linalg.norm(scaled)
    return unit
