"""Which chunks a filter lets through: as a condition of Chroma's, and here of one chunk. Pure; both say the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qa.catalog.rows import ChunkRow
from qa.temporal import dates
from qa.types import Filters, Vectors

_NOISE = 1e-3  # of the length of a vector


def metadata_of(row: ChunkRow) -> dict[str, str | int]:
    """Return what Chroma keeps beside a chunk's vector, for filters."""
    # Chroma's comparisons skip rows that lack the key, and an article without a date must pass `not_after`.
    day = dates.UNDATED if row.published_day is None else row.published_day
    metadata: dict[str, str | int] = {"article": row.article, "day": day, "sha": row.embed_sha.hex()}
    if row.source.outlet:
        metadata["outlet"] = row.source.outlet.casefold()
    return metadata


def passes(metadata: Mapping[str, Any] | None, filters: Filters, not_after: int | None) -> bool:
    """Tell of one row what `where_clause` tells Chroma."""
    if metadata is None or (not_after is not None and metadata["day"] > not_after):
        return False
    if filters.outlets and metadata.get("outlet") not in [name.casefold() for name in filters.outlets]:
        return False
    if filters.after or filters.before:
        after = dates.ordinal(filters.after) if filters.after else dates.UNDATED + 1
        return bool(after <= metadata["day"]) and (
            not filters.before or metadata["day"] <= dates.ordinal(filters.before)
        )
    return True


def of_articles(articles: Sequence[int]) -> Any:
    """Return Chroma's condition for the chunks of these articles."""
    return {"article": {"$in": list(articles)}}


def where_clause(filters: Filters, articles: Sequence[int], not_after: int | None) -> Any:
    """Return Chroma's condition for what passes, None where everything does; `articles` are the filter's, by number."""
    clauses: list[dict[str, object]] = []
    if not_after is not None:
        clauses.append({"day": {"$lte": not_after}})
    if filters.outlets:
        clauses.append({"outlet": {"$in": [name.casefold() for name in filters.outlets]}})
    if filters.article_ids:
        clauses.append(of_articles(articles or [-1]))
    if filters.after or filters.before:
        clauses.append({"day": {"$gte": dates.ordinal(filters.after) if filters.after else dates.UNDATED + 1}})
    if filters.before:
        clauses.append({"day": {"$lte": dates.ordinal(filters.before)}})
    if not clauses:
        return None
    return clauses[0] if len(clauses) == 1 else {"$and": clauses}


def set_apart(vector: Vectors, seed: tuple[int, ...]) -> Vectors:
    """Return a vector with a little noise, always the same for a place.

    Equal vectors are each other's only neighbours in a graph such as Chroma's: with 5 paragraphs that 200 articles
    repeat, 47 of 500 other chunks could no longer be reached; with this much noise, which moves a cosine by under
    0.0001, none.
    """
    noise = np.random.default_rng(seed).standard_normal(len(vector))
    apart = vector + _NOISE * noise / np.linalg.norm(noise)
    return (apart / np.linalg.norm(apart)).astype(np.float32)
