"""The vector index in any vector store of LlamaIndex. Derived from the catalog, which is the source of truth.

There is one store for each collection and each embedding model. An engine is not trusted: a ledger of ours records what
it contains and its cursor, its hits are filtered again, and cosines are computed from the catalog's vectors, because
one engine's similarity is a cosine and another's the exponential of a distance.
"""

from __future__ import annotations

import hashlib
import importlib
import logging
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
from llama_index.core.vector_stores.types import (
    BasePydanticVectorStore,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
)

from qa.catalog.rows import ChunkRow
from qa.embeddings.llamaindex import COMMON_FAILURES
from qa.errors import BadSettings, store_failed
from qa.indexes.engine_ledger import Ledger, StoredChunk, StoreEntry, place_of, stored_as
from qa.indexes.filters import AnyOf, AtLeast, AtMost, Clause, add_noise
from qa.indexes.protocols import Candidate, Place, WordIndex
from qa.temporal import dates
from qa.types import Vectors

_log = logging.getLogger(__name__)

_WRITE_ROWS = 200
_OVERFETCH = 4  # times `top_k`, so that most filters need not be left to the engine; as in `chroma_index`
_SAMPLED = 32  # chunks that are looked up when an engine is opened

StoredVectors = Callable[[str, Sequence[bytes]], Mapping[bytes, Vectors]]


@dataclass(frozen=True, slots=True)
class Engine:
    """How to open a store: by its name, the vectors' dimension, and a directory that it may use."""

    name: str
    open: Callable[[str, int, Path], BasePydanticVectorStore]
    failures: tuple[type[Exception], ...] = ()  # the exceptions it raises besides the common ones
    filters: bool = True  # whether it supports MetadataFilters
    # Opens the engine's word index, by a directory and the catalog's id; without it, tantivy is the word index.
    open_words: Callable[[Path, str], WordIndex] | None = None


def load_engine(where: str) -> Engine:
    """Import the Engine named by `module:name`. Raises BadSettings."""
    module, _, name = where.partition(":")
    try:
        engine = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as exc:
        raise BadSettings(f"QA_VECTOR_STORE={where}: {exc}") from exc
    if not isinstance(engine, Engine):
        raise BadSettings(f"QA_VECTOR_STORE={where}: is no qa.indexes.engine_index.Engine")
    return engine


class LlamaIndexStore:
    """Follow the catalog's change log in an engine, for one embedding model. Raises StoreFailed."""

    name = "vectors"

    def __init__(
        self, engine: Engine, directory: Path, catalog_id: str, model: str, stored_vectors: StoredVectors
    ) -> None:
        """Open the stores, or reset if the engine lost data. `stored_vectors` returns the catalog's vectors."""
        digest = hashlib.sha256(f"{engine.name}\n{catalog_id}\n{model}".encode()).hexdigest()
        self._prefix = f"qa_{digest[:12]}"
        self._engine = engine
        self._failures: tuple[type[Exception], ...] = (*COMMON_FAILURES, sqlite3.Error, *engine.failures)
        self._directory = directory
        self._model = model
        self._stored_vectors = stored_vectors
        self._stores: dict[str, BasePydanticVectorStore] = {}
        # In-process engines are rarely thread-safe. The lock is held for one call at a time, not for a whole step.
        self._lock = threading.Lock()
        with self._mapped_errors("cannot be opened"):
            self._ledger = Ledger(directory / f"{self._prefix}.sqlite3")
            complete = all(self._still_has_sample(entry) for entry in self._ledger.entries())
        if not complete:
            _log.warning("%s: has lost what it held, building it anew", engine.name)
            self.reset()

    @contextmanager
    def _mapped_errors(self, what: str = "does not answer") -> Iterator[None]:
        try:
            yield
        except self._failures as exc:
            raise store_failed(f"{self._engine.name}: the vector store {what}: {exc}", exc) from exc

    def close(self) -> None:
        """Close the stores that can be closed, and the ledger."""
        with self._lock, self._mapped_errors("cannot be closed"):
            for store in self._stores.values():
                _close(store)
            self._stores.clear()
            self._ledger.close()

    def cursor(self) -> int:
        """Return the number of the last change that is in the index, 0 for none."""
        with self._lock, self._mapped_errors():
            return self._ledger.cursor()

    def size(self) -> int:
        """Return how many chunks were written, which does not prove that they can be found."""
        with self._lock, self._mapped_errors():
            return len(self._ledger.nodes())

    def places(self) -> set[Place]:
        """Return the places of all chunks in the index, for verification, confirmed by the engine if it can."""
        places: set[Place] = set()
        with self._lock, self._mapped_errors():
            for entry in self._ledger.entries():
                nodes = self._ledger.nodes(entry.collection)
                for start in range(0, len(nodes), _WRITE_ROWS):
                    part = nodes[start : start + _WRITE_ROWS]
                    places |= {place for node in self._confirmed(entry, part) if (place := place_of(node))}
        return places

    def apply(self, changed: Sequence[int], rows: Sequence[ChunkRow], vectors: Sequence[Vectors], cursor: int) -> None:
        """Replace all chunks of the changed articles by `rows`, one vector a row, then remember `cursor`.

        From before the engine is touched until everything is written, the ledger marks the articles as unfinished:
        after a kill in between, their chunks are deleted from the engine before they are written again.
        """
        target: dict[int, dict[StoredChunk, Vectors]] = {}
        for row, vector in zip(rows, vectors, strict=True):
            target.setdefault(row.article, {})[stored_as(row)] = vector
        with self._lock, self._mapped_errors("cannot be written"):
            stored, unfinished = self._ledger.stored_of(changed), self._ledger.unfinished(changed)
            touched = [
                article
                for article in changed
                if article in unfinished or stored.get(article, set()) != target.get(article, {}).keys()
            ]
            old = {article: next(iter(chunks)).collection for article, chunks in stored.items()} | unfinished
            collections = {article: next(iter(chunks)).collection for article, chunks in target.items()} | old
            self._ledger.begin({article: collections[article] for article in touched})
        for article in touched:
            if article in old:
                self._delete(old[article], article, stored.get(article, set()), unfinished=article in unfinished)
        fresh = {chunk: vector for article in touched for chunk, vector in target.get(article, {}).items()}
        self._add(fresh)
        with self._lock, self._mapped_errors("cannot be written"):
            self._ledger.commit(touched, fresh, cursor)

    def _delete(self, collection: str, article: int, stored: set[StoredChunk], *, unfinished: bool) -> None:
        with self._lock, self._mapped_errors("cannot be written"):
            entry = self._ledger.entry(collection)
            if entry is None:
                return
            if not self._ledger.count(collection, limit=1):
                self._ledger.drop_entry(entry)  # its state is unknown: it may be half created
                return
            store = self._store(entry)
            try:
                if stored:
                    store.delete_nodes([chunk.node for chunk in stored])
            except NotImplementedError:
                unfinished = True
            if unfinished:  # the ids of half-written chunks are not known
                store.delete(str(article))

    def _add(self, fresh: Mapping[StoredChunk, Vectors]) -> None:
        for collection in sorted({chunk.collection for chunk in fresh}):
            of_collection = [(chunk, vector) for chunk, vector in fresh.items() if chunk.collection == collection]
            for start in range(0, len(of_collection), _WRITE_ROWS):
                part = of_collection[start : start + _WRITE_ROWS]
                with self._lock, self._mapped_errors("cannot be written"):
                    dimension = len(part[0][1])
                    entry = self._ledger.entry(collection) or self._ledger.add_entry(
                        collection, self._prefix, dimension
                    )
                    if any(len(vector) != entry.dimension for _, vector in part):
                        raise ValueError(f"a vector of {dimension} numbers among those of {entry.dimension}")
                    self._store(entry).add([_node(chunk, vector) for chunk, vector in part])

    def needs_compaction(self) -> bool:
        """Return False: compaction is left to the engine."""
        return False

    def reset(self) -> None:
        """Forget everything of this model; the next catch-up starts from the first change.

        The stores' names are forgotten first: whatever an engine fails to delete has a name that is never used again.
        """
        with self._lock, self._mapped_errors("cannot be reset"):
            entries = self._ledger.entries()
            opened = [(entry, self._store(entry)) for entry in entries]
            self._ledger.forget()
            self._stores.clear()
            for entry, store in opened:
                with suppress(NotImplementedError):
                    store.clear()
                _close(store)
                shutil.rmtree(self._directory / entry.name, ignore_errors=True)

    def search(self, vector: Vectors, collection: str, clauses: Sequence[Clause], top_k: int) -> list[Candidate]:
        """Return the nearest chunks that satisfy the clauses, with their cosine, best first."""
        with self._lock, self._mapped_errors():
            entry = self._ledger.entry(collection)
            if entry is None:
                return []
            if len(vector) != entry.dimension:
                raise ValueError(f"a vector of {len(vector)} numbers among those of {entry.dimension}")
            passing = self._nearest(entry, vector, clauses, top_k)
        return self._scored(vector, passing[:top_k])

    def _nearest(self, entry: StoreEntry, vector: Vectors, clauses: Sequence[Clause], top_k: int) -> list[StoredChunk]:
        """Return `top_k` chunks or more, in the engine's order, or all that pass and that it finds.

        First fetch too many and filter them here, since most questions have a filter that most chunks pass; then use
        the engine's own filter; then, if it has none or its filter loses some, fetch more and more.
        """
        count = top_k * (_OVERFETCH if clauses else 1)
        passing = self._passing(entry, vector, clauses, count)
        if len(passing) >= top_k:
            return passing
        enough = self._ledger.count(entry.collection, clauses, top_k)
        total = self._ledger.count(entry.collection)
        if len(passing) < enough and self._engine.filters:
            passing = self._passing(entry, vector, clauses, top_k, _metadata_filters(clauses))
        while len(passing) < enough and count < total:
            count *= _OVERFETCH
            passing = self._passing(entry, vector, clauses, count)
        return passing

    def _passing(
        self,
        entry: StoreEntry,
        vector: Vectors,
        clauses: Sequence[Clause],
        n: int,
        filters: MetadataFilters | None = None,
    ) -> list[StoredChunk]:
        nodes = self._ids(entry, vector, n, filters)
        stored = self._ledger.stored_at(nodes)
        return [stored[node] for node in nodes if node in stored and stored[node].passes(clauses)]

    def _ids(self, entry: StoreEntry, vector: Vectors, n: int, filters: MetadataFilters | None = None) -> list[str]:
        """Return the ids of the nearest nodes, each once."""
        query = VectorStoreQuery(query_embedding=vector.tolist(), similarity_top_k=n, filters=filters)
        try:
            result = self._store(entry).query(query)
        except Warning:  # LanceDB's store raises it when nothing is found
            return []
        return list(dict.fromkeys(result.ids or [node.node_id for node in result.nodes or ()]))

    def _scored(self, vector: Vectors, passing: Sequence[StoredChunk]) -> list[Candidate]:
        """Return the chunks with their cosines; one that was replaced a moment ago gets the lowest."""
        vectors = self._stored_vectors(self._model, [chunk.sha for chunk in passing])
        length = np.linalg.norm(vector)
        cosines = {sha: float(row @ vector / (np.linalg.norm(row) * length)) for sha, row in vectors.items()}
        last = min(cosines.values(), default=0.0)
        candidates = [
            Candidate(place, None if chunk.day == dates.UNDATED else chunk.day, cosines.get(chunk.sha, last))
            for chunk in passing
            if (place := place_of(chunk.node))
        ]
        return sorted(candidates, key=lambda candidate: (-candidate.score, candidate.place))

    def _still_has_sample(self, entry: StoreEntry) -> bool:
        """Tell whether an engine still has a sample of what was written to it."""
        sample = self._ledger.nodes(entry.collection, _SAMPLED)
        if not sample:
            return True
        anything = np.full(entry.dimension, entry.dimension**-0.5, np.float32)
        found = self._ledger.stored_at(self._ids(entry, anything, len(sample)))
        return bool(found) and len(self._confirmed(entry, sample)) == len(sample)

    def _confirmed(self, entry: StoreEntry, nodes: list[str]) -> set[str]:
        """Return those nodes that the engine reports to have; all of them if it cannot report."""
        try:
            return set(nodes) & {node.node_id for node in self._store(entry).get_nodes(nodes)}
        except NotImplementedError:
            return set(nodes)

    def _store(self, entry: StoreEntry) -> BasePydanticVectorStore:
        if entry.name not in self._stores:
            self._stores[entry.name] = self._engine.open(entry.name, entry.dimension, self._directory / entry.name)
        return self._stores[entry.name]


def _node(chunk: StoredChunk, vector: Vectors) -> TextNode:
    # Without the article's text: the catalog has it, and an engine that others can read must not leak it.
    source = RelatedNodeInfo(node_id=str(chunk.article))
    place = place_of(chunk.node)
    assert place is not None
    return TextNode(
        id_=chunk.node,
        text=chunk.node,
        embedding=add_noise(vector, place).tolist(),
        metadata={"article": chunk.article, "day": chunk.day, "outlet": chunk.outlet},
        relationships={NodeRelationship.SOURCE: source},
    )


def _metadata_filters(clauses: Sequence[Clause]) -> MetadataFilters:
    """Translate clauses to LlamaIndex's filters."""
    filters: list[MetadataFilter | MetadataFilters] = []
    for clause in clauses:
        match clause:
            case AnyOf(field, values):
                filters.append(MetadataFilter(key=field, operator=FilterOperator.IN, value=list(values)))
            case AtLeast(field, value):
                filters.append(MetadataFilter(key=field, operator=FilterOperator.GTE, value=value))
            case AtMost(field, value):
                filters.append(MetadataFilter(key=field, operator=FilterOperator.LTE, value=value))
    return MetadataFilters(filters=filters)


def _close(store: BasePydanticVectorStore) -> None:
    close = getattr(store.client, "close", None)
    if callable(close):
        close()
