"""Backup and restore of a catalog: from PostgreSQL to a SQLite file, and from a file to a new catalog of either kind.

A backup has a checksum file in the format of `sha256sum`. It is checked for damage before it becomes a catalog.
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

_ROWS = 200  # in memory at a time


def copy_out(engine: Engine, path: Path) -> None:
    """Write a consistent copy into a new SQLite file, which gets its name only when it is complete."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        part = Path(folder) / "catalog.sqlite3"
        with _opened(f"sqlite:///{part}") as copy, reading(engine) as source, writing(copy) as target:
            _copy(source, target)
        part.rename(path)


def _checksum_file(copy: Path) -> Path:
    return copy.with_name(f"{copy.name}.sha256")


def _sha256(copy: Path) -> str:
    with copy.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@mapped_errors()
def write_checksum(copy: Path) -> None:
    """Write the checksum file of a copy. Raises StoreFailed."""
    _checksum_file(copy).write_text(f"{_sha256(copy)}  {copy.name}\n", encoding="utf-8")


@mapped_errors()
def restore(copy: Path, url: str) -> None:
    """Restore a copy as a new catalog. Raises BadSettings if there is a catalog already, StoreFailed if it is damaged.

    The catalog gets an id of its own: indexes of the old one may contain changes that the copy lacks.
    """
    parsed = make_url(url)
    if parsed.drivername == "sqlite":
        file = Path(parsed.database or "")
        if file.exists():
            raise BadSettings(f"{file}: exists already; set QA_DATA_DIR to an empty folder")
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f"{file.name}.part")  # an interrupted restore can be started again
        try:
            _copy_checked(copy, part)
            renew_id(f"sqlite:///{part}")
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
        return
    with _opened(url) as engine, tempfile.TemporaryDirectory() as folder:
        # An old backup is upgraded before it is read; the upgrade is applied to a temporary file.
        part = Path(folder) / "catalog.sqlite3"
        _copy_checked(copy, part)
        with _opened(f"sqlite:///{part}") as old, reading(old) as source, writing(engine) as target:
            if target.scalar(sa.select(sa.func.count()).select_from(changes)):
                raise BadSettings("QA_DATABASE_URL: that database holds articles already; name an empty one")
            _copy(source, target)
            _renew_id(target)
            _advance_sequences(target)


def _copy_checked(copy: Path, part: Path) -> None:
    """Copy a backup and check it for damage. Raises StoreFailed."""
    shutil.copyfile(copy, part)
    checksum = _checksum_file(copy)
    if checksum.exists() and checksum.read_bytes().split()[:1] != [_sha256(part).encode()]:
        raise StoreFailed(f"{copy}: has changed since it was made, see {checksum.name}; restore another backup")
    with _opened(f"sqlite:///{part}") as engine, reading(engine) as connection:
        faults = list(integrity.faults(connection))
    if faults:
        raise StoreFailed(f"{copy}: damaged, restore another backup; the first of {len(faults)} faults: {faults[0]}")


def renew_id(url: str) -> None:
    """Give a copied catalog a new id, so that it counts as another catalog."""
    with _opened(url) as engine, writing(engine) as connection:
        _renew_id(connection)


def _copy(source: Connection, target: Connection) -> None:
    for table in reversed(tables.sorted_tables):  # the rows that every new catalog has are replaced
        target.execute(sa.delete(table))
    for table in tables.sorted_tables:
        result = source.execution_options(stream_results=True).execute(sa.select(table).order_by(*table.primary_key))
        for rows in result.mappings().partitions(_ROWS):
            target.execute(sa.insert(table), [dict(row) for row in rows])


def _renew_id(connection: Connection) -> None:
    connection.execute(sa.update(meta).where(meta.c.name == "catalog_id").values(value=uuid.uuid4().hex))


def _advance_sequences(connection: Connection) -> None:
    """Move PostgreSQL's sequences past the copied rows: they know only the numbers that they assigned."""
    for table in tables.sorted_tables:
        (column, *more) = table.primary_key.columns
        if not more and isinstance(column.type, sa.BigInteger):
            last = sa.select(sa.func.max(column)).scalar_subquery()
            sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
            connection.execute(sa.select(sa.func.setval(sequence, sa.func.coalesce(last, 1), last.is_not(None))))


@contextmanager
def _opened(url: str) -> Iterator[Engine]:
    engine = open_engine(url)
    try:
        with mapped_errors():
            yield engine
    finally:
        engine.dispose()
