"""The catalog's database engine, SQLite or PostgreSQL: connections, transactions, retries and error mapping."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine, make_url
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from qa.catalog import postgres, sqlite as catalog_sqlite
from qa.catalog.schema import ensure_schema
from qa.errors import BadInput, BadSettings, StoreFailed, store_failed

_RETRY_TIMEOUT_S = 15.0  # a restarted server answers within some seconds
_START_TIMEOUT_S = 3.0  # a wrong address is reported soon

T = TypeVar("T")


def open_engine(url: str) -> Engine:
    """Open the database and bring it to this version's schema. Raises StoreFailed and BadSettings."""
    try:
        parsed = make_url(url)
    except sa.exc.ArgumentError as exc:
        raise BadSettings("QA_DATABASE_URL: say sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME") from exc
    local = parsed.drivername == "sqlite"
    shown = parsed.database if local else parsed.render_as_string(hide_password=True)
    engine = None
    try:
        engine = catalog_sqlite.connect(parsed) if local else postgres.connect(parsed)
        _retried(engine, _prepare_database, _START_TIMEOUT_S)
    except BaseException as exc:
        if engine is not None:
            engine.dispose()
        if isinstance(exc, StoreFailed):
            raise StoreFailed(f"{shown}: {exc}") from exc.__cause__
        if isinstance(exc, (sa.exc.DBAPIError, OSError)):
            raise StoreFailed(f"{shown}: cannot be opened as the catalog: {_cause(exc)}") from exc
        raise
    return engine


def _prepare_database(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        postgres.check(connection)
    ensure_schema(connection)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a read transaction, which sees one snapshot."""
    with mapped_errors(), _transaction(engine) as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a write transaction, one at a time; an error rolls it back."""
    with mapped_errors(), _transaction(engine, write=True) as connection:
        yield connection


def written(engine: Engine, work: Callable[[Connection], T]) -> T:
    """Run repeatable work in one write transaction; if the server goes away in the middle, wait and run it again."""
    with mapped_errors():
        return _retried(engine, work, _RETRY_TIMEOUT_S)


def _retried(engine: Engine, work: Callable[[Connection], T], timeout_s: float) -> T:
    def once() -> T:
        with _transaction(engine, write=True) as connection:
            return work(connection)

    if engine.dialect.name == "sqlite":  # its driver waits for locks itself
        return once()
    retrying = Retrying(
        retry=retry_if_exception(postgres.is_transient),
        stop=stop_after_delay(timeout_s),
        wait=wait_random_exponential(0.1, max=1),
        reraise=True,
    )
    return retrying(once)


@contextmanager
def _transaction(engine: Engine, *, write: bool = False) -> Iterator[Connection]:
    options: dict[str, Any] = {"write": True} if write else {}
    if write and engine.dialect.name == "postgresql":
        options["isolation_level"] = "READ COMMITTED"  # it sees what was committed while it waited for the lock
    with engine.connect().execution_options(**options) as connection, connection.begin():
        yield connection


def insert_rows(connection: Connection, insert: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows in few round trips.

    PostgreSQL's driver sends one message a row unless the statement returns something. On a busy machine each message
    waits for a processor, and other writers and takedowns wait for this transaction.
    """
    if connection.dialect.name == "postgresql":
        insert = insert.returning(sa.literal_column("1"))
    connection.execute(insert, rows)


def insert_missing(connection: Connection, table: sa.Table) -> Any:
    """Return an INSERT that ignores rows that exist already."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    return insert(table).on_conflict_do_nothing()


def _cause(exc: BaseException) -> str:
    lines = str(getattr(exc, "orig", None) or exc).strip().splitlines()
    return lines[0] if lines else type(exc).__name__


@contextmanager
def mapped_errors() -> Iterator[None]:
    """Map the database's exceptions to our errors."""
    try:
        yield
    except sa.exc.DataError as exc:  # from PostgreSQL: a number out of range, or a NUL, which its text cannot contain
        if getattr(exc.orig, "sqlstate", None) == "22003":
            raise BadInput(f"a number is too large for the catalog: {_cause(exc)}") from exc
        raise BadInput(f"the catalog cannot hold or look up a value: {_cause(exc)}") from exc
    except (sa.exc.OperationalError, sa.exc.TimeoutError) as exc:
        raise store_failed(f"the catalog does not answer: {_cause(exc)}", exc) from exc
    except sa.exc.DBAPIError as exc:
        raise store_failed(f"the catalog failed: {_cause(exc)}", exc) from exc
    except OSError as exc:
        raise store_failed(f"the catalog's files fail: {exc}", exc) from exc
    except OverflowError as exc:  # a version or a page number of more than 64 bits
        raise BadInput(f"a number is too large for the catalog: {exc}") from exc
    except UnicodeEncodeError as exc:
        raise BadInput(f"a lone surrogate U+{ord(exc.object[exc.start]):04X} cannot be stored or looked up") from exc
