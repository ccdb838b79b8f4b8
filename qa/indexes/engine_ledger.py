"""The ledger of a vector store: a small SQLite file that records each chunk written to it, and its cursor.

LlamaIndex's vector stores have no cursor, some cannot list what they contain, and some append a copy when a chunk is
written again. An article whose writing was interrupted is marked as unfinished until it is rewritten.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from qa.catalog.rows import ChunkRow
from qa.indexes.filters import AnyOf, AtLeast, AtMost, Clause
from qa.indexes.protocols import Place
from qa.temporal import dates

_PART = 900  # ids in one statement
_TABLES = """
create table if not exists state (cursor integer not null);
insert into state select 0 where not exists (select 1 from state);
create table if not exists stores (collection text primary key, name text not null, dimension integer not null);
create table if not exists held (
    node text primary key, collection text not null, article integer not null, day integer not null,
    outlet text not null, sha blob not null
) without rowid;
create index if not exists held_by_article on held (article);
create index if not exists held_by_day on held (collection, day);
create table if not exists doubted (article integer primary key, collection text not null);
"""
_COLUMNS = "node, collection, article, day, outlet, sha"


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk as stored in a vector store."""

    node: str
    collection: str
    article: int
    day: int
    outlet: str  # in lower case, empty for none
    sha: bytes  # of the text that was embedded

    def passes(self, clauses: Iterable[Clause]) -> bool:
        """Tell whether it satisfies all clauses."""
        return all(clause.holds(getattr(self, clause.field)) for clause in clauses)


@dataclass(frozen=True, slots=True)
class StoreEntry:
    """The store of one collection. Its name in the engine is never reused."""

    collection: str
    name: str
    dimension: int


class Ledger:
    """Record what was written to the stores of one engine, one catalog and one model. Raises sqlite3.Error."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, check_same_thread=False)  # the owner of this object guards it by a lock
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = full")
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def cursor(self) -> int:
        """Return the number of the last change that is in the stores."""
        return int(self._db.execute("select cursor from state").fetchone()[0])

    def entries(self) -> list[StoreEntry]:
        """Return all stores."""
        return [StoreEntry(*row) for row in self._db.execute("select collection, name, dimension from stores")]

    def entry(self, collection: str) -> StoreEntry | None:
        """Return the store of a collection, if there is one."""
        return next((entry for entry in self.entries() if entry.collection == collection), None)

    def add_entry(self, collection: str, prefix: str, dimension: int) -> StoreEntry:
        """Assign a collection a store with a new name: whatever the engine has under an old name is never seen."""
        entry = StoreEntry(collection, f"{prefix}_{secrets.token_hex(4)}", dimension)
        with self._db:
            self._db.execute("insert into stores values (?, ?, ?)", (entry.collection, entry.name, entry.dimension))
        return entry

    def drop_entry(self, entry: StoreEntry) -> None:
        """Abandon a store: the next one of its collection gets another name."""
        with self._db:
            self._db.execute("delete from stores where name = ?", (entry.name,))

    def stored_of(self, articles: Sequence[int]) -> dict[int, set[StoredChunk]]:
        """Return the stored chunks of articles."""
        found: dict[int, set[StoredChunk]] = {}
        for chunk in self._where_in("article", articles):
            found.setdefault(chunk.article, set()).add(chunk)
        return found

    def stored_at(self, nodes: Sequence[str]) -> dict[str, StoredChunk]:
        """Return the stored chunks of nodes; a node that is no longer stored is left out."""
        return {chunk.node: chunk for chunk in self._where_in("node", nodes)}

    def _where_in(self, column: str, values: Sequence[int] | Sequence[str]) -> Iterable[StoredChunk]:
        for start in range(0, len(values), _PART):
            part = values[start : start + _PART]
            marks = ", ".join("?" * len(part))
            query = f"select {_COLUMNS} from held where {column} in ({marks})"  # noqa: S608 - a name of ours
            yield from (StoredChunk(*row) for row in self._db.execute(query, part))

    def count(self, collection: str, clauses: Sequence[Clause] = (), limit: int = -1) -> int:
        """Count the chunks of a collection that pass, up to `limit`."""
        query = "select 1 from held where collection = ?"
        values: list[int | str] = [collection]
        for clause in clauses:
            match clause:
                case AnyOf(field, allowed):
                    query += f" and {field} in ({', '.join('?' * len(allowed))})"
                    values += allowed
                case AtLeast(field, day):
                    query += f" and {field} >= ?"
                    values.append(day)
                case AtMost(field, day):
                    query += f" and {field} <= ?"
                    values.append(day)
        counted = self._db.execute(f"select count(*) from ({query} limit ?)", (*values, limit))  # noqa: S608
        return int(counted.fetchone()[0])

    def nodes(self, collection: str | None = None, limit: int = -1) -> list[str]:
        """Return the ids of the stored chunks, of one collection or of all."""
        which = ("", ()) if collection is None else (" where collection = ?", (collection,))
        query = f"select node from held{which[0]} limit ?"  # noqa: S608 - no value in it
        return [row[0] for row in self._db.execute(query, (*which[1], limit))]

    def unfinished(self, articles: Sequence[int]) -> dict[int, str]:
        """Return those of the articles whose writing was interrupted, with their collection."""
        among = set(articles)
        return {article: name for article, name in self._db.execute("select * from doubted") if article in among}

    def begin(self, articles: Mapping[int, str]) -> None:
        """Record, before the engine is touched, which articles will be half written if this process is killed."""
        with self._db:
            self._db.executemany("insert or replace into doubted values (?, ?)", list(articles.items()))

    def commit(self, articles: Iterable[int], stored: Iterable[StoredChunk], cursor: int) -> None:
        """Record the new chunks of articles and the cursor; the articles are no longer unfinished."""
        with self._db:
            keys = [(article,) for article in articles]
            self._db.executemany("delete from held where article = ?", keys)
            self._db.executemany("delete from doubted where article = ?", keys)
            rows = [
                (chunk.node, chunk.collection, chunk.article, chunk.day, chunk.outlet, chunk.sha) for chunk in stored
            ]
            self._db.executemany("insert into held values (?, ?, ?, ?, ?, ?)", rows)
            self._db.execute("update state set cursor = ?", (cursor,))

    def forget(self) -> None:
        """Forget everything, including the names of the stores."""
        with self._db:
            for table in ("held", "doubted", "stores"):
                self._db.execute(f"delete from {table}")  # noqa: S608 - a name of ours
            self._db.execute("update state set cursor = 0")


def node_of(place: Place) -> str:
    """Encode a place as a UUID, the only kind of id that every engine accepts."""
    article, version, ordinal = place
    return str(UUID(int=article << 64 | version << 32 | ordinal))


def place_of(node: str) -> Place | None:
    """Undo `node_of`; None for an id that is not ours."""
    with suppress(ValueError):
        number = UUID(node).int
        return number >> 64, number >> 32 & 0xFFFFFFFF, number & 0xFFFFFFFF
    return None


def stored_as(row: ChunkRow) -> StoredChunk:
    """Convert a row of the catalog to the chunk to store."""
    return StoredChunk(
        node=node_of((row.article, row.version, row.ordinal)),
        collection=row.collection,
        article=row.article,
        day=dates.UNDATED if row.published_day is None else row.published_day,
        outlet=(row.source.outlet or "").casefold(),
        sha=row.embed_sha,
    )
