"""The catalog in PostgreSQL: connection pool, time limits, the write lock, and which errors are transient."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine

from qa.errors import BadSettings, StoreFailed

DRIVER = "postgresql+psycopg"
_WRITE_LOCK, VECTOR_LOCK = 7_301, 7_302  # paired with the schema's name: a database may have several catalogs
_TRANSIENT = {"40001", "40P01", "57P01", "57P02", "57P03"}  # serialisation, deadlock; stopped, crashed, starting
# A writer that hangs (SIGSTOP, a cut cable) loses the lock before those who wait for it give up.
_LIMITS = {
    "statement_timeout": "60s",
    "lock_timeout": "30s",
    "idle_in_transaction_session_timeout": "15s",
    "timezone": "UTC",
}
_CONNECT = {"connect_timeout": 5, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}


def connect(url: URL) -> Engine:
    """Return an engine for a server's database. Raises BadSettings if the driver is missing."""
    try:
        engine = sa.create_engine(
            url.set(drivername=DRIVER),
            # A read sees one snapshot, however many statements it takes.
            isolation_level="REPEATABLE READ",
            connect_args={name: value for name, value in _CONNECT.items() if name not in url.query},
            pool_size=8,
            max_overflow=8,
            pool_timeout=10,
            pool_pre_ping=True,  # reconnects after a restart of the server
        )
    except ModuleNotFoundError as exc:
        raise BadSettings(
            "QA_DATABASE_URL: PostgreSQL needs the extra `postgres`: pip install news-qa[postgres]"
        ) from exc
    sa.event.listen(engine, "connect", _on_connect)
    sa.event.listen(engine, "begin", _on_begin)
    return engine


def check(connection: Connection) -> None:
    """Refuse a database that cannot store every text. Raises StoreFailed."""
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
    if encoding != "UTF8":
        raise StoreFailed(f"the database has the encoding {encoding}; create it with ENCODING 'UTF8'")


def is_transient(exc: BaseException) -> bool:
    """Tell whether the same transaction may succeed a moment later."""
    if not isinstance(exc, sa.exc.DBAPIError):
        return False
    state = getattr(exc.orig, "sqlstate", None)
    unreachable = isinstance(exc, sa.exc.OperationalError) and state is None
    return exc.connection_invalidated or unreachable or state in _TRANSIENT


@contextmanager
def vector_turn(engine: Engine) -> Iterator[bool]:
    """Try to take the lock for writing to a vector server; yield whether it was free. It ends with the process."""
    key = f"{VECTOR_LOCK}, hashtext(current_schema())"
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        mine = bool(connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({key})").scalar())
        try:
            yield mine
        finally:
            if mine:
                connection.exec_driver_sql(f"SELECT pg_advisory_unlock({key})")


def _on_connect(dbapi_connection: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
    cursor = dbapi_connection.cursor()
    for name, value in _LIMITS.items():
        cursor.execute(f"SET {name} = '{value}'")
    cursor.close()
    dbapi_connection.commit()


def _on_begin(connection: Connection) -> None:
    # One writer at a time, as in SQLite. A number of the change log is assigned when its row is written and visible
    # when it is committed: with two writers at once a follower could read 8, go on from there, and never see 7.
    if connection.get_execution_options().get("write"):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITE_LOCK}, hashtext(current_schema()))")
