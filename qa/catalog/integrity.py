"""Look for damage in the catalog itself: it is the only truth, and what is wrong in it would be cited as it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from qa.catalog.rows import unpack_spans
from qa.catalog.tables import articles, chunks, versions

_ARTICLES = 100  # whose texts are in memory at one time


def faults(connection: Connection) -> Iterator[str]:
    """Yield what is wrong: pages that SQLite cannot use, texts that are not their hash, chunks that do not fit them.

    Vectors and what is said of an article have no hash.
    """
    if connection.dialect.name == "sqlite":
        said = connection.exec_driver_sql("PRAGMA integrity_check(10)").scalars()
        yield from (f"SQLite: {problem}" for problem in said if problem != "ok")
    pks = connection.scalars(sa.select(articles.c.pk).order_by(articles.c.pk)).all()
    for start in range(0, len(pks), _ARTICLES):
        yield from _faults_of(connection, pks[start : start + _ARTICLES])


def _faults_of(connection: Connection, pks: Sequence[int]) -> Iterator[str]:
    # As bytes: what is no longer UTF-8 could not be read as text.
    stored: sa.ColumnElement[bytes] = sa.cast(versions.c.text, sa.LargeBinary)
    if connection.dialect.name == "postgresql":
        stored = sa.func.convert_to(versions.c.text, "UTF8")
    query = sa.select(articles.c.pk, articles.c.id, articles.c.live_version, versions.c.version, versions.c.sha256)
    query = query.add_columns(versions.c.furniture, stored.label("stored"))
    query = query.join(versions, versions.c.article == articles.c.pk, isouter=True).where(articles.c.pk.in_(pks))
    places: dict[tuple[int, int], list[Any]] = {}
    for row in connection.execute(sa.select(chunks).where(chunks.c.article.in_(pks)).order_by(chunks.c.ordinal)):
        places.setdefault((row.article, row.version), []).append(row)
    for row in connection.execute(query.order_by(articles.c.pk, versions.c.version)):
        if row.version is None:
            if row.live_version is not None:
                yield f"article {row.id!r}: it has no text"
            continue
        problem = ""
        if hashlib.sha256(row.stored or b"").hexdigest() != row.sha256:
            problem = "its text is not the one that came in"
        elif row.version == row.live_version:
            problem = _misplaced(row.stored.decode(), row.furniture, places.get((row.pk, row.version), []))
        if problem:
            yield f"article {row.id!r}, version {row.version}: {problem}"


def _misplaced(text: str, furniture: bytes, rows: Sequence[Any]) -> str:
    """Return what is wrong with the places of a text's chunks: in order they hold every word but the furniture."""
    left = list(text)
    before = -1
    try:
        for span in unpack_spans(furniture):
            left[span.start : span.end] = " " * (span.end - span.start)
        for row in rows:
            sentences = unpack_spans(row.sentences)
            ends = [place for span in sentences for place in (span.start, span.end)]
            if not before < row.start < row.end <= len(text) or ends != sorted(ends):
                return f"chunk {row.ordinal} is out of place"
            if (ends[0], ends[-1]) != (row.start, row.end):
                return f"the sentences of chunk {row.ordinal} are out of place"
            left[row.start : row.end] = " " * (row.end - row.start)
            before = row.start
    except (ValueError, IndexError, TypeError) as exc:
        return f"its spans cannot be read: {exc}"
    return "words of it are in no chunk" if "".join(left).strip() else ""
