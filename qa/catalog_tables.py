"""The catalog's tables and how its database is opened. Only `catalog` and `records` import this."""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, make_url

from qa.errors import BadInput, StoreFailed

SCHEMA_VERSION = "1"
tables = sa.MetaData()

meta = sa.Table(
    "meta", tables, sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False)
)
articles = sa.Table(
    "articles",
    tables,
    sa.Column("pk", sa.Integer, primary_key=True),
    sa.Column("collection", sa.Text, nullable=False),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("live_version", sa.Integer),  # NULL: taken down
    sa.Column("last_version", sa.Integer, nullable=False),  # never given out twice, also after a takedown
    sa.UniqueConstraint("collection", "id"),
    sqlite_autoincrement=True,
)
versions = sa.Table(
    "versions",
    tables,
    sa.Column("article", sa.ForeignKey("articles.pk", ondelete="CASCADE"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("title", sa.Text),
    sa.Column("outlet", sa.Text),
    sa.Column("url", sa.Text),
    sa.Column("published_at", sa.Text),
    sa.Column("published_day", sa.Integer),  # days since 1970, for filters and the recency prior
    sa.Column("authors", sa.JSON, nullable=False),
    sa.Column("language", sa.Text),
    sa.Column("furniture", sa.LargeBinary, nullable=False),  # spans as pairs of little-endian uint32
    sa.Column("ingested_at", sa.Text, nullable=False),
)
chunks = sa.Table(
    "chunks",
    tables,
    sa.Column("key", sa.Integer, primary_key=True),
    sa.Column("article", sa.ForeignKey("articles.pk", ondelete="CASCADE"), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("ordinal", sa.Integer, nullable=False),
    sa.Column("start", sa.Integer, nullable=False),
    sa.Column("end", sa.Integer, nullable=False),
    sa.Column("sentences", sa.LargeBinary, nullable=False),  # as `furniture`
    sa.Column("embed_sha", sa.LargeBinary, nullable=False),  # of the text that is embedded for this chunk
    sa.UniqueConstraint("article", "version", "ordinal"),
    sa.Index("chunks_by_embed_sha", "embed_sha"),
    sqlite_autoincrement=True,  # a key is never given out twice, so a stale index row cannot point at a new chunk
)
embeddings = sa.Table(
    "embeddings",
    tables,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("sha", sa.LargeBinary, primary_key=True),
    sa.Column("vector", sa.LargeBinary, nullable=False),  # float16
    sqlite_with_rowid=False,
)
changes = sa.Table(
    "changes",
    tables,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("article", sa.Integer, nullable=False),
    sqlite_autoincrement=True,
)
api_keys = sa.Table(
    "api_keys",
    tables,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),  # SHA-256 of a secret of 256 random bits
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("expires_at", sa.Text),
    sa.Column("revoked_at", sa.Text),
)
feedback = sa.Table(
    "feedback",
    tables,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("answer_id", sa.Text, nullable=False),
    sa.Column("rating", sa.Integer, nullable=False),  # 1 or -1
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("given_at", sa.Text, nullable=False),
    sa.Column("exchange", sa.JSON),  # the question and the answer object, as far as they were still known
    sqlite_autoincrement=True,
)


def open_engine(url: str) -> Engine:
    """Open the database, creating its tables if they are missing. Raises StoreFailed."""
    path = make_url(url).database
    engine = sa.create_engine(url, connect_args={"timeout": 30, "check_same_thread": False})
    sa.event.listen(engine, "connect", _on_connect)
    sa.event.listen(engine, "begin", _on_begin)
    try:
        if path:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        with engine.connect().execution_options(write=True) as connection, connection.begin():
            found = _schema_version(connection)
            # A newer version's file is left exactly as it is.
            if found in (None, SCHEMA_VERSION):
                tables.create_all(connection)
            if found is None:
                connection.execute(
                    sa.insert(meta),
                    [
                        {"name": "schema_version", "value": SCHEMA_VERSION},
                        {"name": "catalog_id", "value": uuid.uuid4().hex},
                    ],
                )
    except (sa.exc.DatabaseError, OSError) as exc:
        engine.dispose()
        cause = getattr(exc, "orig", exc)
        raise StoreFailed(f"{path}: cannot be opened as the catalog: {cause}") from exc
    if found not in (None, SCHEMA_VERSION):
        engine.dispose()
        raise StoreFailed(f"{path}: has catalog schema {found}, this version reads {SCHEMA_VERSION}")
    return engine


def _schema_version(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("meta"):
        return None
    return connection.scalar(sa.select(meta.c.value).where(meta.c.name == "schema_version"))


def _on_connect(dbapi_connection: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
    dbapi_connection.isolation_level = None  # SQLAlchemy sends BEGIN itself, see _on_begin
    cursor = dbapi_connection.cursor()
    # FULL: an acknowledged article survives power loss too; one sync a batch of articles, so it costs little.
    # secure_delete: a takedown leaves no words in free pages.
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON", "cache_size=-65536"):
        cursor.execute(f"PRAGMA {pragma}")
    _use_wal(cursor)
    cursor.close()


def _use_wal(cursor: sa.engine.interfaces.DBAPICursor) -> None:
    # The switch of a new file is the one step that does not wait for its turn: two first starts at once, and one of
    # them is told that the database is locked.
    deadline = time.monotonic() + 30
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as exc:
            if "locked" not in str(exc) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _on_begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("bare"):  # VACUUM and checkpoints run outside of any transaction
        return
    # A writer takes its lock at once: an upgrade from a read lock in the middle fails instead of waiting.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("write") else "BEGIN")


@contextmanager
def mapped_errors() -> Iterator[None]:
    """Turn what the database raises into our errors."""
    try:
        yield
    except sa.exc.OperationalError as exc:
        raise StoreFailed(f"the catalog does not answer: {exc.orig}") from exc
    except sa.exc.DatabaseError as exc:
        raise StoreFailed(f"the catalog failed: {exc.orig}") from exc
    except OverflowError as exc:  # a version or a page number beyond 64 bits
        raise BadInput(f"a number is too large for the catalog: {exc}") from exc
    except UnicodeEncodeError as exc:
        raise BadInput(f"a lone surrogate U+{ord(exc.object[exc.start]):04X} cannot be stored or looked up") from exc
