"""The catalog in a SQLite file: how it is opened, written in turn, emptied of erased words and copied."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine


def connect(url: URL) -> Engine:
    """Return an engine for a file, whose folder is made. Raises OSError."""
    engine = sa.create_engine(url, connect_args={"timeout": 30, "check_same_thread": False})
    sa.event.listen(engine, "connect", _on_connect)
    sa.event.listen(engine, "begin", _on_begin)
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    return engine


def empty_log(engine: Engine) -> None:
    """Empty the write-ahead log, which holds erased words, on a busy server for days.

    A reader in the way must not fail a takedown: then the next one, or the close, empties it.
    """
    with engine.connect().execution_options(bare=True) as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=1000")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("PRAGMA busy_timeout=30000")


def copy_to(engine: Engine, path: Path) -> None:
    """Write a consistent copy to a new file, also while others write."""
    part = path.with_name(f"{path.name}.part")  # a copy that is broken off must not look like one
    part.unlink(missing_ok=True)
    with engine.connect().execution_options(bare=True) as connection:
        connection.exec_driver_sql("VACUUM INTO ?", (str(part),))
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(path)


def _on_connect(dbapi_connection: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
    dbapi_connection.isolation_level = None  # SQLAlchemy sends BEGIN itself, see _on_begin
    cursor = dbapi_connection.cursor()
    # FULL: an acknowledged article survives power loss too; one sync a batch of articles, so it costs little.
    # secure_delete: a takedown leaves no words in free pages.
    # cache_size in KB, for each connection: with 64 MB neither questions nor an ingest were faster, the system has the
    # pages too (docs/reliability.md, Memory).
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON", "cache_size=-8192"):
        cursor.execute(f"PRAGMA {pragma}")
    _use_wal(cursor)
    cursor.close()


def _use_wal(cursor: sa.engine.interfaces.DBAPICursor) -> None:
    # The switch of a new file is the one step that does not wait for its turn: two first starts at once, and one of
    # them gets "database is locked".
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
