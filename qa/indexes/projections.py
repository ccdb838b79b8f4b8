"""Keep the indexes in step with the catalog: catch up, verify, rebuild.

Each index applies the change log in order and remembers how far it came. Applying a change takes the article as it is
now, so a change that is applied twice, or late, leaves the same index.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from qa.catalog.catalog import Catalog, ChunkRow
from qa.errors import StoreFailed
from qa.indexes.protocols import VectorIndex, WordIndex
from qa.text.chunking import embed_text
from qa.types import Embedder, Vectors

_CHANGES = 256  # changes a step: one commit of the word index, one progress tick
_BEHIND = 32  # changes that an index may miss before a search says so; a reader who writes one article sees no alarm
_PROBES = 200  # vectors that `verify` looks up individually

_log = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)
Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class IndexState:
    """How far one index is behind the catalog, and what is wrong in it (after a verification)."""

    name: str
    cursor: int
    behind: int
    problems: tuple[str, ...] = ()


class Projections:
    """The word index and, with an embedder, the vector index. One step at a time, from any thread."""

    def __init__(
        self,
        catalog: Catalog,
        lexical: WordIndex,
        vectors: VectorIndex | None,
        embedder: Embedder | None,
        *,
        vector_turn: Callable[[], AbstractContextManager[bool]] = lambda: nullcontext(True),
    ) -> None:
        """Follow `catalog`. `vector_turn` says whether the vectors, if others share them, are ours to write for now."""
        self._catalog = catalog
        self._lexical = lexical
        self._vectors = vectors
        self._embedder = embedder
        self._vector_turn = vector_turn
        self._lock = threading.Lock()
        self._cursors: dict[str, int] = {}  # as they were seen last
        self._counted: set[str] = set()  # the indexes whose size was compared since the start
        self.caught_up = False  # once since the start: under steady writing no moment may find nothing behind

    def catch_up(self, progress: Progress = lambda name, done: None) -> None:
        """Apply every change that an index has not seen. Raises StoreFailed and EmbeddingFailed.

        Vectors that another process is writing are left to it.
        """
        with self._lock:
            self._follow(self._lexical, self._apply_words, progress)
            if self._vectors is None:
                self.caught_up = True
                return
            with self._vector_turn() as ours:
                if ours:
                    self._follow(self._vectors, self._apply_vectors, progress)
                    if self._vectors.needs_compaction():
                        _log.warning("%s: more was replaced than is live, building it anew", self._vectors.name)
                        self._empty(self._vectors)
                        self._follow(self._vectors, self._apply_vectors, progress)
                    self.caught_up = True

    def follow_words(self, stems: Mapping[str, str]) -> None:
        """Bring the word index alone up to date; `stems` are those of some of the texts. Raises StoreFailed."""
        with self._lock:
            self._follow(self._lexical, partial(self._apply_words, stems=stems), lambda name, done: None)

    def _follow(
        self,
        index: WordIndex | VectorIndex,
        apply: Callable[[list[int], list[ChunkRow], int], None],
        progress: Progress,
    ) -> None:
        cursor = index.cursor()
        if cursor > self._catalog.last_change():
            # The catalog was put back to an older state: what the index holds is of a history that no longer is.
            self._empty(index)
            cursor = 0
        while True:
            self._cursors[index.name] = cursor
            last, changed = self._catalog.changes_after(cursor, _CHANGES)
            if not changed and index.name not in self._counted:
                self._counted.add(index.name)
                if self._differs(index, cursor):
                    self._empty(index)
                    cursor = 0
                    continue
            if not changed:
                return
            apply(changed, self._catalog.chunks_of(changed), last)
            progress(index.name, last - cursor)
            cursor = last

    def _empty(self, index: WordIndex | VectorIndex) -> None:
        self._cursors[index.name] = 0  # first, so that no search takes what is not there yet for all there is
        index.reset()

    def _differs(self, index: WordIndex | VectorIndex, cursor: int) -> bool:
        """Tell whether an index holds more or fewer chunks than the catalog, though it is up to date.

        Asked once after every start. An index kept the chunks of a replaced article for good when it was written by a
        version that did not know of tantivy's first number (see `qa.indexes.tantivy_index`).
        """
        held, live = index.size(), self._catalog.count()[1]
        if held == live or self._catalog.last_change() != cursor:
            return False
        _log.warning("%s: holds %d chunks and the catalog %d, building it anew", index.name, held, live)
        return True

    def _apply_words(
        self, changed: list[int], rows: list[ChunkRow], last: int, stems: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._lexical.apply(changed, rows, last, stems)

    def _apply_vectors(self, changed: list[int], rows: list[ChunkRow], last: int) -> None:
        assert self._vectors is not None
        vectors = self._vectors_of(rows)
        self._vectors.apply(changed, rows, [vectors[row.embed_sha] for row in rows], last)

    def _vectors_of(self, rows: Sequence[ChunkRow]) -> dict[bytes, Vectors]:
        """Return the rows' vectors from the catalog; what is missing (a new model) is embedded and kept there."""
        assert self._embedder is not None
        kept = self._catalog.vectors(self._embedder.model, [row.embed_sha for row in rows])
        missing = {row.embed_sha: embed_text(row.source.title, row.text) for row in rows if row.embed_sha not in kept}
        if missing:
            new = dict(zip(missing, self._embedder.embed_texts(list(missing.values())), strict=True))
            self._catalog.write_vectors(self._embedder.model, new)
            kept |= new
        return kept

    def states(self) -> list[IndexState]:
        """Return how far each index is."""
        cursors = [(index.name, index.cursor()) for index in self._indexes()]
        self._cursors |= cursors
        last = self._catalog.last_change()  # read last: else an index that others write could be ahead of it
        return [IndexState(name, cursor, last - cursor) for name, cursor in cursors]

    def lagging(self) -> list[str]:
        """Return the indexes that miss so much of the catalog that what is not found may well be there.

        By the cursors as they were seen last, so that every search can ask: the follower reads them.
        """
        for index in self._indexes():
            if index.name not in self._cursors:
                with suppress(StoreFailed):  # a search will find out that it is away
                    self._cursors[index.name] = index.cursor()
        last = self._catalog.last_change()
        return [
            name
            for name, cursor in list(self._cursors.items())
            if last - cursor > (_BEHIND if cursor else 0)  # nothing at all is in it yet, or a rebuild began
        ]

    def _indexes(self) -> list[WordIndex | VectorIndex]:
        return [self._lexical] if self._vectors is None else [self._lexical, self._vectors]

    def verify(self) -> list[IndexState]:
        """Compare each index with the catalog chunk by chunk, and look sampled vectors up individually."""
        with self._lock:
            rows = self._catalog.chunks_of(self._catalog.live_pks())
            states = self.states()
            problems = [_difference({row.key for row in rows}, self._lexical.keys())]
            if self._vectors is not None:
                live = {(row.article, row.version, row.ordinal) for row in rows}
                problems.append(_difference(live, self._vectors.places()) + self._lost_vectors(rows))
        return [
            IndexState(state.name, state.cursor, state.behind, tuple(found))
            for state, found in zip(states, problems, strict=True)
        ]

    def _lost_vectors(self, rows: Sequence[ChunkRow]) -> list[str]:
        # Chroma reports a full count after its graph files are lost, so each sampled vector must find itself.
        assert self._vectors is not None
        sample = rows[:: max(1, len(rows) // _PROBES)][:_PROBES]
        vectors = self._vectors_of(sample)
        lost = 0
        for row in sample:
            found = self._vectors.search(vectors[row.embed_sha], row.collection, (), 50)
            # Equal texts have equal vectors: any hit at distance 0 is as good as the chunk itself.
            lost += not any(hit.score > 0.9999 for hit in found)
        return [f"{lost} of {len(sample)} sampled vectors are not found by themselves"] if lost else []

    def rebuild(self, progress: Progress = lambda name, done: None) -> None:
        """Throw both indexes away and build them from the catalog; nothing is embedded again. Raises StoreFailed."""
        with self._lock:
            self._empty(self._lexical)
            if self._vectors is not None:
                with self._vector_turn() as ours:
                    if not ours:
                        raise StoreFailed("another process is writing the vector index that we share; try again")
                    self._empty(self._vectors)
        self.catch_up(progress)


def _difference(live: set[K], held: set[K]) -> list[str]:
    missing, stale = len(live - held), len(held - live)
    return [f"{missing} chunks missing"] * bool(missing) + [f"{stale} chunks too many"] * bool(stale)
