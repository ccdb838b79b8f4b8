"""The vector index in any engine that LlamaIndex has a vector store for. Derived from the catalog, never a truth.

One store for each collection and each embedding model. Nothing is taken on trust from an engine: what it holds and how
far it came is in a ledger of ours, its hits are filtered again, and cosines are computed from the catalog's vectors,
for what one engine calls a similarity is a cosine, another's an exponential of a distance.
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
from qa.indexes.filters import AnyOf, AtLeast, AtMost, Clause, set_apart
from qa.indexes.protocols import Candidate, Place, WordIndex
from qa.temporal import dates
from qa.types import Vectors

_log = logging.getLogger(__name__)

_WRITE_ROWS = 200
_LOOKED_AT = 4  # times what is wanted, so that most filters need not be left to the engine; as in `vectors`
_SAMPLED = 32  # chunks that an engine is asked for when it is opened

Kept = Callable[[str, Sequence[bytes]], Mapping[bytes, Vectors]]


@dataclass(frozen=True, slots=True)
class Engine:
    """Say how to open a store: by a name of its own, the vectors' dimension, and a directory if it wants one."""

    name: str
    open: Callable[[str, int, Path], BasePydanticVectorStore]
    failures: tuple[type[Exception], ...] = ()  # what it raises besides the common exceptions
    filters: bool = True  # whether it takes MetadataFilters
    # Where the engine searches words too: its index of words, by a directory and the catalog's id; else it is tantivy.
    open_words: Callable[[Path, str], WordIndex] | None = None


def load_engine(where: str) -> Engine:
    """Return the Engine that `module:name` says. Raises BadSettings."""
    module, _, name = where.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as exc:
        raise BadSettings(f"QA_VECTOR_STORE={where}: {exc}") from exc
    if not isinstance(found, Engine):
        raise BadSettings(f"QA_VECTOR_STORE={where}: is no qa.indexes.engine_index.Engine")
    return found


class LlamaIndexStore:
    """Follow the catalog's change log in an engine, for one embedding model. Raises StoreFailed."""

    name = "vectors"

    def __init__(self, engine: Engine, directory: Path, catalog_id: str, model: str, kept: Kept) -> None:
        """Open what is there; an engine that lost it starts anew. `kept` returns the catalog's vectors of a model."""
        whole = hashlib.sha256(f"{engine.name}\n{catalog_id}\n{model}".encode()).hexdigest()
        self._prefix = f"qa_{whole[:12]}"
        self._engine = engine
        self._failures: tuple[type[Exception], ...] = (*COMMON_FAILURES, sqlite3.Error, *engine.failures)
        self._directory = directory
        self._model = model
        self._kept = kept
        self._stores: dict[str, BasePydanticVectorStore] = {}
        # Engines inside this process are rarely made for several threads. Held for one call at a time, not for a step.
        self._lock = threading.Lock()
        with self._answering("cannot be opened"):
            self._ledger = Ledger(directory / f"{self._prefix}.sqlite3")
            complete = all(self._has_its_own(entry) for entry in self._ledger.entries())
        if not complete:
            _log.warning("%s: has lost what it held, building it anew", engine.name)
            self.reset()

    @contextmanager
    def _answering(self, what: str = "does not answer") -> Iterator[None]:
        try:
            yield
        except self._failures as exc:
            raise store_failed(f"{self._engine.name}: the vector store {what}: {exc}", exc) from exc

    def close(self) -> None:
        """Close the stores that can be closed, and the ledger."""
        with self._lock, self._answering("cannot be closed"):
            for store in self._stores.values():
                _close(store)
            self._stores.clear()
            self._ledger.close()

    def cursor(self) -> int:
        """Return the number of the last change that is in the index, 0 for none."""
        with self._lock, self._answering():
            return self._ledger.cursor()

    def size(self) -> int:
        """Return how many chunks were written; that they can be found is another matter."""
        with self._lock, self._answering():
            return len(self._ledger.nodes())

    def places(self) -> set[Place]:
        """Return the places of all chunks in the index, for verification; confirmed by engines that can."""
        found: set[Place] = set()
        with self._lock, self._answering():
            for entry in self._ledger.entries():
                nodes = self._ledger.nodes(entry.collection)
                for start in range(0, len(nodes), _WRITE_ROWS):
                    part = nodes[start : start + _WRITE_ROWS]
                    found |= {place for node in self._confirmed(entry, part) if (place := place_of(node))}
        return found

    def apply(self, changed: Sequence[int], rows: Sequence[ChunkRow], vectors: Sequence[Vectors], cursor: int) -> None:
        """Replace all chunks of the changed articles by `rows`, one vector a row, then remember `cursor`.

        The ledger notes the articles before the engine is touched and until all is written: killed in between, what the
        engine has of them is deleted before they are written again.
        """
        wanted: dict[int, dict[StoredChunk, Vectors]] = {}
        for row, vector in zip(rows, vectors, strict=True):
            wanted.setdefault(row.article, {})[stored_as(row)] = vector
        with self._lock, self._answering("cannot be written"):
            stored, unfinished = self._ledger.stored_of(changed), self._ledger.unfinished(changed)
            touched = [
                article
                for article in changed
                if article in unfinished or stored.get(article, set()) != wanted.get(article, {}).keys()
            ]
            known = {article: next(iter(found)).collection for article, found in stored.items()} | unfinished
            homes = {article: next(iter(found)).collection for article, found in wanted.items()} | known
            self._ledger.begin({article: homes[article] for article in touched})
        for article in touched:
            if article in known:
                self._delete(known[article], article, stored.get(article, set()), unfinished=article in unfinished)
        fresh = {chunk: vector for article in touched for chunk, vector in wanted.get(article, {}).items()}
        self._add(fresh)
        with self._lock, self._answering("cannot be written"):
            self._ledger.commit(touched, fresh, cursor)

    def _delete(self, collection: str, article: int, stored: set[StoredChunk], *, unfinished: bool) -> None:
        with self._lock, self._answering("cannot be written"):
            entry = self._ledger.entry(collection)
            if entry is None:
                return
            if not self._ledger.count(collection, most=1):
                self._ledger.drop_entry(entry)  # nothing in it is certain, and it may be half made
                return
            store = self._store(entry)
            try:
                if stored:
                    store.delete_nodes([chunk.node for chunk in stored])
            except NotImplementedError:
                unfinished = True
            if unfinished:  # the ids of what is half written are not known
                store.delete(str(article))

    def _add(self, fresh: Mapping[StoredChunk, Vectors]) -> None:
        for collection in sorted({chunk.collection for chunk in fresh}):
            mine = [(chunk, vector) for chunk, vector in fresh.items() if chunk.collection == collection]
            for start in range(0, len(mine), _WRITE_ROWS):
                part = mine[start : start + _WRITE_ROWS]
                with self._lock, self._answering("cannot be written"):
                    dimension = len(part[0][1])
                    entry = self._ledger.entry(collection) or self._ledger.add_entry(
                        collection, self._prefix, dimension
                    )
                    if any(len(vector) != entry.dimension for _, vector in part):
                        raise ValueError(f"a vector of {dimension} numbers among those of {entry.dimension}")
                    self._store(entry).add([_node(chunk, vector) for chunk, vector in part])

    def needs_compaction(self) -> bool:
        """Leave it to the engine what it keeps."""
        return False

    def reset(self) -> None:
        """Forget everything of this model; the next catch-up starts from the first change.

        The names go first: what an engine cannot or did not delete is under a name that is never asked for again.
        """
        with self._lock, self._answering("cannot be reset"):
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
        with self._lock, self._answering():
            entry = self._ledger.entry(collection)
            if entry is None:
                return []
            if len(vector) != entry.dimension:
                raise ValueError(f"a vector of {len(vector)} numbers among those of {entry.dimension}")
            passing = self._nearest(entry, vector, clauses, top_k)
        return self._scored(vector, passing[:top_k])

    def _nearest(self, entry: StoreEntry, vector: Vectors, clauses: Sequence[Clause], top_k: int) -> list[StoredChunk]:
        """Return as many chunks as are wanted, in the engine's order, or all that pass and that it finds.

        First more than is wanted, filtered here, for most questions have a filter that most chunks pass; then by the
        engine's own filter; then, where it has none or lost some by it, more and more.
        """
        asked = top_k * (_LOOKED_AT if clauses else 1)
        passing = self._passing(entry, vector, clauses, asked)
        if len(passing) >= top_k:
            return passing
        enough = self._ledger.count(entry.collection, clauses, top_k)
        total = self._ledger.count(entry.collection)
        if len(passing) < enough and self._engine.filters:
            passing = self._passing(entry, vector, clauses, top_k, _metadata_filters(clauses))
        while len(passing) < enough and asked < total:
            asked *= _LOOKED_AT
            passing = self._passing(entry, vector, clauses, asked)
        return passing

    def _passing(
        self,
        entry: StoreEntry,
        vector: Vectors,
        clauses: Sequence[Clause],
        n: int,
        filters: MetadataFilters | None = None,
    ) -> list[StoredChunk]:
        found = self._ids(entry, vector, n, filters)
        stored = self._ledger.stored_at(found)
        return [stored[node] for node in found if node in stored and stored[node].passes(clauses)]

    def _ids(self, entry: StoreEntry, vector: Vectors, n: int, filters: MetadataFilters | None = None) -> list[str]:
        """Return the ids of the nearest nodes, each once."""
        query = VectorStoreQuery(query_embedding=vector.tolist(), similarity_top_k=n, filters=filters)
        try:
            found = self._store(entry).query(query)
        except Warning:  # what LanceDB's store raises when nothing is found
            return []
        return list(dict.fromkeys(found.ids or [node.node_id for node in found.nodes or ()]))

    def _scored(self, vector: Vectors, passing: Sequence[StoredChunk]) -> list[Candidate]:
        """Return the chunks with their cosines; a version that was replaced a moment ago counts as the last."""
        kept = self._kept(self._model, [chunk.sha for chunk in passing])
        length = np.linalg.norm(vector)
        cosines = {sha: float(row @ vector / (np.linalg.norm(row) * length)) for sha, row in kept.items()}
        last = min(cosines.values(), default=0.0)
        found = [
            Candidate(place, None if chunk.day == dates.UNDATED else chunk.day, cosines.get(chunk.sha, last))
            for chunk in passing
            if (place := place_of(chunk.node))
        ]
        return sorted(found, key=lambda candidate: (-candidate.score, candidate.place))

    def _has_its_own(self, entry: StoreEntry) -> bool:
        """Tell whether an engine still has what was written into it, as far as a sample tells."""
        sample = self._ledger.nodes(entry.collection, _SAMPLED)
        if not sample:
            return True
        anything = np.full(entry.dimension, entry.dimension**-0.5, np.float32)
        found = self._ledger.stored_at(self._ids(entry, anything, len(sample)))
        return bool(found) and len(self._confirmed(entry, sample)) == len(sample)

    def _confirmed(self, entry: StoreEntry, nodes: list[str]) -> set[str]:
        """Return those nodes that the engine says it has; all, where it cannot say."""
        try:
            return set(nodes) & {node.node_id for node in self._store(entry).get_nodes(nodes)}
        except NotImplementedError:
            return set(nodes)

    def _store(self, entry: StoreEntry) -> BasePydanticVectorStore:
        if entry.name not in self._stores:
            self._stores[entry.name] = self._engine.open(entry.name, entry.dimension, self._directory / entry.name)
        return self._stores[entry.name]


def _node(chunk: StoredChunk, vector: Vectors) -> TextNode:
    # No text of the article: the catalog is asked for it, and an engine that is read by others gives none away.
    source = RelatedNodeInfo(node_id=str(chunk.article))
    place = place_of(chunk.node)
    assert place is not None
    return TextNode(
        id_=chunk.node,
        text=chunk.node,
        embedding=set_apart(vector, place).tolist(),
        metadata={"article": chunk.article, "day": chunk.day, "outlet": chunk.outlet},
        relationships={NodeRelationship.SOURCE: source},
    )


def _metadata_filters(clauses: Sequence[Clause]) -> MetadataFilters:
    """Translate a filter into LlamaIndex's."""
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
