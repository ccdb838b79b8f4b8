"""Copies of a whole catalog: out of PostgreSQL into a file, and from a file into a new catalog of either kind.

A copy has its SHA-256 beside it, as `sha256sum` writes it, and is looked through before it becomes a catalog.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, make_url

from qa.catalog import integrity
from qa.catalog.engine import mapped_errors, open_engine, reading, writing
from qa.catalog.tables import changes, meta, tables
from qa.errors import BadSettings, StoreFailed

_ROWS = 200  # in memory at one time


def copy_out(engine: Engine, path: Path) -> None:
    """Write a consistent copy into a new SQLite file; half a copy is not left under its name."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        part = Path(folder) / "catalog.sqlite3"
        with _opened(f"sqlite:///{part}") as copy, reading(engine) as source, writing(copy) as target:
            _copy(source, target)
        part.rename(path)


def _checksum(copy: Path) -> Path:
    return copy.with_name(f"{copy.name}.sha256")


def _sha256(copy: Path) -> str:
    with copy.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@mapped_errors()
def write_checksum(copy: Path) -> None:
    """Write the SHA-256 of a copy beside it. Raises StoreFailed."""
    _checksum(copy).write_text(f"{_sha256(copy)}  {copy.name}\n", encoding="utf-8")


@mapped_errors()
def restore(copy: Path, url: str) -> None:
    """Make a catalog of a copy. Raises BadSettings where there is one already, StoreFailed when the copy is damaged.

    It gets an id of its own: indexes of the old one may hold changes that the copy has not.
    """
    parsed = make_url(url)
    if parsed.drivername == "sqlite":
        file = Path(parsed.database or "")
        if file.exists():
            raise BadSettings(f"{file}: exists already; set QA_DATA_DIR to an empty folder")
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f"{file.name}.part")  # a restore that is broken off can be begun again
        try:
            _take(copy, part)
            renew_id(f"sqlite:///{part}")
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
        return
    with _opened(url) as engine, tempfile.TemporaryDirectory() as folder:
        # An old copy is upgraded before it is read, and the backup itself is left as it is.
        part = Path(folder) / "catalog.sqlite3"
        _take(copy, part)
        with _opened(f"sqlite:///{part}") as old, reading(old) as source, writing(engine) as target:
            if target.scalar(sa.select(sa.func.count()).select_from(changes)):
                raise BadSettings("QA_DATABASE_URL: that database holds articles already; name an empty one")
            _copy(source, target)
            _renew_id(target)
            _count_on(target)


def _take(copy: Path, part: Path) -> None:
    """Copy a backup, and look whether it is what was backed up. Raises StoreFailed."""
    shutil.copyfile(copy, part)
    noted = _checksum(copy)
    if noted.exists() and noted.read_bytes().split()[:1] != [_sha256(part).encode()]:
        raise StoreFailed(f"{copy}: has changed since it was made, see {noted.name}; restore another backup")
    with _opened(f"sqlite:///{part}") as engine, reading(engine) as connection:
        found = list(integrity.faults(connection))
    if found:
        raise StoreFailed(f"{copy}: damaged, restore another backup; the first of {len(found)} faults: {found[0]}")


def renew_id(url: str) -> None:
    """Make a copied file a catalog of its own."""
    with _opened(url) as engine, writing(engine) as connection:
        _renew_id(connection)


def _copy(source: Connection, target: Connection) -> None:
    for table in reversed(tables.sorted_tables):  # what a new catalog says of itself gives way
        target.execute(sa.delete(table))
    for table in tables.sorted_tables:
        found = source.execution_options(stream_results=True).execute(sa.select(table).order_by(*table.primary_key))
        for rows in found.mappings().partitions(_ROWS):
            target.execute(sa.insert(table), [dict(row) for row in rows])


def _renew_id(connection: Connection) -> None:
    connection.execute(sa.update(meta).where(meta.c.name == "catalog_id").values(value=uuid.uuid4().hex))


def _count_on(connection: Connection) -> None:
    """Let PostgreSQL's counters go on behind what was copied: they know only of numbers that they gave out."""
    for table in tables.sorted_tables:
        (column, *more) = table.primary_key.columns
        if not more and isinstance(column.type, sa.BigInteger):
            last = sa.select(sa.func.max(column)).scalar_subquery()
            counter = sa.func.pg_get_serial_sequence(table.name, column.name)
            connection.execute(sa.select(sa.func.setval(counter, sa.func.coalesce(last, 1), last.is_not(None))))


@contextmanager
def _opened(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    try:
        with mapped_errors():
            yield engine
    finally:
        engine.dispose()
