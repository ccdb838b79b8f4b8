"""The vector index in Chroma: nearest chunks by cosine. Derived from the catalog, which is the source of truth.

There is one Chroma collection for each collection of ours and each embedding model, so that two models never mix. Ids
are `article:version:ordinal`, and an id that exists is not written again: applying a change twice leaves one copy.
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
from qa.indexes.filters import AnyOf, AtLeast, AtMost, Clause, add_noise
from qa.indexes.protocols import Candidate, Place
from qa.temporal import dates
from qa.types import Vectors

# Chroma's binding holds the GIL while it writes: 50 rows stall other threads for about 60 ms, 2,000 rows for over a
# second.
WRITE_ROWS = 50
# The default space is l2. Twice the default number of neighbours: of 600 vectors at equal distances from each other, 96
# could not be reached with 16, 21 with 32; on 6,000 chunks of news it costs 12% of the writing time and 1 MB of 14.
_SPACE = {"hnsw": {"space": "cosine", "max_neighbors": 32}}
# Chroma's graph keeps deleted chunks, 3 MB of memory and 2 of disk for 1,000 of them, and the files of deleted
# collections stay. So the index is compacted, by a rebuild, when it has more deleted chunks than live ones and at least
# this many: at once where a rebuild of the live chunks takes seconds (20,000: 24 s), else at the next start.
_MIN_DELETED = 2_000
_MAX_REBUILT_AT_ONCE = 20_000


# Chroma lists all rows that pass a filter before it searches for neighbours: 304 ms instead of 5 at 72,107 chunks. Most
# questions have a filter, that nothing be later than `as_of`; so we fetch more than needed and filter the hits here.
_OVERFETCH = 4  # times `top_k`
_CACHED = 200_000  # articles whose metadata is cached, about 150 bytes each

_Neighbour = tuple[Place, float]  # with its cosine

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
        self._cache: dict[tuple[int, int], Mapping[str, Any]] = {}  # metadata by article and version
        self._newest = 0  # the latest day ever seen in the metadata
        self._cache_cursor = 0  # the cursor at which the cache was valid
        self._written = self._deleted = 0  # chunks, since the files were created
        with self._store.mapped_errors("cannot be opened"):
            self._open_client()
            collections = (self._state, *self._all_collections())
            spaces = {collection.configuration_json["hnsw"]["space"] for collection in collections}
        if self._store.directory is not None:
            live = self.size()
            self._written = int((self._state.metadata or {}).get("written", live))
            self._deleted = self._written - live
        if spaces != {_SPACE["hnsw"]["space"]} or self._is_mostly_deleted():  # Chroma silently keeps an old space
            _log.warning("%s: of another space, or of more that was replaced than is live: building it anew", where)
            self.reset()

    def _open_client(self) -> None:
        self._store.open()
        self._state = self._open(f"{self._prefix}-state")

    @property
    def _client(self) -> Any:
        return self._store.client

    def close(self) -> None:
        """Close the directory or the connection to the server."""
        self._store.close()

    def _open(self, name: str) -> Any:
        # Chroma's default embedding function would download a model on first use.
        return self._client.get_or_create_collection(
            name, embedding_function=None, configuration=_SPACE, metadata={"model": self._model, "cursor": 0}
        )

    def _collection(self, name: str) -> Collection:
        if name not in self._collections:
            self._collections[name] = self._open(self._name_of(name))
        return self._collections[name]

    def _name_of(self, collection: str) -> str:
        return f"{self._prefix}-c-{hashlib.sha256(collection.encode()).hexdigest()[:16]}"

    def _existing_collection(self, name: str) -> Collection | None:
        """Return a collection if it exists: a search must not create it."""
        if name not in self._collections:
            try:
                collection = self._client.get_collection(self._name_of(name), embedding_function=None)
            except NotFoundError:
                return None
            self._collections[name] = collection
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
        except NotFoundError:  # a server that lost its disk: it is filled again
            self._collections.clear()
            self._cache = {}
            self._state = state = self._open(self._state.name)
        cursor = int((state.metadata or {}).get("cursor", 0))
        if state.id != self._state.id:  # another process that shares the server rebuilt everything
            self._collections.clear()
            self._state = state
        if cursor != self._cache_cursor:  # another process wrote, perhaps new metadata of cached versions
            self._cache = {}
            self._cache_cursor = cursor
        return cursor

    def apply(self, changed: Sequence[int], rows: Sequence[ChunkRow], vectors: Sequence[Vectors], cursor: int) -> None:
        """Replace all chunks of the changed articles by `rows`, one vector a row, then remember `cursor`.

        Not atomic in Chroma: after a crash in between, the step is repeated and writes only what is missing.
        """
        try:
            with self._store.using("cannot be written"):
                self._apply(changed, list(zip(rows, vectors, strict=True)))
                self._state.modify(metadata={"model": self._model, "cursor": cursor, "written": self._written})
                self._cache_cursor = cursor
        finally:
            stale = set(changed)
            self._cache = {key: metadata for key, metadata in self._cache.items() if key[0] not in stale}

    def _apply(self, changed: Sequence[int], rows: Sequence[tuple[ChunkRow, Vectors]]) -> None:
        self._store.wait_for_others()
        stored = self._stored_metadata(changed)
        # Existing rows are left alone: Chroma's graph loses points that are overwritten. 8 of 166 made-up vectors, all
        # near each other, no longer found themselves; deleted first and then written, all did.
        fresh = [(row, vector) for row, vector in rows if stored.get(_id(row)) != _metadata(row)]
        self._delete({_id(row) for row, _ in fresh} & stored.keys())
        for name in sorted({row.collection for row, _ in fresh}):
            of_collection = [(row, vector) for row, vector in fresh if row.collection == name]
            for start in range(0, len(of_collection), WRITE_ROWS):
                part = of_collection[start : start + WRITE_ROWS]
                self._store.wait_for_others()
                # Not `upsert`: if processes share a server, the last request of a killed one may have arrived only
                # now, and `upsert` would overwrite its rows. `add` leaves an existing id alone.
                self._collection(name).add(
                    ids=[_id(row) for row, _ in part],
                    embeddings=[
                        add_noise(vector, (row.article, row.version, row.ordinal)).tolist() for row, vector in part
                    ],
                    metadatas=[_metadata(row) for row, _ in part],
                )
        self._delete(stored.keys() - {_id(row) for row, _ in rows})
        self._written += len(fresh)

    def _stored_metadata(self, articles: Sequence[int]) -> dict[str, Mapping[str, Any]]:
        """Return the metadata of all indexed chunks of these articles, by id."""
        stored: dict[str, Mapping[str, Any]] = {}
        for collection in self._all_collections() if articles else ():
            result = collection.get(where=_where([AnyOf("article", tuple(articles))]), include=["metadatas"])
            stored |= dict(zip(result["ids"], result["metadatas"] or (), strict=True))
        return stored

    def _delete(self, ids: Iterable[str]) -> None:
        ordered = sorted(ids)
        for collection in self._all_collections() if ordered else ():
            for start in range(0, len(ordered), WRITE_ROWS):
                self._store.wait_for_others()
                collection.delete(ids=ordered[start : start + WRITE_ROWS])
        self._deleted += len(ordered)

    def _all_collections(self) -> list[Collection]:
        prefix = f"{self._prefix}-c-"
        names = [listed.name for listed in self._client.list_collections() if listed.name.startswith(prefix)]
        return [self._client.get_collection(name, embedding_function=None) for name in names]

    def needs_compaction(self) -> bool:
        """Tell whether there are more deleted chunks than live ones, and few enough live ones to rebuild at once."""
        return self._is_mostly_deleted() and self._written - self._deleted <= _MAX_REBUILT_AT_ONCE

    def _is_mostly_deleted(self) -> bool:
        live = self._written - self._deleted
        return self._store.directory is not None and self._deleted > max(live, _MIN_DELETED)

    def reset(self) -> None:
        """Forget everything; the next catch-up starts from the first change.

        A directory is deleted with everything in it, including the vectors of other models: the catalog has them.
        """
        with self._store.replacing("cannot be reset"):
            self._store.wait_for_others()
            self._collections.clear()
            self._cache = {}
            self._written = self._deleted = 0
            if self._store.directory is None:
                self._empty()
            else:
                self._store.empty_directory()
                self._state = self._open(self._state.name)

    def _open_again(self) -> None:
        """Reopen a directory after an interrupted reset. Another thread may be in the middle of either."""
        with self._store.replacing("cannot be opened"):
            if self._client is None:
                self._open_client()

    def _empty(self) -> None:
        # The cursor is deleted first: after a kill in between, an empty index must not claim to be up to date.
        with suppress(NotFoundError):  # after an interrupted reset
            self._client.delete_collection(self._state.name)
        for collection in self._all_collections():
            self._client.delete_collection(collection.name)
        self._state = self._open(self._state.name)

    def size(self) -> int:
        """Return Chroma's count of chunks, which does not prove that they can be found."""
        with self._store.using():
            return sum(collection.count() for collection in self._all_collections())

    def places(self) -> set[Place]:
        """Return the places of all chunks in the index, for verification."""
        places: set[Place] = set()
        with self._store.using():
            for collection in self._all_collections():
                for offset in range(0, collection.count(), 5_000):
                    page = collection.get(limit=5_000, offset=offset, include=[])
                    places |= {_place(chunk_id) for chunk_id in page["ids"]}
        return places

    def search(self, vector: Vectors, collection: str, clauses: Sequence[Clause], top_k: int) -> list[Candidate]:
        """Return the nearest chunks that satisfy the clauses, with their cosine, best first."""

        def search() -> list[Candidate]:
            with self._store.using():
                self._store.refuse_others()
                return self._search(vector, collection, clauses, top_k)

        return self._store.call(search)

    def _search(self, vector: Vectors, collection: str, clauses: Sequence[Clause], top_k: int) -> list[Candidate]:
        index = self._existing_collection(collection)
        if index is None:
            return []
        if clauses and not any(clause.field == "article" for clause in clauses):
            for count in self._fetch_sizes(clauses, top_k):
                neighbours = self._nearest(index, vector, count)
                metadata = self._metadata_of(index, neighbours)
                passing = [hit for hit in neighbours if _passes(metadata.get(hit[0][:2]), clauses)]
                if len(passing) >= top_k or len(neighbours) < count:
                    return _candidates(passing[:top_k], metadata)
        neighbours = self._nearest(index, vector, top_k, _where(clauses))
        return _candidates(neighbours, self._metadata_of(index, neighbours))

    def _fetch_sizes(self, clauses: Sequence[Clause], top_k: int) -> tuple[int, ...]:
        """Return how many hits to fetch, until enough pass: at first only `top_k` if all known days pass the filter."""
        all_pass = all(isinstance(clause, AtMost) and 0 < self._newest <= clause.value for clause in clauses)
        return (top_k, _OVERFETCH * top_k) if all_pass else (_OVERFETCH * top_k,)

    def _nearest(self, index: Collection, vector: Vectors, top_k: int, where: Any = None) -> list[_Neighbour]:
        result = index.query(query_embeddings=[vector.tolist()], n_results=top_k, where=where, include=["distances"])
        distances = (result["distances"] or [[]])[0]
        return [
            (_place(chunk_id), 1.0 - float(distance))
            for chunk_id, distance in zip(result["ids"][0], distances, strict=True)
        ]

    def _metadata_of(
        self, index: Collection, neighbours: Sequence[_Neighbour]
    ) -> dict[tuple[int, int], Mapping[str, Any]]:
        """Return metadata by article and version, cached: reading it from Chroma costs more than the search itself."""
        places = {place[:2]: place for place, _ in neighbours}
        known = {key: self._cache[key] for key in places if key in self._cache}
        missing = [":".join(map(str, place)) for key, place in places.items() if key not in known]
        if missing:
            result = index.get(ids=missing, include=["metadatas"])
            rows = zip(result["ids"], result["metadatas"] or (), strict=True)
            fresh: dict[tuple[int, int], Mapping[str, Any]] = {
                _place(chunk_id)[:2]: metadata for chunk_id, metadata in rows
            }
            if len(self._cache) > _CACHED:
                self._cache = {}
            self._cache |= fresh
            self._newest = max(self._newest, *(int(metadata["day"]) for metadata in fresh.values()), 0)
            known |= fresh
        return known


def _id(row: ChunkRow) -> str:
    return f"{row.article}:{row.version}:{row.ordinal}"


def _place(chroma_id: str) -> Place:
    article, version, ordinal = chroma_id.split(":")
    return int(article), int(version), int(ordinal)


def _metadata(row: ChunkRow) -> dict[str, str | int]:
    """Return the metadata stored with a chunk's vector, for filters."""
    # Chroma's comparisons skip rows that lack the key, and an article without a date must pass `as_of`.
    day = dates.UNDATED if row.published_day is None else row.published_day
    metadata: dict[str, str | int] = {"article": row.article, "day": day, "sha": row.embed_sha.hex()}
    if row.source.outlet:
        metadata["outlet"] = row.source.outlet.casefold()
    return metadata


def _passes(metadata: Mapping[str, Any] | None, clauses: Sequence[Clause]) -> bool:
    """Evaluate the condition of `_where` for one chunk."""
    return metadata is not None and all(clause.holds(metadata.get(clause.field)) for clause in clauses)


def _where(clauses: Sequence[Clause]) -> Any:
    """Translate clauses to Chroma's condition, None for no clauses."""
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


def _candidates(
    neighbours: Sequence[_Neighbour], metadata: Mapping[tuple[int, int], Mapping[str, Any]]
) -> list[Candidate]:
    """Return the neighbours as candidates; a chunk that was deleted meanwhile has no metadata and is left out."""
    days = {key: None if fields["day"] == dates.UNDATED else int(fields["day"]) for key, fields in metadata.items()}
    return [Candidate(place, days[place[:2]], cosine) for place, cosine in neighbours if place[:2] in days]
