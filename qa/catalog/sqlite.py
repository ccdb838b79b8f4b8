"""The catalog in a SQLite file: connections, transactions, the write-ahead log and consistent copies."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine


def connect(url: URL) -> Engine:
    """Return an engine for a file; create its folder. Raises OSError."""
    engine = sa.create_engine(url, connect_args={"timeout": 30, "check_same_thread": False})
    sa.event.listen(engine, "connect", _on_connect)
    sa.event.listen(engine, "begin", _on_begin)
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    return engine


def empty_wal(engine: Engine) -> None:
    """Truncate the write-ahead log, in which erased text may survive for days on a busy server.

    A concurrent reader must not make a takedown fail: in that case the next takedown, or the close, truncates it.
    """
    with engine.connect().execution_options(bare=True) as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=1000")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("PRAGMA busy_timeout=30000")


def copy_to(engine: Engine, path: Path) -> None:
    """Write a consistent copy to a new file, also while others write."""
    part = path.with_name(f"{path.name}.part")  # an interrupted copy must not look complete
    part.unlink(missing_ok=True)
    with engine.connect().execution_options(bare=True) as connection:
        connection.exec_driver_sql("VACUUM INTO ?", (str(part),))
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(path)


def _on_connect(dbapi_connection: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
    dbapi_connection.isolation_level = None  # SQLAlchemy sends BEGIN itself, see _on_begin
    cursor = dbapi_connection.cursor()
    # FULL: an acknowledged article survives power loss too; with one sync for a batch of articles it costs little.
    # secure_delete: a takedown leaves no text in free pages.
    # cache_size in KB, for each connection: with 64 MB neither questions nor an ingest were faster, since the operating
    # system caches the pages too (docs/reliability.md, Memory).
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON", "cache_size=-8192"):
        cursor.execute(f"PRAGMA {pragma}")
    _use_wal(cursor)
    cursor.close()


def _use_wal(cursor: sa.engine.interfaces.DBAPICursor) -> None:
    # Switching a new file to WAL is the only step that ignores the busy timeout: when two processes start at once, one
    # of them gets "database is locked".
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
    if options.get("bare"):  # VACUUM and checkpoints must run outside a transaction
        return
    # A writer takes its lock at once: a later upgrade from a read lock would fail instead of waiting.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("write") else "BEGIN")
