"""A test engine that replaces both indexes: SQLite's FTS5 for words, LlamaIndex's own store for vectors."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import log
from pathlib import Path

from llama_index.core.vector_stores.simple import SimpleVectorStore

from qa.catalog.catalog import ChunkRow
from qa.errors import StoreFailed
from qa.indexes.engine_index import Engine
from qa.indexes.filters import AnyOf, AtLeast, AtMost, Clause
from qa.indexes.protocols import Candidate
from qa.temporal import dates
from qa.text import stemming

_SCHEMA = """
CREATE TABLE IF NOT EXISTS state (cursor INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS chunks (key INTEGER PRIMARY KEY, article INTEGER, version INTEGER, ordinal INTEGER,
    collection TEXT, outlet TEXT, day INTEGER);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (body, title);
CREATE VIRTUAL TABLE IF NOT EXISTS vocabulary USING fts5vocab ('words', 'col');
"""


class FullText:
    """Follow the catalog's change log in one SQLite file."""

    name = "lexical"

    def __init__(self, directory: Path, catalog_id: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(directory / f"words-{catalog_id[:12]}.sqlite3", check_same_thread=False)
        self._connection.executescript(_SCHEMA)

    @contextmanager
    def _transaction(self) -> Iterator[Callable[..., sqlite3.Cursor]]:
        try:
            with self._lock, self._connection:
                yield self._connection.execute
        except sqlite3.Error as exc:
            raise StoreFailed(f"the words' file fails: {exc}") from exc

    def close(self) -> None:
        self._connection.close()

    def cursor(self) -> int:
        with self._transaction() as sql:
            return int((sql("SELECT max(cursor) FROM state").fetchone() or (0,))[0] or 0)

    def apply(
        self, changed: Sequence[int], rows: Sequence[ChunkRow], cursor: int, stems: Mapping[str, str] = {}
    ) -> None:
        with self._transaction() as sql:
            for article in changed:
                sql("DELETE FROM words WHERE rowid IN (SELECT key FROM chunks WHERE article = ?)", (article,))
                sql("DELETE FROM chunks WHERE article = ?", (article,))
            for row in rows:
                outlet = row.source.outlet and row.source.outlet.casefold()
                place = (row.key, row.article, row.version, row.ordinal)
                day = dates.UNDATED if row.published_day is None else row.published_day
                sql("INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?)", (*place, row.collection, outlet, day))
                body = stems[row.text].split(" ") if row.text in stems else stemming.stems(row.text)
                tokens = (_tokens(body), _tokens(stemming.stems(row.source.title or "")))
                sql("INSERT INTO words (rowid, body, title) VALUES (?, ?, ?)", (row.key, *tokens))
            sql("DELETE FROM state")
            sql("INSERT INTO state VALUES (?)", (cursor,))

    def needs_compaction(self) -> bool:
        return False

    def reset(self) -> None:
        with self._transaction() as sql:
            for table in ("words", "chunks", "state"):
                sql(f"DELETE FROM {table}")

    def size(self) -> int:
        return len(self.keys())

    def keys(self) -> set[int]:
        with self._transaction() as sql:
            return {key for (key,) in sql("SELECT rowid FROM words")}

    def search(self, stems: Sequence[str], collection: str, clauses: Sequence[Clause], top_k: int) -> list[Candidate]:
        if not stems:
            return []
        conditions, values = ["words MATCH ?", "collection = ?"], [_tokens(dict.fromkeys(stems), " OR "), collection]
        for clause in clauses:
            match clause:
                case AnyOf(field, allowed):
                    conditions.append(f"{field} IN ({', '.join('?' * len(allowed))})")
                    values += allowed
                case AtLeast(field, day):
                    conditions.append(f"{field} >= ?")
                    values.append(day)
                case AtMost(field, day):
                    conditions.append(f"{field} <= ?")
                    values.append(day)
        total = sum(weight for stem, weight in self.idf(stems).items() if stem in self.known([stem])) or 1.0
        query = (
            "SELECT article, version, ordinal, day, -bm25(words, 1.0, 0.4) AS score FROM words"
            f" JOIN chunks ON key = words.rowid WHERE {' AND '.join(conditions)} ORDER BY score DESC LIMIT ?"
        )
        with self._transaction() as sql:
            found = sql(query, (*values, top_k)).fetchall()
        return [
            Candidate((article, version, ordinal), None if day == dates.UNDATED else day, min(1.0, score / total))
            for article, version, ordinal, day, score in found
        ]

    def idf(self, stems: Iterable[str]) -> dict[str, float]:
        total = self.size()
        counts = {stem: self._frequency(stem) for stem in stems}
        return {stem: log(1 + (total - n + 0.5) / (n + 0.5)) if total > n else 0.1 for stem, n in counts.items()}

    def known(self, stems: Iterable[str]) -> set[str]:
        return {stem for stem in stems if self._frequency(stem)}

    def _frequency(self, stem: str) -> int:
        with self._transaction() as sql:
            found = sql("SELECT doc FROM vocabulary WHERE term = ? AND col = 'body'", (_tokens([stem]),)).fetchone()
        return int(found[0]) if found else 0


def _tokens(stems: Iterable[str], between: str = " ") -> str:
    """Encode stems, of any script, as words that FTS5's tokenizer and query language leave unchanged."""
    return between.join(f"x{stem.encode().hex()}" for stem in stems)


engine = Engine("both", lambda name, dimension, directory: SimpleVectorStore(), open_words=FullText)
