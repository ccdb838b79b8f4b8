"""Backups and migrations: between SQLite and PostgreSQL, and from every older schema to the current one."""

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from qa.catalog.backup import restore
from qa.catalog.catalog import Catalog
from qa.catalog.engine import open_engine, writing
from qa.catalog.schema import upgrade
from qa.catalog.tables import SCHEMA_VERSION, alembic_version, tables
from qa.errors import BadSettings, StoreFailed
from tests.catalog.test_catalog import write
from tests.fakes import HashEmbedder, article
from tests.lanes.postgres.cluster import Cluster

BODY = "😀 smiled. Cafe\u0301 opened. 市长在周一为大桥揭幕。"


def everything(catalog: Catalog) -> object:
    rows = catalog.chunks_of(catalog.live_pks())
    vectors = catalog.vectors(HashEmbedder.model, [row.embed_sha for row in rows])
    return (
        rows,
        {sha: vector.tobytes() for sha, vector in vectors.items()},
        catalog.articles("default", 0, 99),
        catalog.changes_after(0, 99),
        catalog.records.keys(),
        catalog.records.feedback(),
    )


@pytest.mark.parametrize("into", ["sqlite", "postgresql"])
def test_a_backup_of_either_is_restored_into_either(url: str, into: str, tmp_path: Path, request: Any) -> None:
    """Articles, versions, vectors, the change log, keys and feedback; the restored catalog has an id of its own."""
    first = Catalog(url)
    write(first, article("a", BODY), article("b", "The dog ran.", title="Dog"))
    write(first, article("a", BODY * 2), article("c", "The cat sat."))
    first.remove("default", "b")
    first.records.create_key("mine", ["ask"], None)
    first.records.add_feedback("ans_1", 1, "good", {"question": "Who?"})
    first.copy_to(str(tmp_path / "backup.sqlite3"))
    before = (tmp_path / "backup.sqlite3").read_bytes()
    target = f"sqlite:///{tmp_path / 'new' / 'c.sqlite3'}" if into == "sqlite" else request.getfixturevalue("postgres")
    if target == url:  # one test has one database
        cluster = request.getfixturevalue("cluster")
        target = cluster.url(cluster.create(cluster.template))
    restore(tmp_path / "backup.sqlite3", target)
    second = Catalog(target)
    assert everything(second) == everything(first)
    assert second.id != first.id
    # Sequence numbers continue after those already used.
    assert write(second, article("d", "The bird flew.")) == ["added"]
    assert second.changes_after(5, 9) == (6, [4])
    with pytest.raises(BadSettings, match="already"):
        restore(tmp_path / "backup.sqlite3", target)
    assert (tmp_path / "backup.sqlite3").read_bytes() == before
    for catalog in (first, second):
        catalog.close()


def ddl(connection: sa.Connection) -> list[str]:
    """Return the DDL of SQLite's tables and indexes, ignoring white space."""
    found = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").scalars()
    return sorted(" ".join(statement.split()) for statement in found)


def test_the_migrations_lead_to_the_tables_that_we_use_in_sqlite(tmp_path: Path) -> None:
    """A store of every older version becomes exactly what a new one is."""
    new, old = (sa.create_engine(f"sqlite:///{tmp_path / name}") for name in ("new", "old"))
    with new.begin() as connection:
        tables.create_all(connection)
        expected = ddl(connection)
    with old.begin() as connection:
        upgrade(connection, "base", SCHEMA_VERSION)
        assert ddl(connection) == expected
    for database in (new, old):
        database.dispose()


def test_the_migrations_lead_to_the_tables_that_we_use_in_postgresql(cluster: Cluster) -> None:
    """The same, compared by pg_dump."""
    name = cluster.create()
    engine = sa.create_engine(cluster.url(name).replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        upgrade(connection, "base", SCHEMA_VERSION)
    engine.dispose()
    assert plain(cluster.dump(name)) == plain(cluster.dump(cluster.template))
    cluster.drop(name)


def plain(dump: str) -> list[str]:
    """Return a dump's statements without comments and the random marks of psql's restricted mode."""
    return [line for line in dump.splitlines() if line and not line.startswith(("--", "\\"))]


def test_a_store_from_before_alembic_is_upgraded(tmp_path: Path) -> None:
    """It is stamped with its schema, then upgraded; its data stays."""
    file = tmp_path / "catalog.sqlite3"
    today = Catalog(f"sqlite:///{file}")
    write(today, article("a", BODY))
    today.close()
    with sqlite3.connect(file) as raw:  # as the first version created it
        raw.execute("DROP INDEX versions_by_outlet")
        raw.execute("DROP TABLE alembic_version")
        raw.execute("UPDATE meta SET value = '1' WHERE name = 'schema_version'")
    raw.close()
    opened = Catalog(f"sqlite:///{file}")
    assert opened.text("default", "a").text == BODY
    with writing(opened._engine) as connection:
        assert connection.scalar(sa.select(alembic_version.c.version_num)) == SCHEMA_VERSION
        assert sa.inspect(connection).get_indexes("versions")[0]["name"] == "versions_by_outlet"
    opened.close()
    open_engine(f"sqlite:///{file}").dispose()


def test_an_upgrade_that_fails_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    """The upgrade is one transaction: the older version can still open the store."""
    file = tmp_path / "catalog.sqlite3"
    Catalog(f"sqlite:///{file}").close()
    with sqlite3.connect(file) as raw:  # the index that version 2 adds exists already, so its migration fails
        raw.execute("DROP TABLE alembic_version")
        raw.execute("UPDATE meta SET value = '1' WHERE name = 'schema_version'")
    raw.close()
    with pytest.raises(StoreFailed, match="versions_by_outlet"):
        Catalog(f"sqlite:///{file}")
    with sqlite3.connect(file) as raw:
        assert raw.execute("SELECT value FROM meta WHERE name = 'schema_version'").fetchone() == ("1",)
        assert not raw.execute("SELECT * FROM sqlite_master WHERE name = 'alembic_version'").fetchall()
    raw.close()


def test_no_vector_of_an_erased_text_is_kept(url: str) -> None:
    """Vectors of a text that was taken down while it was being embedded are not stored."""
    catalog = Catalog(url)
    write(catalog, article("a", "The dog ran."))
    sha = catalog.chunks_of([1])[0].embed_sha
    catalog.remove("default", "a")
    catalog.write_vectors("late", {sha: np.ones(3, np.float32)})
    assert catalog.vectors("late", [sha]) == {}
    catalog.close()
