"""The protocols of the word index and the vector index, independent of the engine; one engine may be both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from qa.catalog.rows import ChunkRow
from qa.indexes.filters import Clause
from qa.types import Vectors

Place = tuple[int, int, int]  # article, version, ordinal


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk that an index found, not yet looked up in the catalog."""

    place: Place
    day: int | None  # of publication
    score: float


class WordIndex(Protocol):
    """Follow the catalog's change log and find chunks by stems (`qa.text.stemming.stems`). Raises StoreFailed."""

    name: str

    def cursor(self) -> int:
        """Return the number of the last change that is in the index, 0 for none."""
        ...

    def apply(
        self, changed: Sequence[int], rows: Sequence[ChunkRow], cursor: int, stems: Mapping[str, str] = ...
    ) -> None:
        """Replace all chunks of the changed articles by `rows`, then remember `cursor`.

        `stems` maps some of the texts to their stems, separated by spaces, to avoid stemming them again.
        """
        ...

    def reset(self) -> None:
        """Forget everything; the next catch-up starts from the first change."""
        ...

    def size(self) -> int:
        """Return how many chunks are in the index."""
        ...

    def keys(self) -> set[int]:
        """Return the keys of all chunks in the index, for verification."""
        ...

    def search(self, stems: Sequence[str], collection: str, clauses: Sequence[Clause], top_k: int) -> list[Candidate]:
        """Return the best chunks that satisfy the clauses, best first.

        The score is relative to the highest that the stems could have, 0 to 1.
        """
        ...

    def idf(self, stems: Iterable[str]) -> dict[str, float]:
        """Return the inverse document frequency of stems over all chunks."""
        ...

    def known(self, stems: Iterable[str]) -> set[str]:
        """Return those of the stems that occur in any chunk."""
        ...

    def close(self) -> None:
        """Close the engine."""
        ...


class VectorIndex(Protocol):
    """Follow the catalog's change log and find the nearest chunks. Raises StoreFailed."""

    name: str

    def cursor(self) -> int:
        """Return the number of the last change that is in the index, 0 for none."""
        ...

    def apply(self, changed: Sequence[int], rows: Sequence[ChunkRow], vectors: Sequence[Vectors], cursor: int) -> None:
        """Replace all chunks of the changed articles by `rows`, one vector a row, then remember `cursor`."""
        ...

    def needs_compaction(self) -> bool:
        """Tell whether the engine retains so many deleted chunks that a reset and a catch-up now are worth it."""
        ...

    def reset(self) -> None:
        """Forget everything of this model; the next catch-up starts from the first change."""
        ...

    def size(self) -> int:
        """Return the index's count of chunks."""
        ...

    def places(self) -> set[Place]:
        """Return the places of all chunks in the index, for verification."""
        ...

    def search(self, vector: Vectors, collection: str, clauses: Sequence[Clause], top_k: int) -> list[Candidate]:
        """Return the nearest chunks that satisfy the clauses, with their cosine, best first."""
        ...

    def close(self) -> None:
        """Close the engine."""
        ...
