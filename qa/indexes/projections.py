"""Keep the indexes in sync with the catalog: catch up, verify, rebuild.

Each index applies the change log in order and stores the number of the last change as its cursor. A change is applied
by indexing the article as it is now, so applying it twice, or late, is idempotent.
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

_CHANGES = 256  # changes in one step, which is one commit of the word index and one progress report
_BEHIND = 32  # changes an index may lack before a search reports it; a user who adds one article sees no warning
_PROBES = 200  # vectors that `verify` looks up individually

_log = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)
Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class IndexState:
    """How far an index is behind the catalog and, after a verification, what is wrong with it."""

    name: str
    cursor: int
    behind: int
    problems: tuple[str, ...] = ()


class Projections:
    """The word index and, with an embedder, the vector index. Runs one step at a time, from any thread."""

    def __init__(
        self,
        catalog: Catalog,
        lexical: WordIndex,
        vectors: VectorIndex | None,
        embedder: Embedder | None,
        *,
        vector_turn: Callable[[], AbstractContextManager[bool]] = lambda: nullcontext(True),
    ) -> None:
        """Follow `catalog`. `vector_turn` yields whether this process may write to a shared vector index now."""
        self._catalog = catalog
        self._lexical = lexical
        self._vectors = vectors
        self._embedder = embedder
        self._vector_turn = vector_turn
        self._lock = threading.Lock()
        self._cursors: dict[str, int] = {}  # as last read
        self._counted: set[str] = set()  # the indexes whose size has been compared since the start
        self.caught_up = False  # once since the start: under steady writing the indexes may always be a little behind

    def catch_up(self, progress: Progress = lambda name, done: None) -> None:
        """Apply every change that an index lacks. Raises StoreFailed and EmbeddingFailed.

        If another process is writing the vectors, they are left to it.
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
        """Bring only the word index up to date; `stems` maps some of the texts to their stems. Raises StoreFailed."""
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
            # The catalog was restored to an older state: the index reflects changes that no longer exist.
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
        self._cursors[index.name] = 0  # first, so that a search reports the index as lagging
        index.reset()

    def _differs(self, index: WordIndex | VectorIndex, cursor: int) -> bool:
        """Tell whether an index has more or fewer chunks than the catalog although it is up to date.

        Checked once after every start. An index that was written before the fix in `_spend_first_stamp` (see
        `qa.indexes.tantivy_index`) may have kept the chunks of a replaced article.
        """
        indexed, live = index.size(), self._catalog.count()[1]
        if indexed == live or self._catalog.last_change() != cursor:
            return False
        _log.warning("%s: holds %d chunks and the catalog %d, building it anew", index.name, indexed, live)
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
        """Return the rows' vectors from the catalog; missing ones (after a change of model) are embedded and stored."""
        assert self._embedder is not None
        vectors = self._catalog.vectors(self._embedder.model, [row.embed_sha for row in rows])
        missing = {
            row.embed_sha: embed_text(row.source.title, row.text) for row in rows if row.embed_sha not in vectors
        }
        if missing:
            new = dict(zip(missing, self._embedder.embed_texts(list(missing.values())), strict=True))
            self._catalog.write_vectors(self._embedder.model, new)
            vectors |= new
        return vectors

    def states(self) -> list[IndexState]:
        """Return the state of each index."""
        cursors = [(index.name, index.cursor()) for index in self._indexes()]
        self._cursors |= cursors
        last = self._catalog.last_change()  # read last, or an index that another process writes could be ahead of it
        return [IndexState(name, cursor, last - cursor) for name, cursor in cursors]

    def lagging(self) -> list[str]:
        """Return the indexes that lag so far behind that a search may miss stored articles.

        Uses the cursors as last read by the follower, so that every search can afford to call it.
        """
        for index in self._indexes():
            if index.name not in self._cursors:
                with suppress(StoreFailed):  # the search itself reports that the index is down
                    self._cursors[index.name] = index.cursor()
        last = self._catalog.last_change()
        return [
            name
            for name, cursor in list(self._cursors.items())
            if last - cursor > (_BEHIND if cursor else 0)  # it is still empty, or a rebuild began
        ]

    def _indexes(self) -> list[WordIndex | VectorIndex]:
        return [self._lexical] if self._vectors is None else [self._lexical, self._vectors]

    def verify(self) -> list[IndexState]:
        """Compare each index with the catalog chunk by chunk, and search for sampled vectors individually."""
        with self._lock:
            rows = self._catalog.chunks_of(self._catalog.live_pks())
            states = self.states()
            problems = [_difference({row.key for row in rows}, self._lexical.keys())]
            if self._vectors is not None:
                live = {(row.article, row.version, row.ordinal) for row in rows}
                problems.append(_difference(live, self._vectors.places()) + self._lost_vectors(rows))
        return [
            IndexState(state.name, state.cursor, state.behind, tuple(differences))
            for state, differences in zip(states, problems, strict=True)
        ]

    def _lost_vectors(self, rows: Sequence[ChunkRow]) -> list[str]:
        # Chroma reports a full count after its graph files are lost, so each sampled vector must find itself.
        assert self._vectors is not None
        sample = rows[:: max(1, len(rows) // _PROBES)][:_PROBES]
        vectors = self._vectors_of(sample)
        lost = 0
        for row in sample:
            hits = self._vectors.search(vectors[row.embed_sha], row.collection, (), 50)
            # Equal texts have equal vectors: any hit at distance 0 is as good as the chunk itself.
            lost += not any(hit.score > 0.9999 for hit in hits)
        return [f"{lost} of {len(sample)} sampled vectors are not found by themselves"] if lost else []

    def rebuild(self, progress: Progress = lambda name, done: None) -> None:
        """Rebuild both indexes from the catalog; nothing is embedded again. Raises StoreFailed."""
        with self._lock:
            self._empty(self._lexical)
            if self._vectors is not None:
                with self._vector_turn() as ours:
                    if not ours:
                        raise StoreFailed("another process is writing the vector index that we share; try again")
                    self._empty(self._vectors)
        self.catch_up(progress)


def _difference(live: set[K], indexed: set[K]) -> list[str]:
    missing, stale = len(live - indexed), len(indexed - live)
    return [f"{missing} chunks missing"] * bool(missing) + [f"{stale} chunks too many"] * bool(stale)
