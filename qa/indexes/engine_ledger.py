"""What a vector store was given, chunk by chunk, and how far it follows the catalog: a small SQLite file of ours.

LlamaIndex's vector stores keep no cursor, some cannot say what they hold, and some append a copy when they are given
what they have. An article whose writing broke off is in doubt here until it is written anew.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import UUID

from qa.catalog.rows import ChunkRow
from qa.indexes.protocols import Place
from qa.temporal import dates
from qa.types import Filters

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

Clause = tuple[str, Literal["<=", ">=", "in"], int | list[int] | list[str]]


@dataclass(frozen=True, slots=True)
class Held:
    """One chunk as a vector store has it."""

    node: str
    collection: str
    article: int
    day: int
    outlet: str  # in lower case, empty for none
    sha: bytes  # of the text that its vector stands for

    def passes(self, clauses: Iterable[Clause]) -> bool:
        """Tell whether it satisfies all of a filter."""
        return all(_holds(getattr(self, key), operator, value) for key, operator, value in clauses)


@dataclass(frozen=True, slots=True)
class Shelf:
    """The store of one collection: its name in the engine, never given out twice."""

    collection: str
    name: str
    dimension: int


class Ledger:
    """Keep what was written into the stores of one engine, one catalog and one model. Raises sqlite3.Error."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, check_same_thread=False)  # whoever holds us holds a lock
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = full")
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def cursor(self) -> int:
        """Return the last change that is in the stores."""
        return int(self._db.execute("select cursor from state").fetchone()[0])

    def shelves(self) -> list[Shelf]:
        """Return the stores that were made."""
        return [Shelf(*row) for row in self._db.execute("select collection, name, dimension from stores")]

    def shelf(self, collection: str) -> Shelf | None:
        """Return the store of a collection, if there is one."""
        return next((one for one in self.shelves() if one.collection == collection), None)

    def add_shelf(self, collection: str, prefix: str, dimension: int) -> Shelf:
        """Give a collection a store under a new name: what an engine still has under an old one is never seen."""
        shelf = Shelf(collection, f"{prefix}_{secrets.token_hex(4)}", dimension)
        with self._db:
            self._db.execute("insert into stores values (?, ?, ?)", (shelf.collection, shelf.name, shelf.dimension))
        return shelf

    def drop_shelf(self, shelf: Shelf) -> None:
        """Give a store up: the next one of its collection has another name."""
        with self._db:
            self._db.execute("delete from stores where name = ?", (shelf.name,))

    def held_of(self, articles: Sequence[int]) -> dict[int, set[Held]]:
        """Return what the stores have of articles."""
        found: dict[int, set[Held]] = {}
        for one in self._where_in("article", articles):
            found.setdefault(one.article, set()).add(one)
        return found

    def held_at(self, nodes: Sequence[str]) -> dict[str, Held]:
        """Return what is known of nodes; others are of no one any more."""
        return {one.node: one for one in self._where_in("node", nodes)}

    def _where_in(self, column: str, values: Sequence[int] | Sequence[str]) -> Iterable[Held]:
        for start in range(0, len(values), _PART):
            part = values[start : start + _PART]
            marks = ", ".join("?" * len(part))
            query = f"select {_COLUMNS} from held where {column} in ({marks})"  # noqa: S608 - a name of ours
            yield from (Held(*row) for row in self._db.execute(query, part))

    def count(self, collection: str, clauses: Sequence[Clause] = (), most: int = -1) -> int:
        """Count the chunks of a collection that pass, `most` of them at most."""
        query = "select 1 from held where collection = ?"
        values: list[int | str] = [collection]
        for key, operator, value in clauses:
            many = value if isinstance(value, list) else [value]
            marks = f"in ({', '.join('?' * len(many))})" if operator == "in" else f"{operator} ?"
            query += f" and {key} {marks}"
            values += many
        counted = self._db.execute(f"select count(*) from ({query} limit ?)", (*values, most))  # noqa: S608
        return int(counted.fetchone()[0])

    def nodes(self, collection: str | None = None, most: int = -1) -> list[str]:
        """Return the ids of what is held, of one collection or of all."""
        which = ("", ()) if collection is None else (" where collection = ?", (collection,))
        query = f"select node from held{which[0]} limit ?"  # noqa: S608 - no value in it
        return [row[0] for row in self._db.execute(query, (*which[1], most))]

    def doubted(self, articles: Sequence[int]) -> dict[int, str]:
        """Return those articles whose writing broke off, and their collection."""
        wanted = set(articles)
        return {article: name for article, name in self._db.execute("select * from doubted") if article in wanted}

    def doubt(self, articles: Mapping[int, str]) -> None:
        """Say, before it is touched, what may be half written if we are killed now."""
        with self._db:
            self._db.executemany("insert or replace into doubted values (?, ?)", list(articles.items()))

    def settle(self, articles: Iterable[int], held: Iterable[Held], cursor: int) -> None:
        """Say what the stores have of articles now, and how far they have come."""
        with self._db:
            gone = [(one,) for one in articles]
            self._db.executemany("delete from held where article = ?", gone)
            self._db.executemany("delete from doubted where article = ?", gone)
            rows = [(one.node, one.collection, one.article, one.day, one.outlet, one.sha) for one in held]
            self._db.executemany("insert into held values (?, ?, ?, ?, ?, ?)", rows)
            self._db.execute("update state set cursor = ?", (cursor,))

    def forget(self) -> None:
        """Forget everything, the names of the stores too."""
        with self._db:
            for table in ("held", "doubted", "stores"):
                self._db.execute(f"delete from {table}")  # noqa: S608 - a name of ours
            self._db.execute("update state set cursor = 0")


def node_of(place: Place) -> str:
    """Return a place as a UUID, the only kind of id that every engine takes."""
    article, version, ordinal = place
    return str(UUID(int=article << 64 | version << 32 | ordinal))


def place_of(node: str) -> Place | None:
    """Undo `node_of`; None for an id that was never ours."""
    with suppress(ValueError):
        number = UUID(node).int
        return number >> 64, number >> 32 & 0xFFFFFFFF, number & 0xFFFFFFFF
    return None


def held_as(row: ChunkRow) -> Held:
    """Return a row of the catalog as a store is to have it."""
    return Held(
        node=node_of((row.article, row.version, row.ordinal)),
        collection=row.collection,
        article=row.article,
        day=dates.UNDATED if row.published_day is None else row.published_day,
        outlet=(row.source.outlet or "").casefold(),
        sha=row.embed_sha,
    )


def clauses_of(filters: Filters, articles: Sequence[int], not_after: int | None) -> list[Clause]:
    """Return what a chunk must satisfy; `articles` are the filter's article ids as the catalog's numbers."""
    clauses: list[Clause] = []
    if not_after is not None:
        clauses.append(("day", "<=", not_after))
    if filters.outlets:
        clauses.append(("outlet", "in", [name.casefold() for name in filters.outlets]))
    if filters.article_ids:
        clauses.append(("article", "in", list(articles) or [-1]))
    if filters.after or filters.before:
        clauses.append(("day", ">=", dates.ordinal(filters.after) if filters.after else dates.UNDATED + 1))
    if filters.before:
        clauses.append(("day", "<=", dates.ordinal(filters.before)))
    return clauses


def _holds(value: object, operator: str, wanted: object) -> bool:
    if isinstance(wanted, list):
        return value in wanted
    assert isinstance(value, int) and isinstance(wanted, int)
    return value <= wanted if operator == "<=" else value >= wanted
