"""A store is unreachable, slow, of another version or truncated: answers go on, and the store is repaired later."""

import multiprocessing
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from chromadb.errors import InternalError

from qa.errors import StoreFailed
from qa.indexes import chroma_client
from tests.fakes import HashEmbedder, Store, article
from tests.faults.chroma_server import ChromaServer

BRIDGE = article("bridge", "The bridge over the river opened. 😀")
DOG = article("dog", "A dog ran through the park.")
CAT = article("cat", "A cat slept on the mat.")

HOLDER = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.readline()
"""

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.lanes.crash.worker"])


@contextmanager
def held(database: Path) -> Iterator[None]:
    """Lock a database from another process."""
    command = [sys.executable, "-c", HOLDER, str(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        try:
            yield
        finally:
            holder.communicate("\n")


@contextmanager
def pulse() -> Iterator[list[float]]:
    """Tick every 10 ms in a thread; yield the longest gap, which is how long no thread could run."""
    longest, over = [0.0], threading.Event()

    def beat() -> None:
        last = time.monotonic()
        while not over.wait(0.01):
            now = time.monotonic()
            longest[0], last = max(longest[0], now - last), now

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield longest
    finally:
        over.set()
        thread.join()


def degraded(store: Store, limit_s: float) -> None:
    """Assert that a question is answered from the word index alone, and in time."""
    began = time.monotonic()
    found = store.search("bridge river")
    assert time.monotonic() - began < limit_s
    assert (found.hits[0].source.article_id, found.degraded) == ("bridge", ("vectors",))


def healed(store: Store) -> None:
    """Assert that everything is back and nothing is duplicated."""
    store.vectors._store._call_timeout._cooldown_until = (
        0.0  # after a timeout the vector store is not called for some seconds
    )
    store.projections.catch_up()
    assert store.problems() == []
    assert store.search("bridge river").degraded == ()


def test_words_answer_while_chroma_is_frozen_or_gone_and_it_is_filled_again(tmp_path: Path) -> None:
    """Frozen: words answer after two seconds, then at once. Back with an empty disk: it is filled again."""
    with ChromaServer(tmp_path / "one") as server, Store(tmp_path, HashEmbedder(), server.url) as store:
        store.add(BRIDGE, DOG)
        assert store.search("bridge river").degraded == ()
        server.freeze()
        degraded(store, 4)
        degraded(store, 1)
        server.thaw()
        healed(store)
        server.kill()
        degraded(store, 4)
        with pytest.raises(StoreFailed, match="vector index"):
            store.add(CAT)
        assert "cat" in [row.source.article_id for row in store.catalog.articles("default", 0, 9)]
        server.start(tmp_path / "one")
        healed(store)
        server.kill()
        server.start(tmp_path / "two")
        healed(store)
        assert store.embedder.embedded == [BRIDGE.text, DOG.text, CAT.text]


def test_a_locked_chroma_database_blocks_no_thread(tmp_path: Path) -> None:
    """The writer fails within seconds, no thread of ours is blocked, and the word index answers questions."""
    with Store(tmp_path, HashEmbedder()) as store:
        store.add(BRIDGE)
        store.search("bridge river")
        with held(tmp_path / "chroma" / "chroma.sqlite3"):
            with pulse() as longest, pytest.raises(StoreFailed, match="another process"):
                store.add(DOG)
            degraded(store, 4)
            assert longest[0] < 1.5, "no thread could run while Chroma waited"
        healed(store)
        assert len(store.vectors.places()) == 2


@pytest.mark.parametrize("call", ["add", "delete", "modify"])
def test_a_write_that_chroma_reports_as_failed_is_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """A write that Chroma reports as failed may have been stored: the next try leaves one copy."""
    from chromadb.api.models.Collection import Collection

    original = getattr(Collection, call)
    left = [1]

    def fail_once(self: Any, *args: Any, **kwargs: Any) -> Any:
        original(self, *args, **kwargs)
        if left[0]:
            left[0] = 0
            raise InternalError("disk full, said too late")

    with Store(tmp_path, HashEmbedder()) as store:
        store.add(BRIDGE, DOG)
        monkeypatch.setattr(Collection, call, fail_once)
        with pytest.raises(StoreFailed, match="too late"):
            store.add(article("bridge", "The bridge closed."), CAT)
        assert store.word_hits("closed") == ["The bridge closed."]
        healed_places = {(1, 2, 0), (2, 1, 0), (3, 1, 0)}
        store.projections.catch_up()
        assert (store.problems(), store.vectors.places()) == ([], healed_places)


def test_a_collection_of_another_space_is_made_anew(tmp_path: Path) -> None:
    """Chroma silently keeps a collection's distance space: its distances would be read as cosines."""
    with Store(tmp_path, HashEmbedder()) as store:
        store.add(BRIDGE, DOG)
        name, state = store.vectors._name_of("default"), store.vectors._state.metadata
        store.vectors._client.delete_collection(name)
        made = store.vectors._client.create_collection(name, embedding_function=None)
        made.upsert(ids=["1:1:0"], embeddings=[[1.0] * 256], metadatas=[{"article": 1, "day": 0, "sha": "00"}])
        assert state["cursor"] == 2
    with Store(tmp_path, HashEmbedder()) as store:
        assert [state.behind for state in store.projections.states()] == [0, 2]
        store.projections.catch_up()
        assert store.problems() == []


@pytest.mark.parametrize("sealed", [True, False], ids=["closed", "killed"])
def test_files_of_another_version_of_chroma_are_made_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, sealed: bool
) -> None:
    """Chroma silently opens a newer schema: the index is rebuilt from the catalog, and nothing is embedded."""
    with Store(tmp_path, HashEmbedder()) as store:
        store.add(BRIDGE, DOG)
    directory = tmp_path / "chroma"
    with sqlite3.connect(directory / "chroma.sqlite3") as raw:
        raw.execute("INSERT INTO migrations SELECT dir, 99, '00099-new.sqlite.sql', sql, hash FROM migrations LIMIT 1")
    raw.close()
    (directory / chroma_client._VERSION).write_text("99.0.0")
    chroma_client.seal(directory)
    if not sealed:
        (directory / chroma_client._SEAL).unlink()
    with Store(tmp_path, HashEmbedder()) as store:
        assert "99.0.0" in caplog.text
        assert [state.behind for state in store.projections.states()] == [0, 2]
        store.projections.catch_up()
        assert (store.problems(), store.embedder.embedded) == ([], [])


def test_a_locked_catalog_refuses_writes_and_is_read_on(tmp_path: Path) -> None:
    """A write waits and then fails; reads go on, and the next try succeeds."""

    def hurry(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout=200")

    with Store(tmp_path) as store:
        store.add(BRIDGE)
        sa.event.listen(store.catalog._engine, "checkout", lambda dbapi, record, proxy: hurry(dbapi, record))
        holder = sqlite3.connect(tmp_path / "catalog.sqlite3", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreFailed, match="the catalog does not answer: database is locked"):
            store.add(DOG)
        assert store.found("bridge") == ["bridge"]
        holder.close()
        store.add(DOG)
        assert store.problems() == []


@pytest.mark.parametrize("left", [0.5, 0.02])
def test_a_cut_catalog_is_refused_by_name(tmp_path: Path, left: float) -> None:
    """A truncated catalog is refused by name, when it is opened or when the missing part is read."""
    with Store(tmp_path) as store:
        store.add(*(article(f"a{number}", f"Report {number}. " + "Much was said. " * 200) for number in range(20)))
    file = tmp_path / "catalog.sqlite3"
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * left)])
    with pytest.raises(StoreFailed, match="catalog"), Store(tmp_path) as store:
        for number in range(20):
            store.catalog.text("default", f"a{number}")


def test_a_catalog_of_a_newer_schema_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    """A newer version's catalog is refused by number and left as it is."""
    with Store(tmp_path) as store:
        store.add(BRIDGE)
    file = tmp_path / "catalog.sqlite3"
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE meta SET value = '999' WHERE name = 'schema_version'")
    connection.close()
    before = file.read_bytes()
    with pytest.raises(StoreFailed, match="999"):
        Store(tmp_path)
    assert file.read_bytes() == before


def _open_read_only(folder: Path, result: Connection) -> None:
    """Open, read and write as a user with read permission only; send back the outcome."""
    with tempfile.TemporaryDirectory() as name, Store(Path(name)) as store:
        store.add(DOG)  # import everything first: that user may not be able to read our code either
    if os.getuid() == 0:  # no file permission applies to root
        os.setgroups([])
        os.setgid(65_534)
        os.setuid(65_534)
    outcome = ""
    try:
        with Store(folder) as store:
            store.add(DOG)
    except StoreFailed as exc:
        outcome = str(exc)
    except BaseException as exc:  # noqa: BLE001  # the test checks which error it was
        outcome = f"{type(exc).__name__}: {exc}"
    result.send(outcome)


@pytest.mark.parametrize("what", ["catalog.sqlite3", "everything"])
def test_a_read_only_catalog_is_refused_and_left_as_it_is(what: str) -> None:
    """Read-only files are refused by name when the store is opened, and are left unchanged."""
    with tempfile.TemporaryDirectory() as name:  # not pytest's folder, which no other user may enter
        folder = Path(name) / "store"
        folder.mkdir()
        with Store(folder) as store:
            store.add(BRIDGE)
        before = (folder / "catalog.sqlite3").read_bytes()
        for path in (Path(name), folder, *folder.rglob("*")):
            read_only = what == "everything" or path.name == what
            path.chmod((0o555 if read_only else 0o777) if path.is_dir() else (0o444 if read_only else 0o666))
        Path(name).chmod(0o755)
        receiver, sender = _CONTEXT.Pipe(duplex=False)
        process = _CONTEXT.Process(target=_open_read_only, args=(folder, sender))
        process.start()
        outcome = receiver.recv()
        process.join()
        folder.chmod(0o755)
        assert "catalog" in outcome and "Error" not in outcome.partition(":")[0], outcome
        assert (folder / "catalog.sqlite3").read_bytes() == before
        with Store(folder) as store:
            assert store.found("bridge") == ["bridge"]


def test_an_empty_or_partial_feed_deletes_nothing(tmp_path: Path) -> None:
    """An article that is missing from a feed stays: only a takedown removes one."""
    with Store(tmp_path) as store:
        store.add(BRIDGE, DOG)
        for feed in ((), (DOG,), (CAT,)):
            store.add(*feed)
        listed = [row.source.article_id for row in store.catalog.articles("default", 0, 9)]
        assert listed == ["bridge", "dog", "cat"]
