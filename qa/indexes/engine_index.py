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
from qa.indexes.engine_ledger import Clause, Held, Ledger, Shelf, clauses_of, held_as, place_of
from qa.indexes.filters import set_apart
from qa.indexes.protocols import Candidate, Place, WordIndex
from qa.temporal import dates
from qa.types import Filters, Vectors

_log = logging.getLogger(__name__)

_WRITE_ROWS = 200
_LOOKED_AT = 4  # times what is wanted, so that most filters need not be left to the engine; as in `vectors`
_SAMPLED = 32  # chunks that an engine is asked for when it is opened

_OPERATORS = {"<=": FilterOperator.LTE, ">=": FilterOperator.GTE, "in": FilterOperator.IN}

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


class EngineIndex:
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
            complete = all(self._has_its_own(shelf) for shelf in self._ledger.shelves())
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
            for shelf in self._ledger.shelves():
                nodes = self._ledger.nodes(shelf.collection)
                for start in range(0, len(nodes), _WRITE_ROWS):
                    part = nodes[start : start + _WRITE_ROWS]
                    found |= {place for node in self._confirmed(shelf, part) if (place := place_of(node))}
        return found

    def apply(self, changed: Sequence[int], rows: Sequence[ChunkRow], vectors: Sequence[Vectors], cursor: int) -> None:
        """Replace all chunks of the changed articles by `rows`, one vector a row, then remember `cursor`.

        Articles are in doubt from before the engine is touched until all is written: killed in between, what it has of
        them is taken out before they are written again.
        """
        wanted: dict[int, dict[Held, Vectors]] = {}
        for row, vector in zip(rows, vectors, strict=True):
            wanted.setdefault(row.article, {})[held_as(row)] = vector
        with self._lock, self._answering("cannot be written"):
            held, broken = self._ledger.held_of(changed), self._ledger.doubted(changed)
            touched = [one for one in changed if one in broken or held.get(one, set()) != wanted.get(one, {}).keys()]
            known = {one: next(iter(found)).collection for one, found in held.items()} | broken
            homes = {one: next(iter(found)).collection for one, found in wanted.items()} | known
            self._ledger.doubt({one: homes[one] for one in touched})
        for one in touched:
            if one in known:
                self._take_out(known[one], one, held.get(one, set()), doubted=one in broken)
        fresh = {chunk: vector for one in touched for chunk, vector in wanted.get(one, {}).items()}
        self._put_in(fresh)
        with self._lock, self._answering("cannot be written"):
            self._ledger.settle(touched, fresh, cursor)

    def _take_out(self, collection: str, article: int, held: set[Held], *, doubted: bool) -> None:
        with self._lock, self._answering("cannot be written"):
            shelf = self._ledger.shelf(collection)
            if shelf is None:
                return
            if not self._ledger.count(collection, most=1):
                self._ledger.drop_shelf(shelf)  # nothing in it is certain, and it may be half made
                return
            store = self._store(shelf)
            try:
                if held:
                    store.delete_nodes([one.node for one in held])
            except NotImplementedError:
                doubted = True
            if doubted:  # the ids of what is half written are not known
                store.delete(str(article))

    def _put_in(self, fresh: Mapping[Held, Vectors]) -> None:
        for collection in sorted({one.collection for one in fresh}):
            mine = [(one, vector) for one, vector in fresh.items() if one.collection == collection]
            for start in range(0, len(mine), _WRITE_ROWS):
                part = mine[start : start + _WRITE_ROWS]
                with self._lock, self._answering("cannot be written"):
                    dimension = len(part[0][1])
                    shelf = self._ledger.shelf(collection) or self._ledger.add_shelf(
                        collection, self._prefix, dimension
                    )
                    if any(len(vector) != shelf.dimension for _, vector in part):
                        raise ValueError(f"a vector of {dimension} numbers among those of {shelf.dimension}")
                    self._store(shelf).add([_node(one, vector) for one, vector in part])

    def is_worn(self) -> bool:
        """Leave it to the engine what it keeps."""
        return False

    def reset(self) -> None:
        """Forget everything of this model; the next catch-up starts from the first change.

        The names go first: what an engine cannot or did not delete is under a name that is never asked for again.
        """
        with self._lock, self._answering("cannot be reset"):
            shelves = self._ledger.shelves()
            opened = [(shelf, self._store(shelf)) for shelf in shelves]
            self._ledger.forget()
            self._stores.clear()
            for shelf, store in opened:
                with suppress(NotImplementedError):
                    store.clear()
                _close(store)
                shutil.rmtree(self._directory / shelf.name, ignore_errors=True)

    def search(
        self,
        vector: Vectors,
        collection: str,
        filters: Filters,
        articles: Sequence[int],
        not_after: int | None,
        top_k: int,
    ) -> list[Candidate]:
        """Return the nearest chunks with their cosine, best first; none dated after the day `not_after`.

        `articles` are the filter's article ids as the catalog's numbers.
        """
        clauses = clauses_of(filters, articles, not_after)
        with self._lock, self._answering():
            shelf = self._ledger.shelf(collection)
            if shelf is None:
                return []
            if len(vector) != shelf.dimension:
                raise ValueError(f"a vector of {len(vector)} numbers among those of {shelf.dimension}")
            passing = self._nearest(shelf, vector, clauses, top_k)
        return self._scored(vector, passing[:top_k])

    def _nearest(self, shelf: Shelf, vector: Vectors, clauses: list[Clause], top_k: int) -> list[Held]:
        """Return as many chunks as are wanted, in the engine's order, or all that pass and that it finds.

        First more than is wanted, filtered here, for most questions have a filter that most chunks pass; then by the
        engine's own filter; then, where it has none or lost some by it, more and more.
        """
        asked = top_k * (_LOOKED_AT if clauses else 1)
        passing = self._passing(shelf, vector, clauses, asked)
        if len(passing) >= top_k:
            return passing
        enough = self._ledger.count(shelf.collection, clauses, top_k)
        total = self._ledger.count(shelf.collection)
        if len(passing) < enough and self._engine.filters:
            passing = self._passing(shelf, vector, clauses, top_k, _metadata_filters(clauses))
        while len(passing) < enough and asked < total:
            asked *= _LOOKED_AT
            passing = self._passing(shelf, vector, clauses, asked)
        return passing

    def _passing(
        self, shelf: Shelf, vector: Vectors, clauses: list[Clause], n: int, filters: MetadataFilters | None = None
    ) -> list[Held]:
        found = self._ids(shelf, vector, n, filters)
        held = self._ledger.held_at(found)
        return [held[node] for node in found if node in held and held[node].passes(clauses)]

    def _ids(self, shelf: Shelf, vector: Vectors, n: int, filters: MetadataFilters | None = None) -> list[str]:
        """Return the ids of the nearest nodes, each once."""
        query = VectorStoreQuery(query_embedding=vector.tolist(), similarity_top_k=n, filters=filters)
        try:
            found = self._store(shelf).query(query)
        except Warning:  # what LanceDB's store raises when nothing is found
            return []
        return list(dict.fromkeys(found.ids or [node.node_id for node in found.nodes or ()]))

    def _scored(self, vector: Vectors, passing: Sequence[Held]) -> list[Candidate]:
        """Return the chunks with their cosines; a version that was replaced a moment ago counts as the last."""
        kept = self._kept(self._model, [one.sha for one in passing])
        length = np.linalg.norm(vector)
        cosines = {sha: float(row @ vector / (np.linalg.norm(row) * length)) for sha, row in kept.items()}
        last = min(cosines.values(), default=0.0)
        found = [
            Candidate(place, None if one.day == dates.UNDATED else one.day, cosines.get(one.sha, last))
            for one in passing
            if (place := place_of(one.node))
        ]
        return sorted(found, key=lambda one: (-one.score, one.place))

    def _has_its_own(self, shelf: Shelf) -> bool:
        """Tell whether an engine still has what was written into it, as far as a sample tells."""
        sample = self._ledger.nodes(shelf.collection, _SAMPLED)
        if not sample:
            return True
        anything = np.full(shelf.dimension, shelf.dimension**-0.5, np.float32)
        found = self._ledger.held_at(self._ids(shelf, anything, len(sample)))
        return bool(found) and len(self._confirmed(shelf, sample)) == len(sample)

    def _confirmed(self, shelf: Shelf, nodes: list[str]) -> set[str]:
        """Return those nodes that the engine says it has; all, where it cannot say."""
        try:
            return set(nodes) & {one.node_id for one in self._store(shelf).get_nodes(nodes)}
        except NotImplementedError:
            return set(nodes)

    def _store(self, shelf: Shelf) -> BasePydanticVectorStore:
        if shelf.name not in self._stores:
            self._stores[shelf.name] = self._engine.open(shelf.name, shelf.dimension, self._directory / shelf.name)
        return self._stores[shelf.name]


def _node(one: Held, vector: Vectors) -> TextNode:
    # No text of the article: the catalog is asked for it, and an engine that is read by others gives none away.
    source = RelatedNodeInfo(node_id=str(one.article))
    place = place_of(one.node)
    assert place is not None
    return TextNode(
        id_=one.node,
        text=one.node,
        embedding=set_apart(vector, place).tolist(),
        metadata={"article": one.article, "day": one.day, "outlet": one.outlet},
        relationships={NodeRelationship.SOURCE: source},
    )


def _metadata_filters(clauses: Sequence[Clause]) -> MetadataFilters:
    return MetadataFilters(
        filters=[MetadataFilter(key=key, operator=_OPERATORS[how], value=value) for key, how, value in clauses]
    )


def _close(store: BasePydanticVectorStore) -> None:
    close = getattr(store.client, "close", None)
    if callable(close):
        close()
