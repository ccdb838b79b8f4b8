"""The database schema: create it, or upgrade it with Alembic, in one transaction."""

from __future__ import annotations

import uuid
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from qa.catalog.tables import SCHEMA_VERSION, alembic_version, meta, tables
from qa.errors import StoreFailed

_SCRIPTS = Path(__file__).parent / "migrations"


def ensure_schema(connection: Connection) -> None:
    """Create a missing schema, upgrade an older one, refuse a newer one untouched. Raises StoreFailed.

    The caller's transaction holds the write lock: of several processes that start at once, one does the work.
    """
    found = _schema_version(connection)
    if found == SCHEMA_VERSION:
        return
    if found is None:
        tables.create_all(connection)
        connection.execute(sa.insert(alembic_version).values(version_num=SCHEMA_VERSION))
        names = {"schema_version": SCHEMA_VERSION, "catalog_id": uuid.uuid4().hex}
        connection.execute(sa.insert(meta), [{"name": name, "value": value} for name, value in names.items()])
    elif found.isdigit() and int(found) < int(SCHEMA_VERSION):
        upgrade(connection, found, SCHEMA_VERSION)
    else:
        raise StoreFailed(f"has catalog schema {found}, this version reads {SCHEMA_VERSION}")


def upgrade(connection: Connection, found: str, target: str) -> None:
    """Apply the migrations after `found`, up to `target`."""
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    if not sa.inspect(connection).has_table(alembic_version.name):  # written before Alembic was used
        command.stamp(config, found)
    command.upgrade(config, target)
    connection.execute(sa.update(meta).where(meta.c.name == "schema_version").values(value=target))


def _schema_version(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table(meta.name):
        return None
    return connection.scalar(sa.select(meta.c.value).where(meta.c.name == "schema_version"))
