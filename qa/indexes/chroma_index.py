"""The vector index: nearest chunks by cosine, in Chroma. Derived from the catalog, never a truth.

One Chroma collection for each collection of ours and each embedding model, so that two models never mix. Ids are
`article:version:ordinal`, and what is there under its id is not written again: applying a change twice leaves one copy.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from chromadb.api.models.Collection import Collection
from chromadb.errors import NotFoundError

from qa.catalog.catalog import ChunkRow
from qa.indexes.chroma_client import ChromaStore
from qa.indexes.filters import AnyOf, AtLeast, AtMost, Clause, set_apart
from qa.indexes.protocols import Candidate, Place
from qa.temporal import dates
from qa.types import Vectors

# Chroma's binding holds the interpreter's lock while it writes: 50 rows stall other threads for about 60 ms, 2,000 rows
# for over a second.
WRITE_ROWS = 50
# The default space is l2. Twice the default neighbours: of 600 vectors that are all equally far from each other, 96
# could not be reached with 16, 21 with 32; on 6,000 chunks of news it costs 12% of the writing time and 1 MB of 14.
_SPACE = {"hnsw": {"space": "cosine", "max_neighbors": 32}}
# Chroma's graph keeps what was taken out, 3 MB of memory and 2 of disk for 1,000 chunks, and a deleted collection's
# files stay. So from this many on, files that hold more of it than of what is live are made anew: at once where so many
# live chunks are a matter of seconds (20,000: 24 s), else at the next start.
_REPLACED = 2_000
_SOON = 20_000


# Chroma makes a list of all rows that pass a filter before it looks for neighbours: 304 ms instead of 5 at 72,107
# chunks. Most questions have one, that nothing be later than `as_of`; so more is asked for and the filter applied here.
_LOOKED_AT = 4  # times what is wanted
_KNOWN = 200_000  # articles whose metadata is kept, about 150 bytes each

_Near = tuple[Place, float]

_log = logging.getLogger(__name__)


class ChromaIndex:
    """Follow the catalog's change log in Chroma, for one embedding model. Raises StoreFailed."""

    name = "vectors"

    def __init__(self, where: Path | str, catalog_id: str, model: str) -> None:
        """Open a directory (the caller owns its lock) or a Chroma server's URL."""
        self._prefix = f"{catalog_id[:12]}-{hashlib.sha256(model.encode()).hexdigest()[:12]}"
        self._model = model
        self._store = ChromaStore(where)
        self._collections: dict[str, Collection] = {}
        self._known: dict[tuple[int, int], Mapping[str, Any]] = {}  # by article and version
        self._newest = 0  # the latest day of what was ever known
        self._seen = 0  # the cursor at which what is known was true
        self._written = self._replaced = 0  # since the files were made
        with self._store.mapped_errors("cannot be opened"):
            self._open_client()
            spaces = {each.configuration_json["hnsw"]["space"] for each in (self._state, *self._all_collections())}
        if self._store.directory is not None:
            live = self.size()
            self._written = int((self._state.metadata or {}).get("written", live))
            self._replaced = self._written - live
        if spaces != {_SPACE["hnsw"]["space"]} or self._is_mostly_replaced():  # Chroma keeps its space and says nothing
            _log.warning("%s: of another space, or of more that was replaced than is live: building it anew", where)
            self.reset()

    def _open_client(self) -> None:
        self._store.open()
        self._state = self._open(f"{self._prefix}-state")

    @property
    def _client(self) -> Any:
        return self._store.client

    def close(self) -> None:
        """Let go of the directory or the server."""
        self._store.close()

    def _open(self, name: str) -> Any:
        # An embedding function of Chroma's own would download a model on first use.
        return self._client.get_or_create_collection(
            name, embedding_function=None, configuration=_SPACE, metadata={"model": self._model, "cursor": 0}
        )

    def _collection(self, name: str) -> Collection:
        if name not in self._collections:
            self._collections[name] = self._open(self._name_of(name))
        return self._collections[name]

    def _name_of(self, collection: str) -> str:
        return f"{self._prefix}-c-{hashlib.sha256(collection.encode()).hexdigest()[:16]}"

    def _known_collection(self, name: str) -> Collection | None:
        """Return a collection only if it exists: a question must not create what it asks for."""
        if name not in self._collections:
            try:
                found = self._client.get_collection(self._name_of(name), embedding_function=None)
            except NotFoundError:
                return None
            self._collections[name] = found
        return self._collections[name]

    def cursor(self) -> int:
        """Return the number of the last change that is in the index, 0 for none."""
        if self._client is None:
            self._open_again()
        with self._store.using():
            self._store.refuse_others()
            return self._read_cursor()

    def _read_cursor(self) -> int:
        try:
            state = self._client.get_collection(self._state.name, embedding_function=None)
        except NotFoundError:  # a server that lost its disk: it is filled anew
            self._collections.clear()
            self._known = {}
            self._state = state = self._open(self._state.name)
        cursor = int((state.metadata or {}).get("cursor", 0))
        if state.id != self._state.id:  # another process that shares the server built everything anew
            self._collections.clear()
            self._state = state
        if cursor != self._seen:  # another process wrote, also new metadata of versions that we know
            self._known = {}
            self._seen = cursor
        return cursor

    def apply(self, changed: Sequence[int], rows: Sequence[ChunkRow], vectors: Sequence[Vectors], cursor: int) -> None:
        """Replace all chunks of the changed articles by `rows`, one vector a row, then remember `cursor`.

        Not atomic in Chroma: a crash in between repeats the step, which writes only what is not there yet.
        """
        try:
            with self._store.using("cannot be written"):
                self._apply(changed, list(zip(rows, vectors, strict=True)))
                self._state.modify(metadata={"model": self._model, "cursor": cursor, "written": self._written})
                self._seen = cursor
        finally:
            doomed = set(changed)
            self._known = {key: known for key, known in self._known.items() if key[0] not in doomed}

    def _apply(self, changed: Sequence[int], rows: Sequence[tuple[ChunkRow, Vectors]]) -> None:
        self._store.wait_for_others()
        held = self._held(changed)
        # What is there already is left alone: Chroma's graph loses points when it is written over. 8 of 166 made-up
        # vectors, all near each other, no longer found themselves; deleted first and then written, all did.
        fresh = [(row, vector) for row, vector in rows if held.get(_id(row)) != _metadata(row)]
        self._drop({_id(row) for row, _ in fresh} & held.keys())
        for name in sorted({row.collection for row, _ in fresh}):
            mine = [(row, vector) for row, vector in fresh if row.collection == name]
            for start in range(0, len(mine), WRITE_ROWS):
                part = mine[start : start + WRITE_ROWS]
                self._store.wait_for_others()
                # Not `upsert`: where processes share a server, the last request of one that was killed may arrive
                # only now, and be written over. `add` leaves an id that is there.
                self._collection(name).add(
                    ids=[_id(row) for row, _ in part],
                    embeddings=[
                        set_apart(vector, (row.article, row.version, row.ordinal)).tolist() for row, vector in part
                    ],
                    metadatas=[_metadata(row) for row, _ in part],
                )
        self._drop(held.keys() - {_id(row) for row, _ in rows})
        self._written += len(fresh)

    def _held(self, articles: Sequence[int]) -> dict[str, Mapping[str, Any]]:
        """Return the metadata of what is in the index of these articles, by id."""
        held: dict[str, Mapping[str, Any]] = {}
        for collection in self._all_collections() if articles else ():
            found = collection.get(where=_where([AnyOf("article", tuple(articles))]), include=["metadatas"])
            held |= dict(zip(found["ids"], found["metadatas"] or (), strict=True))
        return held

    def _drop(self, ids: Iterable[str]) -> None:
        doomed = sorted(ids)
        for collection in self._all_collections() if doomed else ():
            for start in range(0, len(doomed), WRITE_ROWS):
                self._store.wait_for_others()
                collection.delete(ids=doomed[start : start + WRITE_ROWS])
        self._replaced += len(doomed)

    def _all_collections(self) -> list[Collection]:
        names = [found.name for found in self._client.list_collections() if found.name.startswith(f"{self._prefix}-c-")]
        return [self._client.get_collection(name, embedding_function=None) for name in names]

    def needs_compaction(self) -> bool:
        """Tell whether what was replaced has come to be more than what is live, and a reset is a matter of seconds."""
        return self._is_mostly_replaced() and self._written - self._replaced <= _SOON

    def _is_mostly_replaced(self) -> bool:
        live = self._written - self._replaced
        return self._store.directory is not None and self._replaced > max(live, _REPLACED)

    def reset(self) -> None:
        """Forget everything; the next catch-up starts from the first change.

        A directory goes with all that is in it, also the vectors of other models: the catalog has them.
        """
        with self._store.replacing("cannot be reset"):
            self._store.wait_for_others()
            self._collections.clear()
            self._known = {}
            self._written = self._replaced = 0
            if self._store.directory is None:
                self._empty()
            else:
                self._store.empty_directory()
                self._state = self._open(self._state.name)

    def _open_again(self) -> None:
        """Open a directory whose reset broke off. Another thread may be in the middle of that reset, or of this."""
        with self._store.replacing("cannot be opened"):
            if self._client is None:
                self._open_client()

    def _empty(self) -> None:
        # The cursor goes first: killed in between, an empty index must not say that it is up to date.
        with suppress(NotFoundError):  # after a reset that broke off
            self._client.delete_collection(self._state.name)
        for collection in self._all_collections():
            self._client.delete_collection(collection.name)
        self._state = self._open(self._state.name)

    def size(self) -> int:
        """Return how many chunks Chroma counts; that they can be found is another matter."""
        with self._store.using():
            return sum(collection.count() for collection in self._all_collections())

    def places(self) -> set[Place]:
        """Return the places of all chunks in the index, for verification."""
        found: set[Place] = set()
        with self._store.using():
            for collection in self._all_collections():
                for offset in range(0, collection.count(), 5_000):
                    found |= {_place(chunk) for chunk in collection.get(limit=5_000, offset=offset, include=[])["ids"]}
        return found

    def search(self, vector: Vectors, collection: str, clauses: Sequence[Clause], top_k: int) -> list[Candidate]:
        """Return the nearest chunks that satisfy the clauses, with their cosine, best first."""

        def search() -> list[Candidate]:
            with self._store.using():
                self._store.refuse_others()
                return self._search(vector, collection, clauses, top_k)

        return self._store.call(search)

    def _search(self, vector: Vectors, collection: str, clauses: Sequence[Clause], top_k: int) -> list[Candidate]:
        index = self._known_collection(collection)
        if index is None:
            return []
        if clauses and not any(clause.field == "article" for clause in clauses):
            for wanted in self._steps(clauses, top_k):
                near = self._nearest(index, vector, wanted)
                known = self._metadata_of(index, near)
                passing = [hit for hit in near if _passes(known.get(hit[0][:2]), clauses)]
                if len(passing) >= top_k or len(near) < wanted:
                    return _candidates(passing[:top_k], known)
        near = self._nearest(index, vector, top_k, _where(clauses))
        return _candidates(near, self._metadata_of(index, near))

    def _steps(self, clauses: Sequence[Clause], top_k: int) -> tuple[int, ...]:
        """Return how many to ask for, until enough pass: no more than wanted where nothing known is later."""
        live = all(isinstance(clause, AtMost) and 0 < self._newest <= clause.value for clause in clauses)
        return (top_k, _LOOKED_AT * top_k) if live else (_LOOKED_AT * top_k,)

    def _nearest(self, index: Collection, vector: Vectors, top_k: int, where: Any = None) -> list[_Near]:
        found = index.query(query_embeddings=[vector.tolist()], n_results=top_k, where=where, include=["distances"])
        distances = (found["distances"] or [[]])[0]
        return [
            (_place(chunk), 1.0 - float(distance)) for chunk, distance in zip(found["ids"][0], distances, strict=True)
        ]

    def _metadata_of(self, index: Collection, near: Sequence[_Near]) -> dict[tuple[int, int], Mapping[str, Any]]:
        """Return the metadata by article and version; read from Chroma it would cost more than the search itself."""
        places = {place[:2]: place for place, _ in near}
        known = {key: self._known[key] for key in places if key in self._known}
        missing = [":".join(map(str, place)) for key, place in places.items() if key not in known]
        if missing:
            found = index.get(ids=missing, include=["metadatas"])
            read = zip(found["ids"], found["metadatas"] or (), strict=True)
            fresh: dict[tuple[int, int], Mapping[str, Any]] = {_place(chunk)[:2]: metadata for chunk, metadata in read}
            if len(self._known) > _KNOWN:
                self._known = {}
            self._known |= fresh
            self._newest = max(self._newest, *(int(metadata["day"]) for metadata in fresh.values()), 0)
            known |= fresh
        return known


def _id(row: ChunkRow) -> str:
    return f"{row.article}:{row.version}:{row.ordinal}"


def _place(chroma_id: str) -> Place:
    article, version, ordinal = chroma_id.split(":")
    return int(article), int(version), int(ordinal)


def _metadata(row: ChunkRow) -> dict[str, str | int]:
    """Return what Chroma keeps beside a chunk's vector, for filters."""
    # Chroma's comparisons skip rows that lack the key, and an article without a date must pass `as_of`.
    day = dates.UNDATED if row.published_day is None else row.published_day
    metadata: dict[str, str | int] = {"article": row.article, "day": day, "sha": row.embed_sha.hex()}
    if row.source.outlet:
        metadata["outlet"] = row.source.outlet.casefold()
    return metadata


def _passes(metadata: Mapping[str, Any] | None, clauses: Sequence[Clause]) -> bool:
    """Evaluate for one chunk what `_where` asks of Chroma."""
    return metadata is not None and all(clause.holds(metadata.get(clause.field)) for clause in clauses)


def _where(clauses: Sequence[Clause]) -> Any:
    """Translate a filter into Chroma's condition, None for none."""
    conditions: list[dict[str, object]] = []
    for clause in clauses:
        match clause:
            case AnyOf(field, values):
                conditions.append({field: {"$in": list(values)}})
            case AtLeast(field, value):
                conditions.append({field: {"$gte": value}})
            case AtMost(field, value):
                conditions.append({field: {"$lte": value}})
    if len(conditions) > 1:
        return {"$and": conditions}
    return conditions[0] if conditions else None


def _candidates(near: Sequence[_Near], known: Mapping[tuple[int, int], Mapping[str, Any]]) -> list[Candidate]:
    """Return what was found; a chunk that was deleted meanwhile has no metadata."""
    days = {key: None if metadata["day"] == dates.UNDATED else int(metadata["day"]) for key, metadata in known.items()}
    return [Candidate(place, days[place[:2]], cosine) for place, cosine in near if place[:2] in days]
