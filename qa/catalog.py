"""The only truth: article versions, chunks, embeddings and the change log, in one SQL database.

One article is written whole or not at all. Every change of an article appends a number to the change log; the lexical
and vector indexes follow that log and can be rebuilt from here at any time.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from qa import dates
from qa.catalog_tables import articles, changes, chunks, embeddings, mapped_errors, meta, open_engine, versions
from qa.errors import NotFound
from qa.records import Records
from qa.types import Article, Chunk, Source, Span, Vectors

_BATCH = 300  # SQLite refuses statements with too many variables

Outcome = Literal["added", "updated", "unchanged"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """An article with everything that is computed from its text, ready to be written."""

    article: Article
    sha256: str
    chunks: tuple[Chunk, ...]
    embed_shas: tuple[bytes, ...]  # one a chunk


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """One live chunk as the indexes and the retrieval see it."""

    key: int
    article: int
    version: int
    ordinal: int
    span: Span
    text: str
    sentences: tuple[Span, ...]
    embed_sha: bytes
    collection: str
    source: Source
    published_day: int | None


@dataclass(frozen=True, slots=True)
class ArticleRow:
    """One live article as it is listed."""

    source: Source
    authors: tuple[str, ...]
    language: str | None
    ingested_at: str
    chunks: int
    versions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ArticleText:
    """One version's text with what a reader needs to show it."""

    source: Source
    text: str
    furniture: tuple[Span, ...]
    live: bool


class Catalog:
    """Read and write the catalog. Safe to share between threads. Raises StoreFailed when the database fails."""

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url)
        self.records = Records(self._engine)
        with self._reading() as connection:
            self.id = str(connection.scalar(sa.select(meta.c.value).where(meta.c.name == "catalog_id")))

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with mapped_errors(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with mapped_errors(), self._engine.connect().execution_options(write=True) as connection, connection.begin():
            yield connection

    # -- writing -------------------------------------------------------------------------------------------------

    def known(self, collection: str, ids: Iterable[str]) -> dict[str, Source]:
        """Return the live version of those of the articles that are live."""
        query = (
            sa.select(articles.c.id.label("article_id"), *_SOURCE)
            .join(versions, _live())
            .where(articles.c.collection == collection)
        )
        found: dict[str, Source] = {}
        with self._reading() as connection:
            for part in _parts(list(ids)):
                rows = connection.execute(query.where(articles.c.id.in_(part)))
                found |= {row.article_id: _source(row) for row in rows}
        return found

    def write(
        self, collection: str, prepared: Sequence[Prepared], vectors: Mapping[bytes, Vectors] | None, model: str | None
    ) -> list[Outcome]:
        """Write articles, their chunks and their vectors in one transaction: all of them, or none on an error."""
        with self._writing() as connection:
            if vectors and model:
                _write_vectors(connection, model, vectors)
            replaced: set[bytes] = set()
            outcomes = [_write_article(connection, collection, one, replaced) for one in prepared]
            _drop_unused_vectors(connection, replaced)
            return outcomes

    def write_vectors(self, model: str, vectors: Mapping[bytes, Vectors]) -> None:
        """Keep vectors under their model and the SHA-256 of the text they stand for."""
        with self._writing() as connection:
            _write_vectors(connection, model, vectors)

    def remove(self, collection: str, article_id: str) -> None:
        """Take an article down: erase all its versions, chunks and vectors. Raises NotFound."""
        with self._writing() as connection:
            pk = connection.scalar(
                sa.select(articles.c.pk).where(
                    articles.c.collection == collection,
                    articles.c.id == article_id,
                    articles.c.live_version.is_not(None),
                )
            )
            if pk is None:
                raise NotFound(f"no article {article_id!r} in collection {collection!r}")
            _drop_unused_vectors(connection, _drop_chunks(connection, pk))
            connection.execute(sa.delete(versions).where(versions.c.article == pk))
            connection.execute(sa.update(articles).where(articles.c.pk == pk).values(live_version=None))
            connection.execute(sa.insert(changes).values(article=pk))
        self._empty_wal()

    def _empty_wal(self) -> None:
        # Until the write-ahead log is emptied it holds the erased words, on a busy server for days. A reader in the
        # way must not fail the takedown: then the next one, or the close, empties it.
        with mapped_errors(), self._engine.connect().execution_options(bare=True) as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout=1000")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("PRAGMA busy_timeout=30000")

    # -- the change log --------------------------------------------------------------------------------------------

    def last_change(self) -> int:
        """Return the newest number of the change log, 0 when nothing ever changed."""
        with self._reading() as connection:
            return connection.scalar(sa.select(sa.func.max(changes.c.number))) or 0

    def changes_after(self, number: int, limit: int) -> tuple[int, list[int]]:
        """Return the last of the next `limit` changes after `number`, and the articles they touch, each once."""
        query = (
            sa.select(changes.c.number, changes.c.article)
            .where(changes.c.number > number)
            .order_by(changes.c.number)
            .limit(limit)
        )
        with self._reading() as connection:
            rows = connection.execute(query).all()
        return (rows[-1].number if rows else number), list(dict.fromkeys(row.article for row in rows))

    # -- reading chunks --------------------------------------------------------------------------------------------

    def chunks_of(self, pks: Sequence[int]) -> list[ChunkRow]:
        """Return the live chunks of articles, in order; an article that was taken down has none."""
        return self._chunk_rows(chunks.c.article, pks)

    def chunks_at(self, places: Sequence[tuple[int, int, int]]) -> list[ChunkRow]:
        """Return those of the chunks at (article, version, ordinal) that are live: a stale hit is not among them."""
        rows: list[ChunkRow] = []
        for part in _parts(places):
            # SQLite uses no index for a list of tuples: 26 ms instead of 7 for 16 of 72,107 chunks.
            mine = chunks.c.article.in_({article for article, _, _ in part})
            rows += self._chunk_rows(sa.tuple_(chunks.c.article, chunks.c.version, chunks.c.ordinal), part, mine)
        return rows

    def _chunk_rows(self, column: Any, values: Sequence[Any], *also: sa.ColumnElement[bool]) -> list[ChunkRow]:
        # SQL's substr counts code points, as spans do.
        text = sa.func.substr(versions.c.text, chunks.c.start + 1, chunks.c.end - chunks.c.start).label("text")
        query = (
            sa.select(chunks, text, articles.c.collection, articles.c.id.label("article_id"), *_SOURCE)
            .add_columns(versions.c.published_day)
            .join(articles, articles.c.pk == chunks.c.article)
            .join(versions, _live())
            .where(chunks.c.version == articles.c.live_version)
            .order_by(chunks.c.article, chunks.c.ordinal)
        )
        rows: list[ChunkRow] = []
        with self._reading() as connection:
            for part in _parts(values):
                rows += [_chunk_row(row) for row in connection.execute(query.where(column.in_(part), *also))]
        return rows

    def pks(self, collection: str, ids: Sequence[str]) -> list[int]:
        """Return the catalog's numbers of live articles; unknown ids are left out."""
        query = sa.select(articles.c.pk).where(
            articles.c.collection == collection, articles.c.live_version.is_not(None)
        )
        with self._reading() as connection:
            return [pk for part in _parts(ids) for pk in connection.scalars(query.where(articles.c.id.in_(part)))]

    def live_pks(self) -> list[int]:
        """Return the numbers of all live articles."""
        with self._reading() as connection:
            return list(connection.scalars(sa.select(articles.c.pk).where(articles.c.live_version.is_not(None))))

    # -- vectors ---------------------------------------------------------------------------------------------------

    def vectors(self, model: str, shas: Sequence[bytes]) -> dict[bytes, Vectors]:
        """Return those vectors of a model that are kept, as float32 of shape (dimension,)."""
        query = sa.select(embeddings.c.sha, embeddings.c.vector).where(embeddings.c.model == model)
        found: dict[bytes, Vectors] = {}
        with self._reading() as connection:
            for part in _parts(list(dict.fromkeys(shas))):
                for row in connection.execute(query.where(embeddings.c.sha.in_(part))):
                    found[row.sha] = np.frombuffer(row.vector, np.float16).astype(np.float32)
        return found

    # -- reading articles ------------------------------------------------------------------------------------------

    def count(self, collection: str | None = None) -> tuple[int, int]:
        """Return how many live articles and chunks there are."""
        live = sa.select(sa.func.count()).select_from(articles).where(articles.c.live_version.is_not(None))
        parts = sa.select(sa.func.count()).select_from(chunks)
        if collection is not None:
            live = live.where(articles.c.collection == collection)
            parts = parts.join(articles, articles.c.pk == chunks.c.article).where(articles.c.collection == collection)
        with self._reading() as connection:
            return connection.scalar(live) or 0, connection.scalar(parts) or 0

    def articles(self, collection: str, offset: int, limit: int) -> list[ArticleRow]:
        """Return live articles in the order they first came."""
        query = _ARTICLE.where(articles.c.collection == collection).order_by(articles.c.pk).offset(offset).limit(limit)
        with self._reading() as connection:
            return [_article_row(connection, row) for row in connection.execute(query).all()]

    def outlets(self, collection: str, limit: int) -> list[str]:
        """Return the names of the outlets of live articles, those with the most articles if they are too many."""
        query = (
            sa.select(versions.c.outlet)
            .join(articles, _live())
            .where(articles.c.collection == collection, versions.c.outlet.is_not(None))
            .group_by(versions.c.outlet)
            .order_by(sa.func.count().desc())
            .limit(limit)
        )
        with self._reading() as connection:
            return sorted(connection.scalars(query).all(), key=str.casefold)

    def article(self, collection: str, article_id: str) -> ArticleRow:
        """Return one live article. Raises NotFound."""
        query = _ARTICLE.where(articles.c.collection == collection, articles.c.id == article_id)
        with self._reading() as connection:
            row = connection.execute(query).one_or_none()
            if row is None:
                raise NotFound(f"no article {article_id!r} in collection {collection!r}")
            return _article_row(connection, row)

    def text(self, collection: str, article_id: str, version: int | None = None) -> ArticleText:
        """Return one version of a live article, the live one by default. Raises NotFound."""
        query = (
            sa.select(articles.c.id.label("article_id"), articles.c.live_version, *_SOURCE)
            .add_columns(versions.c.text, versions.c.furniture)
            .join(versions, versions.c.article == articles.c.pk)
            .where(
                articles.c.collection == collection,
                articles.c.id == article_id,
                versions.c.version == (articles.c.live_version if version is None else version),
            )
        )
        with self._reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            which = "" if version is None else f" with version {version}"
            raise NotFound(f"no article {article_id!r}{which} in collection {collection!r}")
        return ArticleText(_source(row), row.text, unpack_spans(row.furniture), row.version == row.live_version)

    def copy_to(self, path: str) -> None:
        """Write a consistent copy of the whole database to a new file, also while others write."""
        with mapped_errors(), self._engine.connect().execution_options(bare=True) as connection:
            connection.exec_driver_sql("VACUUM INTO ?", (path,))


def renew_id(url: str) -> None:
    """Make a restored copy a catalog of its own: indexes of the old one may hold changes that the copy has not."""
    engine = open_engine(url)
    with mapped_errors(), engine.connect().execution_options(write=True) as connection, connection.begin():
        connection.execute(sa.update(meta).where(meta.c.name == "catalog_id").values(value=uuid.uuid4().hex))
    engine.dispose()


_SOURCE = (
    versions.c.version,
    versions.c.sha256,
    versions.c.title,
    versions.c.outlet,
    versions.c.url,
    versions.c.published_at,
)


def _live() -> sa.ColumnElement[bool]:
    return sa.and_(versions.c.article == articles.c.pk, versions.c.version == articles.c.live_version)


_ARTICLE = sa.select(
    articles.c.pk,
    articles.c.id.label("article_id"),
    *_SOURCE,
    versions.c.authors,
    versions.c.language,
    versions.c.ingested_at,
    sa.select(sa.func.count())
    .where(chunks.c.article == articles.c.pk, chunks.c.version == versions.c.version)
    .scalar_subquery()
    .label("chunk_count"),
).join(versions, _live())


def _write_article(connection: Connection, collection: str, one: Prepared, replaced: set[bytes]) -> Outcome:
    article = one.article
    row = connection.execute(
        sa.select(articles).where(articles.c.collection == collection, articles.c.id == article.id)
    ).one_or_none()
    if row is None:
        inserted = connection.execute(
            sa.insert(articles).values(collection=collection, id=article.id, live_version=1, last_version=1)
        )
        assert inserted.inserted_primary_key is not None
        pk, version = int(inserted.inserted_primary_key[0]), 1
    elif row.live_version is not None and (
        outcome := _keep_version(connection, row.pk, row.live_version, one, replaced)
    ):
        return outcome
    else:
        pk, version = row.pk, row.last_version + 1
        replaced |= _drop_chunks(connection, pk)
        connection.execute(
            sa.update(articles).where(articles.c.pk == pk).values(live_version=version, last_version=version)
        )
    connection.execute(sa.insert(versions).values(article=pk, version=version, **_version_values(one)))
    _insert_chunks(connection, pk, version, one)
    connection.execute(sa.insert(changes).values(article=pk))
    return "added" if row is None or row.live_version is None else "updated"


def _insert_chunks(connection: Connection, pk: int, version: int, one: Prepared) -> None:
    connection.execute(
        sa.insert(chunks),
        [
            {
                "article": pk,
                "version": version,
                "ordinal": chunk.ordinal,
                "start": chunk.span.start,
                "end": chunk.span.end,
                "sentences": pack_spans(chunk.sentences),
                "embed_sha": sha,
            }
            for chunk, sha in zip(one.chunks, one.embed_shas, strict=True)
        ],
    )


def says_more(article: Article, live: Source) -> bool:
    """Tell whether an article brings metadata that its live version lacks or has differently."""
    new = (article.title, article.outlet, article.url, article.published_at)
    old = (live.title, live.outlet, live.url, live.published_at)
    return any(value and value != kept for value, kept in zip(new, old, strict=True))


def _keep_version(connection: Connection, pk: int, version: int, one: Prepared, replaced: set[bytes]) -> Outcome | None:
    """Keep the version if the text is the same, with better metadata where the article brings some."""
    here = sa.and_(versions.c.article == pk, versions.c.version == version)
    row = connection.execute(
        sa.select(articles.c.id.label("article_id"), *_SOURCE)
        .join(versions, versions.c.article == articles.c.pk)
        .where(here)
    ).one()
    if row.sha256 != one.sha256:
        return None
    if not says_more(one.article, _source(row)):
        return "unchanged"
    # Day 0 is 1 January 1970, which is a day.
    metadata = {name: value for name, value in _metadata_values(one.article).items() if value or value == 0}
    furniture = pack_spans(one.article.furniture)  # what the new chunks leave out
    connection.execute(sa.update(versions).where(here).values(**metadata, furniture=furniture))
    # The title is embedded with each chunk, so the chunks are written anew too.
    replaced |= _drop_chunks(connection, pk)
    _insert_chunks(connection, pk, version, one)
    connection.execute(sa.insert(changes).values(article=pk))
    return "updated"


def _version_values(one: Prepared) -> dict[str, Any]:
    return _metadata_values(one.article) | {
        "text": one.article.text,
        "sha256": one.sha256,
        "furniture": pack_spans(one.article.furniture),
        "ingested_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _metadata_values(article: Article) -> dict[str, Any]:
    return {
        "title": article.title,
        "outlet": article.outlet,
        "url": article.url,
        "published_at": article.published_at,
        "published_day": None if article.published_at is None else dates.ordinal(article.published_at),
        "authors": list(article.authors),
        "language": article.language,
    }


def _write_vectors(connection: Connection, model: str, vectors: Mapping[bytes, Vectors]) -> None:
    rows = [{"model": model, "sha": sha, "vector": row.astype(np.float16).tobytes()} for sha, row in vectors.items()]
    if rows:
        connection.execute(sa.insert(embeddings).prefix_with("OR IGNORE", dialect="sqlite"), rows)


def _drop_chunks(connection: Connection, pk: int) -> set[bytes]:
    """Delete an article's chunks; return under what their vectors are kept."""
    shas = set(connection.scalars(sa.select(chunks.c.embed_sha).where(chunks.c.article == pk)))
    connection.execute(sa.delete(chunks).where(chunks.c.article == pk))
    return shas


def _drop_unused_vectors(connection: Connection, shas: Iterable[bytes]) -> None:
    """Delete those of the vectors that no chunk of any article stands for."""
    used = sa.exists().where(chunks.c.embed_sha == embeddings.c.sha)
    parts = list(_parts(list(shas)))
    for model in _models(connection) if parts else ():
        for part in parts:
            connection.execute(
                sa.delete(embeddings).where(embeddings.c.model == model, embeddings.c.sha.in_(part), ~used)
            )


def _models(connection: Connection) -> list[str]:
    # One look-up in the primary key a model: DISTINCT would read every vector.
    found: list[str] = []
    last = ""
    while last := connection.scalar(sa.select(sa.func.min(embeddings.c.model)).where(embeddings.c.model > last)) or "":
        found.append(last)
    return found


def pack_spans(spans: Sequence[Span]) -> bytes:
    """Pack spans as pairs of little-endian unsigned 32-bit integers."""
    return np.array([(span.start, span.end) for span in spans], dtype="<u4").tobytes()


def unpack_spans(packed: bytes) -> tuple[Span, ...]:
    """Undo `pack_spans`."""
    return tuple(Span(int(start), int(end)) for start, end in np.frombuffer(packed, "<u4").reshape(-1, 2))


def _source(row: Any) -> Source:
    return Source(row.article_id, row.version, row.sha256, row.title, row.outlet, row.url, row.published_at)


def _chunk_row(row: Any) -> ChunkRow:
    return ChunkRow(
        key=row.key,
        article=row.article,
        version=row.version,
        ordinal=row.ordinal,
        span=Span(row.start, row.end),
        text=row.text,
        sentences=unpack_spans(row.sentences),
        embed_sha=row.embed_sha,
        collection=row.collection,
        source=_source(row),
        published_day=row.published_day,
    )


def _article_row(connection: Connection, row: Any) -> ArticleRow:
    kept = connection.scalars(
        sa.select(versions.c.version).where(versions.c.article == row.pk).order_by(versions.c.version)
    )
    return ArticleRow(_source(row), tuple(row.authors), row.language, row.ingested_at, row.chunk_count, tuple(kept))


def _parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), _BATCH):
        yield values[start : start + _BATCH]
