"""Fault injection: the Nth store, model or file call fails once, for every N until no call is left to fail.

Each call fails with its own library's exception. The caller sees an error of ours, the earlier data is intact, and
repeating the operation succeeds.
"""

import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chromadb
import pytest
import sqlalchemy as sa
from chromadb.api.client import Client
from chromadb.api.models.Collection import Collection
from chromadb.errors import InternalError

from qa.catalog.backup import restore
from qa.catalog.catalog import Catalog
from qa.errors import EmbeddingFailed, QaError
from qa.indexes.tantivy_index import LexicalIndex
from tests.answer_shape import faults
from tests.fakes import HashEmbedder, Store, article, live_texts

ALL = bool(os.environ.get("FULL_NUMBERS"))
SAMPLE = 12
BRIDGE = article("bridge", "The bridge over the river opened. 😀 " + "More was said about the bridge on the day. " * 60)
CLOSED = article("bridge", "The bridge closed.")
DOG = article("dog", "A dog ran through the park.")
CAT = article("cat", "A cat slept on the mat.")


class Failing:
    """Count calls and fail the nth."""

    def __init__(self) -> None:
        self.left = 0
        self.failed = ""

    def arm(self, nth: int) -> None:
        self.left, self.failed = nth, ""

    def pass_by(self, name: str, error: BaseException) -> None:
        self.left -= 1
        if self.left == 0:
            self.failed = name
            raise error

    def wrap(self, patch: pytest.MonkeyPatch, owner: Any, name: str, error: Callable[[], BaseException]) -> None:
        original = getattr(owner, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self.pass_by(f"{getattr(owner, '__name__', owner)}.{name}", error())
            return original(*args, **kwargs)

        patch.setattr(owner, name, wrapped)


class FailingWriter:
    """Wrapper of tantivy's writer, whose class cannot be patched."""

    def __init__(self, writer: Any, failing: Failing) -> None:
        self._writer = writer
        self._failing = failing

    def __getattr__(self, name: str) -> Any:
        if name in ("add_document", "delete_documents_by_term", "commit"):
            self._failing.pass_by(f"writer.{name}", ValueError("an index writer was killed"))
        return getattr(self._writer, name)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Failing:
    failing = Failing()
    dialect = sa.engine.default.DefaultDialect
    for name in ("do_execute", "do_executemany", "do_commit"):
        failing.wrap(monkeypatch, dialect, name, lambda: sqlite3.OperationalError("disk I/O error"))
    for name in ("embed_texts", "embed_query"):
        failing.wrap(monkeypatch, HashEmbedder, name, lambda: EmbeddingFailed("the model is away"))
    for name in ("add", "delete", "get", "modify", "query"):
        failing.wrap(monkeypatch, Collection, name, lambda: InternalError("the log is away"))
    for name in ("get_collection", "get_or_create_collection", "list_collections", "delete_collection"):
        failing.wrap(monkeypatch, Client, name, lambda: InternalError("the system database is away"))
    failing.wrap(monkeypatch, chromadb, "PersistentClient", lambda: InternalError("the files are away"))
    files = ((shutil, "rmtree"), (shutil, "copyfile"), (os, "fsync"))
    for owner, name in (*files, *((Path, name) for name in ("replace", "rename", "mkdir"))):
        failing.wrap(monkeypatch, owner, name, lambda: OSError(5, "Input/output error"))
    opened = LexicalIndex._open_files

    def open_files(self: Any) -> None:
        opened(self)
        self._writer = FailingWriter(self._writer, failing)

    monkeypatch.setattr(LexicalIndex, "_open_files", open_files)
    return failing


def add(store: Store, folder: Path) -> None:
    store.add(CLOSED, CAT)


def take_down(store: Store, folder: Path) -> None:
    if any(row.source.article_id == "dog" for row in store.catalog.articles("default", 0, 9)):
        store.catalog.remove("default", "dog")
    store.projections.catch_up()


def rebuild(store: Store, folder: Path) -> None:
    store.projections.rebuild()


def back_up(store: Store, folder: Path) -> None:
    store.catalog.copy_to(str(folder / "copy"))


def take_in(store: Store, folder: Path) -> None:
    file = folder / "elsewhere" / "catalog.sqlite3"
    if not file.exists():
        restore(folder / "kept", f"sqlite:///{file}")
    restored = Catalog(f"sqlite:///{file}")
    try:
        assert live_texts(restored) == live_texts(store.catalog)
    finally:
        restored.close()


def ask(store: Store, folder: Path) -> None:
    answer = store.ask("What opened over the river?")
    assert faults(answer, store.catalog) == []
    assert answer.citations or answer.degraded, "the articles are said to be silent"


WORK = {"add": add, "take down": take_down, "rebuild": rebuild, "back up": back_up, "restore": take_in, "ask": ask}


@pytest.mark.parametrize("name", WORK)
def test_whichever_call_fails_the_next_try_succeeds(tmp_path: Path, failing: Failing, name: str) -> None:
    """Only our own errors; all of the old state or all of the new; the next try succeeds and the indexes are right."""
    work = WORK[name]
    original = tmp_path / "whole"
    with Store(original, HashEmbedder()) as store:
        store.add(BRIDGE, DOG)
        store.catalog.copy_to(str(original / "kept"))
        before = live_texts(store.catalog)
    after = {"add": {"bridge": CLOSED.text, "dog": DOG.text, "cat": CAT.text}, "take down": {"bridge": BRIDGE.text}}
    expected = after.get(name, before)
    calls = count(failing, original, tmp_path / "counted", work)
    print(f"{name}: {calls} calls")
    assert calls >= 3
    chosen = range(1, calls + 1) if ALL else random.Random(name).sample(range(1, calls + 1), SAMPLE // len(WORK))
    for nth in chosen:
        folder = tmp_path / f"{nth}"
        shutil.copytree(original, folder)
        with Store(folder, HashEmbedder()) as store:
            failing.arm(nth)
            raised = ""
            try:
                work(store, folder)
            except QaError as exc:
                raised = f"{exc}"
            failed_call = f"call {nth} of {calls}, {failing.failed}: {raised}"
            failing.arm(0)
            assert live_texts(store.catalog) in (before, expected), failed_call
            work(store, folder)
            assert live_texts(store.catalog) == expected, failed_call
            assert store.problems() == [], failed_call
            if name == "back up":
                assert [path.name for path in folder.glob("copy*")] == ["copy"], failed_call
        shutil.rmtree(folder)


def count(failing: Failing, original: Path, folder: Path, work: Callable[[Store, Path], None]) -> int:
    """Return how many calls of the operation can fail."""
    shutil.copytree(original, folder)
    with Store(folder, HashEmbedder()) as store:
        failing.arm(1_000_000)
        work(store, folder)
        return 1_000_000 - failing.left
