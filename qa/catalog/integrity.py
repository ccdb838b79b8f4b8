"""Integrity check of the catalog: it is the source of truth, so damage in it would be cited."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from qa.catalog.rows import unpack_spans
from qa.catalog.tables import articles, chunks, versions

_ARTICLES = 100  # whose texts are in memory at a time


def faults(connection: Connection) -> Iterator[str]:
    """Yield damage: pages that SQLite cannot use, texts that do not match their hash, chunks that do not fit them.

    Vectors and metadata have no hash and are not checked.
    """
    if connection.dialect.name == "sqlite":
        problems = connection.exec_driver_sql("PRAGMA integrity_check(10)").scalars()
        yield from (f"SQLite: {problem}" for problem in problems if problem != "ok")
    pks = connection.scalars(sa.select(articles.c.pk).order_by(articles.c.pk)).all()
    for start in range(0, len(pks), _ARTICLES):
        yield from _faults_of(connection, pks[start : start + _ARTICLES])


def _faults_of(connection: Connection, pks: Sequence[int]) -> Iterator[str]:
    # As bytes: a damaged text that is no longer UTF-8 could not be read as text.
    stored: sa.ColumnElement[bytes] = sa.cast(versions.c.text, sa.LargeBinary)
    if connection.dialect.name == "postgresql":
        stored = sa.func.convert_to(versions.c.text, "UTF8")
    query = sa.select(articles.c.pk, articles.c.id, articles.c.live_version, versions.c.version, versions.c.sha256)
    query = query.add_columns(versions.c.furniture, stored.label("stored"))
    query = query.join(versions, versions.c.article == articles.c.pk, isouter=True).where(articles.c.pk.in_(pks))
    chunk_rows: dict[tuple[int, int], list[Any]] = {}
    for row in connection.execute(sa.select(chunks).where(chunks.c.article.in_(pks)).order_by(chunks.c.ordinal)):
        chunk_rows.setdefault((row.article, row.version), []).append(row)
    for row in connection.execute(query.order_by(articles.c.pk, versions.c.version)):
        if row.version is None:
            if row.live_version is not None:
                yield f"article {row.id!r}: it has no text"
            continue
        problem = ""
        if hashlib.sha256(row.stored or b"").hexdigest() != row.sha256:
            problem = "its text is not the one that came in"
        elif row.version == row.live_version:
            problem = _misplaced(row.stored.decode(), row.furniture, chunk_rows.get((row.pk, row.version), []))
        if problem:
            yield f"article {row.id!r}, version {row.version}: {problem}"


def _misplaced(text: str, furniture: bytes, rows: Sequence[Any]) -> str:
    """Return what is wrong with the spans of a text's chunks: in order, they must cover all but the boilerplate."""
    left = list(text)
    before = -1
    try:
        for span in unpack_spans(furniture):
            left[span.start : span.end] = " " * (span.end - span.start)
        for row in rows:
            sentences = unpack_spans(row.sentences)
            ends = [offset for span in sentences for offset in (span.start, span.end)]
            if not before < row.start < row.end <= len(text) or ends != sorted(ends):
                return f"chunk {row.ordinal} is out of place"
            if (ends[0], ends[-1]) != (row.start, row.end):
                return f"the sentences of chunk {row.ordinal} are out of place"
            left[row.start : row.end] = " " * (row.end - row.start)
            before = row.start
    except (ValueError, IndexError, TypeError) as exc:
        return f"its spans cannot be read: {exc}"
    return "words of it are in no chunk" if "".join(left).strip() else ""
