"""Upgrading a store that an older version created."""

import multiprocessing
import os
import shutil
import signal
import sqlite3
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qa.catalog import backup
from qa.catalog.catalog import Catalog
from qa.catalog.tables import SCHEMA_VERSION
from tests.fakes import HashEmbedder, Store, article

# Created and closed by the code of the first commit, before anything was tagged.
FIRST = Path(__file__).parent / "stores" / "first.tar.xz"
TEXT = "The harbour bridge closed on Friday. 😀 Nobody was hurt."
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.lanes.crash.worker"])


@pytest.fixture
def first(tmp_path: Path) -> Iterator[Path]:
    with tarfile.open(FIRST) as packed:
        packed.extractall(tmp_path, filter="data")
    yield tmp_path / "first"


def ddl(file: Path) -> list[str]:
    """Return the DDL of a catalog's tables and indexes, ignoring white space."""
    with sqlite3.connect(file) as raw:
        found = raw.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    raw.close()
    return sorted(" ".join(statement.split()) for (statement,) in found)


def check(store: Store) -> None:
    """Assert that the texts, versions and takedowns are there, that the indexes are right and nothing is embedded."""
    store.projections.catch_up()
    assert store.problems() == []
    listed = {row.source.article_id: row.versions for row in store.catalog.articles("default", 0, 99)}
    assert listed == {"harbour": (1, 2), "plant": (1,)}
    assert store.catalog.text("default", "harbour").text == TEXT
    assert store.found("harbour bridge")[0] == "harbour"
    assert store.embedder.embedded == []


def test_a_store_of_the_first_version_opens_with_all_it_held(first: Path) -> None:
    """This version opens it with everything in it, and it accepts new articles, keys and feedback."""
    with Store(first, HashEmbedder()) as store:
        check(store)
        store.add(article("water", "The water works were sold."))
        assert store.problems() == []
        made, _ = store.catalog.records.create_key("reader", ["ask"], None)
        assert made in store.catalog.records.keys()  # noqa: SIM118  # not a dictionary
        store.catalog.records.add_feedback("ans_1", 1, "good", None)
        assert [feedback.comment for feedback in store.catalog.records.feedback()] == ["good"]


def test_an_upgraded_store_has_the_tables_of_a_new_one(first: Path, tmp_path: Path) -> None:
    """Table by table and index by index."""
    for file in (first / "catalog.sqlite3", tmp_path / "new.sqlite3"):
        Catalog(f"sqlite:///{file}").close()
    assert ddl(first / "catalog.sqlite3") == ddl(tmp_path / "new.sqlite3")


def test_a_backup_of_the_first_version_is_restored(first: Path, tmp_path: Path) -> None:
    """From its catalog alone, in another place: the indexes are built from it."""
    (tmp_path / "new").mkdir()
    backup.restore(first / "catalog.sqlite3", f"sqlite:///{tmp_path / 'new' / 'catalog.sqlite3'}")
    with Store(tmp_path / "new", HashEmbedder()) as store:
        check(store)


def _upgrade_and_die(folder: Path, nth: int) -> None:
    """Open a store and die before the nth statement of it or its end."""
    import sqlalchemy as sa

    left = [nth]

    def dying(name: str) -> None:
        original = getattr(sa.engine.default.DefaultDialect, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*args, **kwargs)

        setattr(sa.engine.default.DefaultDialect, name, wrapped)

    for name in ("do_execute", "do_commit"):
        dying(name)
    Catalog(f"sqlite:///{folder / 'catalog.sqlite3'}").close()


def test_a_kill_in_an_upgrade_leaves_the_old_schema_or_the_new(first: Path, tmp_path: Path) -> None:
    """Killed before any of its statements, the store has the old schema or the new; the next start completes it."""
    seen = []
    for nth in range(1, 1_000):
        shutil.copytree(first, folder := tmp_path / f"{nth}")
        killed = _CONTEXT.Process(target=_upgrade_and_die, args=(folder, nth))
        killed.start()
        killed.join()
        with sqlite3.connect(folder / "catalog.sqlite3") as raw:
            (schema,) = raw.execute("SELECT value FROM meta WHERE name = 'schema_version'").fetchone()
        raw.close()
        seen.append(schema)
        with Store(folder, HashEmbedder()) as store:
            check(store)
        shutil.rmtree(folder)
        if killed.exitcode == 0:
            break
        assert killed.exitcode == -signal.SIGKILL
    assert len(seen) > 10 and seen[-1] == SCHEMA_VERSION and set(seen) == {"1", SCHEMA_VERSION}
