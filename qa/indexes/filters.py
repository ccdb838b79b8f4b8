"""The filter of a search as a list of clauses, which each engine translates to its own query language. Pure.

A chunk passes when it satisfies every clause. An undated chunk has the day `dates.UNDATED`: it passes `AtMost`, so that
`as_of` does not hide it, and fails a date filter. The noise that keeps equal vectors apart is here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from qa.temporal import dates
from qa.types import Filters, Vectors

_NOISE = 1e-3  # relative to the length of a vector


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The field has one of these values: the primary key of an article, or an outlet's case-folded name."""

    field: Literal["article", "outlet"]
    values: tuple[int | str, ...]

    def holds(self, value: Any) -> bool:
        """Tell whether a chunk with this value satisfies the clause; None if the chunk lacks the field."""
        return value in self.values


@dataclass(frozen=True, slots=True)
class AtLeast:
    """The day is this day or later."""

    field: Literal["day"]
    value: int

    def holds(self, value: Any) -> bool:
        """Tell whether a chunk with this value satisfies the clause."""
        return bool(value >= self.value)


@dataclass(frozen=True, slots=True)
class AtMost:
    """The day is this day or earlier."""

    field: Literal["day"]
    value: int

    def holds(self, value: Any) -> bool:
        """Tell whether a chunk with this value satisfies the clause."""
        return bool(value <= self.value)


Clause = AnyOf | AtLeast | AtMost


def clauses_of(filters: Filters, articles: Sequence[int], not_after: int | None) -> tuple[Clause, ...]:
    """Return the clauses of the filters, and of a day not after `not_after`.

    `articles` are the primary keys of the filter's article ids.
    """
    clauses: list[Clause] = []
    if not_after is not None:
        clauses.append(AtMost("day", not_after))
    if filters.outlets:
        clauses.append(AnyOf("outlet", tuple(name.casefold() for name in filters.outlets)))
    if filters.article_ids:
        # If the catalog knows none of the ids, nothing must be found: no article has the key -1, and Chroma refuses an
        # empty list.
        clauses.append(AnyOf("article", tuple(articles) or (-1,)))
    if filters.after or filters.before:
        clauses.append(AtLeast("day", dates.ordinal(filters.after) if filters.after else dates.UNDATED + 1))
    if filters.before:
        clauses.append(AtMost("day", dates.ordinal(filters.before)))
    return tuple(clauses)


def add_noise(vector: Vectors, seed: tuple[int, ...]) -> Vectors:
    """Return a unit vector with a little noise, the same for the same seed.

    Equal vectors become each other's only neighbours in an HNSW graph such as Chroma's: with 5 paragraphs repeated in
    200 articles, 47 of 500 other chunks could no longer be reached. With this noise, which changes a cosine by less
    than 0.0001, all could.
    """
    noise = np.random.default_rng(seed).standard_normal(len(vector))
    noisy = vector + _NOISE * noise / np.linalg.norm(noise)
    return (noisy / np.linalg.norm(noisy)).astype(np.float32)
