"""Write articles, chunks and vectors inside a transaction of the catalog."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from qa.catalog.engine import insert_missing, insert_rows
from qa.catalog.rows import Outcome, Prepared, adds_metadata, pack_spans, source_of
from qa.catalog.tables import articles, changes, chunks, embeddings, versions
from qa.errors import NotFound
from qa.temporal import dates
from qa.types import Article, Vectors

_BATCH = 300  # SQLite refuses statements with too many variables

SOURCE = (
    versions.c.version,
    versions.c.sha256,
    versions.c.title,
    versions.c.outlet,
    versions.c.url,
    versions.c.published_at,
)

_BY_ID = sa.select(articles).where(
    articles.c.collection == sa.bindparam("collection"), articles.c.id == sa.bindparam("id")
)


def write_articles(
    connection: Connection, collection: str, prepared: Sequence[Prepared], replaced: set[bytes], since: int | None
) -> list[Outcome]:
    """Write articles, except those that were taken down after the change `since`.

    The hashes of vectors that may no longer be needed are added to `replaced`. New rows are inserted together at the
    end: with a statement for each article, writing took twice as long.
    """
    new = _NewRows()
    outcomes = [_write_article(connection, collection, article, new, replaced, since) for article in prepared]
    new.insert(connection)
    return outcomes


@dataclass
class _NewRows:
    """The rows to insert for new articles and new versions."""

    versions: list[dict[str, Any]] = field(default_factory=list)
    chunks: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)

    def add(self, pk: int, version: int, prepared: Prepared) -> None:
        self.versions.append({"article": pk, "version": version, **_version_values(prepared)})
        self.chunks += _chunk_values(pk, version, prepared)
        self.changes.append({"article": pk})

    def insert(self, connection: Connection) -> None:
        for table, rows in ((versions, self.versions), (chunks, self.chunks), (changes, self.changes)):
            if rows:
                insert_rows(connection, sa.insert(table), rows)
                rows.clear()

    def holds(self, pk: int) -> bool:
        return any(row["article"] == pk for row in self.versions)


def _write_article(
    connection: Connection, collection: str, prepared: Prepared, new: _NewRows, replaced: set[bytes], since: int | None
) -> Outcome:
    article = prepared.article
    # Values as parameters: compiling them into the statement takes as long as the writing itself.
    row = connection.execute(_BY_ID, {"collection": collection, "id": article.id}).one_or_none()
    if row is not None and new.holds(row.pk):  # the same article twice: the second must find the first
        new.insert(connection)
    if row is None:
        first = {"collection": collection, "id": article.id, "live_version": 1, "last_version": 1}
        inserted = connection.execute(sa.insert(articles), first)
        assert inserted.inserted_primary_key is not None
        pk, version = int(inserted.inserted_primary_key[0]), 1
    elif row.live_version is not None and (
        outcome := _keep_version(connection, row.pk, row.live_version, prepared, replaced)
    ):
        return outcome
    elif row.live_version is None and since is not None and _changed_since(connection, row.pk, since):
        replaced |= set(prepared.embed_shas)  # these were embedded for nothing
        return "taken_down"
    else:
        pk, version = row.pk, row.last_version + 1
        replaced |= drop_chunks(connection, pk)
        connection.execute(
            sa.update(articles).where(articles.c.pk == pk).values(live_version=version, last_version=version)
        )
    new.add(pk, version, prepared)
    return "added" if row is None or row.live_version is None else "updated"


def _changed_since(connection: Connection, pk: int, since: int) -> bool:
    later = sa.select(changes.c.number).where(changes.c.number > since, changes.c.article == pk)
    return connection.execute(later.limit(1)).first() is not None


def _chunk_values(pk: int, version: int, prepared: Prepared) -> list[dict[str, Any]]:
    return [
        {
            "article": pk,
            "version": version,
            "ordinal": chunk.ordinal,
            "start": chunk.span.start,
            "end": chunk.span.end,
            "sentences": pack_spans(chunk.sentences),
            "embed_sha": sha,
        }
        for chunk, sha in zip(prepared.chunks, prepared.embed_shas, strict=True)
    ]


def _keep_version(
    connection: Connection, pk: int, version: int, prepared: Prepared, replaced: set[bytes]
) -> Outcome | None:
    """Keep the version if the text is the same, and update its metadata if the article has more; else return None."""
    here = sa.and_(versions.c.article == pk, versions.c.version == version)
    row = connection.execute(
        sa.select(articles.c.id.label("article_id"), *SOURCE)
        .join(versions, versions.c.article == articles.c.pk)
        .where(here)
    ).one()
    if row.sha256 != prepared.sha256:
        return None
    if not adds_metadata(prepared.article, source_of(row)):
        replaced |= set(prepared.embed_shas)  # another writer was first: these may have been embedded for nothing
        return "unchanged"
    # Day 0 is 1 January 1970, a valid day.
    metadata = {name: value for name, value in _metadata_values(prepared.article).items() if value or value == 0}
    furniture = pack_spans(prepared.article.furniture)  # which the new chunks leave out
    connection.execute(sa.update(versions).where(here).values(**metadata, furniture=furniture))
    # The title is embedded with each chunk, so the chunks are rewritten too.
    replaced |= drop_chunks(connection, pk)
    insert_rows(connection, sa.insert(chunks), _chunk_values(pk, version, prepared))
    connection.execute(sa.insert(changes).values(article=pk))
    return "updated"


def _version_values(prepared: Prepared) -> dict[str, Any]:
    return _metadata_values(prepared.article) | {
        "text": prepared.article.text,
        "sha256": prepared.sha256,
        "furniture": pack_spans(prepared.article.furniture),
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


def write_vectors(connection: Connection, model: str, vectors: Mapping[bytes, Vectors]) -> None:
    """Store the vectors that are not stored yet."""
    rows = [{"model": model, "sha": sha, "vector": row.astype(np.float16).tobytes()} for sha, row in vectors.items()]
    if rows:
        insert_rows(connection, insert_missing(connection, embeddings), rows)


def drop_chunks(connection: Connection, pk: int) -> set[bytes]:
    """Delete an article's chunks; return the hashes of their vectors."""
    shas = set(connection.scalars(sa.select(chunks.c.embed_sha).where(chunks.c.article == pk)))
    connection.execute(sa.delete(chunks).where(chunks.c.article == pk))
    return shas


def drop_unused_vectors(connection: Connection, shas: Iterable[bytes]) -> None:
    """Delete those of the vectors that no chunk of any article uses."""
    used = sa.exists().where(chunks.c.embed_sha == embeddings.c.sha)
    parts = list(parts_of(list(shas)))
    for model in _models(connection) if parts else ():
        for part in parts:
            connection.execute(
                sa.delete(embeddings).where(embeddings.c.model == model, embeddings.c.sha.in_(part), ~used)
            )


def _models(connection: Connection) -> list[str]:
    # One look-up in the primary key for each model: DISTINCT would read every vector.
    models: list[str] = []
    last = ""
    while last := connection.scalar(sa.select(sa.func.min(embeddings.c.model)).where(embeddings.c.model > last)) or "":
        models.append(last)
    return models


def remove_article(connection: Connection, collection: str, article_id: str) -> None:
    """Erase all versions, chunks and vectors of an article. Raises NotFound."""
    pk = connection.scalar(
        sa.select(articles.c.pk).where(
            articles.c.collection == collection, articles.c.id == article_id, articles.c.live_version.is_not(None)
        )
    )
    if pk is None:
        raise NotFound(f"no article {article_id!r} in collection {collection!r}")
    drop_unused_vectors(connection, drop_chunks(connection, pk))
    connection.execute(sa.delete(versions).where(versions.c.article == pk))
    connection.execute(sa.update(articles).where(articles.c.pk == pk).values(live_version=None))
    connection.execute(sa.insert(changes).values(article=pk))


def used_shas(connection: Connection, shas: Sequence[bytes]) -> set[bytes]:
    """Return those of the hashes that a chunk has."""
    query = sa.select(chunks.c.embed_sha)
    return {sha for part in parts_of(shas) for sha in connection.scalars(query.where(chunks.c.embed_sha.in_(part)))}


def parts_of(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Split values into batches that fit into one statement."""
    for start in range(0, len(values), _BATCH):
        yield values[start : start + _BATCH]
