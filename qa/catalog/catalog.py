"""The catalog, the source of truth: article versions, chunks, embeddings and the change log, in one SQL database.

An article is written whole or not at all. Every change of an article appends a number to the change log; the lexical
and vector indexes follow that log and can be rebuilt from the catalog at any time.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from qa.catalog import backup, integrity, postgres, sqlite, writes
from qa.catalog.backup import renew_id
from qa.catalog.engine import mapped_errors, open_engine, reading, written
from qa.catalog.keys_and_feedback import Records
from qa.catalog.rows import (
    ArticleRow,
    ArticleText,
    ChunkRow,
    Outcome,
    Prepared,
    adds_metadata,
    chunk_row,
    pack_spans,
    source_of,
    unpack_spans,
)
from qa.catalog.tables import articles, changes, chunks, embeddings, meta, versions
from qa.catalog.writes import SOURCE, parts_of
from qa.errors import Closed, NotFound
from qa.text.normalise import sha256
from qa.types import Source, Vectors

__all__ = [
    "ArticleRow",
    "ArticleText",
    "Catalog",
    "ChunkRow",
    "Outcome",
    "Prepared",
    "adds_metadata",
    "pack_spans",
    "renew_id",
    "unpack_spans",
]


_log = logging.getLogger(__name__)


def _live() -> sa.ColumnElement[bool]:
    return sa.and_(versions.c.article == articles.c.pk, versions.c.version == articles.c.live_version)


_ARTICLE = sa.select(
    articles.c.pk,
    articles.c.id.label("article_id"),
    *SOURCE,
    versions.c.authors,
    versions.c.language,
    versions.c.ingested_at,
    sa.select(sa.func.count())
    .where(chunks.c.article == articles.c.pk, chunks.c.version == versions.c.version)
    .scalar_subquery()
    .label("chunk_count"),
).join(versions, _live())


class Catalog:
    """Read and write the catalog. Safe to share between threads.

    Raises StoreFailed when the database fails, and Closed after `close`.
    """

    def __init__(self, url: str) -> None:
        self._closed = False
        self._engine = open_engine(url)
        self.records = Records(self._engine)
        with reading(self._engine) as connection:
            self.id = str(connection.scalar(sa.select(meta.c.value).where(meta.c.name == "catalog_id")))

    def close(self) -> None:
        """Close every connection and open no other."""
        self._closed = True
        # An engine without connections opens new ones for whoever asks next.
        sa.event.listen(self._engine, "do_connect", lambda *_: self.check_open())
        self._engine.dispose()

    def check_open(self) -> None:
        """Raise Closed if the catalog was closed: for whoever begins something else before he reads it."""
        if self._closed:
            raise Closed("the library is closed")

    # -- writing -------------------------------------------------------------------------------------------------

    def known(self, collection: str, ids: Iterable[str]) -> dict[str, Source]:
        """Return the live version of each article that has one, by id."""
        query = (
            sa.select(articles.c.id.label("article_id"), *SOURCE)
            .join(versions, _live())
            .where(articles.c.collection == collection)
        )
        known: dict[str, Source] = {}
        with reading(self._engine) as connection:
            for part in parts_of(list(ids)):
                rows = connection.execute(query.where(articles.c.id.in_(part)))
                known |= {row.article_id: source_of(row) for row in rows}
        return known

    def write(
        self,
        collection: str,
        prepared: Sequence[Prepared],
        vectors: Mapping[bytes, Vectors] | None,
        model: str | None,
        *,
        since: int | None = None,
    ) -> list[Outcome]:
        """Write articles, their chunks and their vectors in one transaction: all of them, or none on an error.

        An article that was taken down after the change `since` stays down.
        """

        def write(connection: Connection) -> list[Outcome]:
            if vectors and model:
                writes.write_vectors(connection, model, vectors)
            replaced: set[bytes] = set()
            outcomes = writes.write_articles(connection, collection, prepared, replaced, since)
            writes.drop_unused_vectors(connection, replaced)
            return outcomes

        return written(self._engine, write)

    def write_vectors(self, model: str, vectors: Mapping[bytes, Vectors]) -> None:
        """Store vectors by model and SHA-256 of the embedded text, except those that no chunk needs any more."""

        def write(connection: Connection) -> None:
            used = writes.used_shas(connection, list(vectors))
            writes.write_vectors(connection, model, {sha: vectors[sha] for sha in used})

        written(self._engine, write)

    def remove(self, collection: str, article_id: str) -> None:
        """Take an article down: erase all its versions, chunks and vectors. Raises NotFound."""
        written(self._engine, lambda connection: writes.remove_article(connection, collection, article_id))
        self._empty_wal()

    def _empty_wal(self) -> None:
        if self._engine.dialect.name == "sqlite":
            with mapped_errors():
                sqlite.empty_wal(self._engine)

    @contextmanager
    def vector_turn(self) -> Iterator[bool]:
        """Yield whether this process may write to the shared vector server now: one process at a time may."""
        if self._engine.dialect.name == "sqlite":  # its one process owns the data directory
            yield True
            return
        with mapped_errors(), postgres.vector_turn(self._engine) as mine:
            yield mine

    # -- the change log --------------------------------------------------------------------------------------------

    def last_change(self) -> int:
        """Return the newest number of the change log, 0 if nothing has ever changed."""
        with reading(self._engine) as connection:
            return connection.scalar(sa.select(sa.func.max(changes.c.number))) or 0

    def changes_after(self, number: int, limit: int) -> tuple[int, list[int]]:
        """Return the last number of the next `limit` changes after `number`, and their articles, each once."""
        query = (
            sa.select(changes.c.number, changes.c.article)
            .where(changes.c.number > number)
            .order_by(changes.c.number)
            .limit(limit)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        return (rows[-1].number if rows else number), list(dict.fromkeys(row.article for row in rows))

    # -- reading chunks --------------------------------------------------------------------------------------------

    def chunks_of(self, pks: Sequence[int]) -> list[ChunkRow]:
        """Return the live chunks of articles, in order; a taken-down article has none."""
        return self._chunk_rows(chunks.c.article, pks)

    def chunks_at(self, places: Sequence[tuple[int, int, int]]) -> list[ChunkRow]:
        """Return those of the chunks at (article, version, ordinal) that are live, so that stale hits are left out."""
        rows: list[ChunkRow] = []
        for part in parts_of(places):
            # SQLite uses no index for a list of tuples: 26 ms instead of 7 for 16 of 72,107 chunks.
            among = chunks.c.article.in_({article for article, _, _ in part})
            rows += self._chunk_rows(sa.tuple_(chunks.c.article, chunks.c.version, chunks.c.ordinal), part, among)
        return rows

    def _chunk_rows(self, column: Any, values: Sequence[Any], *conditions: sa.ColumnElement[bool]) -> list[ChunkRow]:
        # SQL's substr counts code points, as spans do.
        chunk_text = sa.func.substr(versions.c.text, chunks.c.start + 1, chunks.c.end - chunks.c.start).label("text")
        query = (
            sa.select(chunks, chunk_text, articles.c.collection, articles.c.id.label("article_id"), *SOURCE)
            .add_columns(versions.c.published_day)
            .join(articles, articles.c.pk == chunks.c.article)
            .join(versions, _live())
            .where(chunks.c.version == articles.c.live_version)
            .order_by(chunks.c.article, chunks.c.ordinal)
        )
        rows: list[ChunkRow] = []
        with reading(self._engine) as connection:
            for part in parts_of(values):
                rows += [chunk_row(row) for row in connection.execute(query.where(column.in_(part), *conditions))]
        return rows

    def pks(self, collection: str, ids: Sequence[str]) -> list[int]:
        """Return the primary keys of live articles; unknown ids are left out."""
        query = sa.select(articles.c.pk).where(
            articles.c.collection == collection, articles.c.live_version.is_not(None)
        )
        with reading(self._engine) as connection:
            return [pk for part in parts_of(ids) for pk in connection.scalars(query.where(articles.c.id.in_(part)))]

    def live_pks(self) -> list[int]:
        """Return the primary keys of all live articles."""
        with reading(self._engine) as connection:
            return list(connection.scalars(sa.select(articles.c.pk).where(articles.c.live_version.is_not(None))))

    # -- vectors ---------------------------------------------------------------------------------------------------

    def vectors(self, model: str, shas: Sequence[bytes]) -> dict[bytes, Vectors]:
        """Return the stored vectors of a model, each float32 of shape (dimension,)."""
        query = sa.select(embeddings.c.sha, embeddings.c.vector).where(embeddings.c.model == model)
        vectors: dict[bytes, Vectors] = {}
        with reading(self._engine) as connection:
            for part in parts_of(list(dict.fromkeys(shas))):
                for row in connection.execute(query.where(embeddings.c.sha.in_(part))):
                    vectors[row.sha] = np.frombuffer(row.vector, np.float16).astype(np.float32)
        return vectors

    # -- reading articles ------------------------------------------------------------------------------------------

    def count(self, collection: str | None = None) -> tuple[int, int]:
        """Return how many live articles and chunks there are."""
        live = sa.select(sa.func.count()).select_from(articles).where(articles.c.live_version.is_not(None))
        parts = sa.select(sa.func.count()).select_from(chunks)
        if collection is not None:
            live = live.where(articles.c.collection == collection)
            parts = parts.join(articles, articles.c.pk == chunks.c.article).where(articles.c.collection == collection)
        with reading(self._engine) as connection:
            return connection.scalar(live) or 0, connection.scalar(parts) or 0

    def articles(self, collection: str, offset: int, limit: int) -> list[ArticleRow]:
        """Return live articles in the order in which they were first added."""
        query = _ARTICLE.where(articles.c.collection == collection).order_by(articles.c.pk).offset(offset).limit(limit)
        with reading(self._engine) as connection:
            return [_article_row(connection, row) for row in connection.execute(query).all()]

    def outlets(self, collection: str, limit: int) -> list[str]:
        """Return the outlets of live articles by name; of more than `limit`, those with the most articles."""
        query = (
            sa.select(versions.c.outlet)
            .join(articles, _live())
            .where(articles.c.collection == collection, versions.c.outlet.is_not(None))
            .group_by(versions.c.outlet)
            .order_by(sa.func.count().desc(), versions.c.outlet)
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return sorted(connection.scalars(query).all(), key=str.casefold)

    def article(self, collection: str, article_id: str) -> ArticleRow:
        """Return one live article. Raises NotFound."""
        query = _ARTICLE.where(articles.c.collection == collection, articles.c.id == article_id)
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
            if row is None:
                raise NotFound(f"no article {article_id!r} in collection {collection!r}")
            return _article_row(connection, row)

    def text(self, collection: str, article_id: str, version: int | None = None) -> ArticleText:
        """Return one version of a live article, the live one by default. Raises NotFound."""
        query = (
            sa.select(articles.c.id.label("article_id"), articles.c.live_version, *SOURCE)
            .add_columns(versions.c.text, versions.c.furniture)
            .join(versions, versions.c.article == articles.c.pk)
            .where(
                articles.c.collection == collection,
                articles.c.id == article_id,
                versions.c.version == (articles.c.live_version if version is None else version),
            )
        )
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            which = "" if version is None else f" with version {version}"
            raise NotFound(f"no article {article_id!r}{which} in collection {collection!r}")
        return ArticleText(source_of(row), row.text, unpack_spans(row.furniture), row.version == row.live_version)

    def texts(self, collection: str, keys: Collection[tuple[str, int]]) -> dict[tuple[str, int], str]:
        """Return the texts of versions of live articles by (id, version), for quoting.

        Taken-down articles are left out, and so are texts that no longer match their hash: no outlet published them.
        """
        query = (
            sa.select(articles.c.id, versions.c.version, versions.c.text, versions.c.sha256)
            .join(versions, versions.c.article == articles.c.pk)
            # SQLite uses no index for a list of tuples: this reads some versions too many, which are left out below.
            .where(articles.c.collection == collection, versions.c.version.in_({version for _, version in keys}))
        )
        texts: dict[tuple[str, int], str] = {}
        with reading(self._engine) as connection:
            for part in parts_of(list(dict.fromkeys(article_id for article_id, _ in keys))):
                for row in connection.execute(query.where(articles.c.id.in_(part))):
                    if (row.id, row.version) not in keys:
                        continue
                    if sha256(row.text) == row.sha256:
                        texts[row.id, row.version] = row.text
                    else:
                        _log.error("article %r, version %d: not the text that came in; it is not cited", *row[:2])
        return texts

    def faults(self) -> list[str]:
        """Return the damage in the catalog itself, empty for none. Reads every text."""
        with reading(self._engine) as connection:
            return list(integrity.faults(connection))

    def copy_to(self, path: str) -> None:
        """Write a consistent copy of the whole catalog to a new SQLite file, also while others write."""
        with mapped_errors():
            if self._engine.dialect.name == "sqlite":
                sqlite.copy_to(self._engine, Path(path))
            else:
                backup.copy_out(self._engine, Path(path))


def _article_row(connection: Connection, row: Any) -> ArticleRow:
    stored = connection.scalars(
        sa.select(versions.c.version).where(versions.c.article == row.pk).order_by(versions.c.version)
    )
    return ArticleRow(source_of(row), tuple(row.authors), row.language, row.ingested_at, row.chunk_count, tuple(stored))
