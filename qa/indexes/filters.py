"""The filter of a search as a list of clauses, which each engine translates into its own language. Pure.

A chunk is found when it satisfies every clause. An undated chunk has the day `dates.UNDATED`: it passes `AtMost`, so
that `as_of` does not hide it, and fails the bounds of a date filter. Here too: the noise that sets equal vectors apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from qa.temporal import dates
from qa.types import Filters, Vectors

_NOISE = 1e-3  # of the length of a vector


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The field has one of these values: the catalog's number of an article, or an outlet's case-folded name."""

    field: Literal["article", "outlet"]
    values: tuple[int | str, ...]

    def holds(self, value: Any) -> bool:
        """Tell whether a chunk with this value satisfies the clause; None where the chunk lacks the field."""
        return value in self.values


@dataclass(frozen=True, slots=True)
class AtLeast:
    """The day is this one or later."""

    field: Literal["day"]
    value: int

    def holds(self, value: Any) -> bool:
        """Tell whether a chunk with this value satisfies the clause."""
        return bool(value >= self.value)


@dataclass(frozen=True, slots=True)
class AtMost:
    """The day is this one or earlier."""

    field: Literal["day"]
    value: int

    def holds(self, value: Any) -> bool:
        """Tell whether a chunk with this value satisfies the clause."""
        return bool(value <= self.value)


Clause = AnyOf | AtLeast | AtMost


def clauses_of(filters: Filters, articles: Sequence[int], not_after: int | None) -> tuple[Clause, ...]:
    """Return what a chunk must satisfy: the filters, and a day not after `not_after`.

    `articles` are the filter's article ids as the catalog's numbers.
    """
    clauses: list[Clause] = []
    if not_after is not None:
        clauses.append(AtMost("day", not_after))
    if filters.outlets:
        clauses.append(AnyOf("outlet", tuple(name.casefold() for name in filters.outlets)))
    if filters.article_ids:
        # When the catalog knows none of the ids, nothing is found. No article has the number -1; Chroma refuses an
        # empty list.
        clauses.append(AnyOf("article", tuple(articles) or (-1,)))
    if filters.after or filters.before:
        clauses.append(AtLeast("day", dates.ordinal(filters.after) if filters.after else dates.UNDATED + 1))
    if filters.before:
        clauses.append(AtMost("day", dates.ordinal(filters.before)))
    return tuple(clauses)


def set_apart(vector: Vectors, seed: tuple[int, ...]) -> Vectors:
    """Return a vector with a little noise, always the same for a place.

    Equal vectors are each other's only neighbours in a graph such as Chroma's: with 5 paragraphs that 200 articles
    repeat, 47 of 500 other chunks could no longer be reached; with this much noise, which moves a cosine by under
    0.0001, none.
    """
    noise = np.random.default_rng(seed).standard_normal(len(vector))
    apart = vector + _NOISE * noise / np.linalg.norm(noise)
    return (apart / np.linalg.norm(apart)).astype(np.float32)
