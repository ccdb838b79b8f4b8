"""Concurrency: readers, writers and backups at the same time."""

import os
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from qa.catalog import backup
from qa.errors import NotFound
from qa.ingest.ingest import ingest
from qa.text.normalise import normalise
from tests.fakes import HashEmbedder, Store, article

ALL = bool(os.environ.get("FULL_NUMBERS"))


def at_once(*jobs: Callable[[], object]) -> None:
    """Run all jobs at the same time; an exception in any of them fails the test."""
    failed: list[BaseException] = []

    def run(job: Callable[[], object]) -> None:
        try:
            job()
        except BaseException as exc:  # noqa: BLE001  # the test reports what a thread raises
            failed.append(exc)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def body(version: int) -> str:
    """Return a text of several chunks, each of which names the version."""
    return "\n\n".join(f"Part {part} of version{version} told of the bridge. " + f"It said v{version} 😀. " * 60
                       for part in range(4))  # fmt: skip


def test_a_reader_sees_one_version_while_it_is_replaced(tmp_path: Path) -> None:
    """A reader sees the old version or the new one: never parts of both, never nothing."""
    replaces, seen, over = 1_000 if ALL else 12, [0, 0, 0], threading.Event()
    with Store(tmp_path) as store:
        store.add(article("a", body(0)))

        def read() -> None:
            while not over.is_set():
                hits = store.search("bridge", top_k=9).hits
                versions = {hit.source.version for hit in hits}
                seen[0] += 1
                seen[1] += not hits
                seen[2] += len(versions) > 1 or any(f"v{hit.source.version - 1} " not in hit.text for hit in hits)
                stored = store.catalog.text("default", "a")
                assert stored.text == normalise(body(stored.source.version - 1))

        def replace() -> None:
            try:
                for version in range(1, replaces + 1):
                    store.add(article("a", body(version)))
            finally:
                over.set()

        at_once(read, read, replace)
        assert seen[0] >= 10
        assert seen[1:] == [0, 0], f"{seen[1]} empty and {seen[2]} mixed of {seen[0]} searches"
        assert store.problems() == []


def test_sixteen_ingests_at_once_leave_one_live_version_an_id(tmp_path: Path) -> None:
    """Of one article: one version. Of two versions: one is live. Of one text under two ids: both are there."""
    with Store(tmp_path, HashEmbedder()) as store:

        def put(article_id: str, version: int) -> Callable[[], object]:
            return lambda: ingest([article(article_id, body(version))], store.catalog, store.embedder)

        at_once(*(put("same", 1) for _ in range(16)))
        at_once(*(put("two", number % 2) for number in range(16)))
        at_once(*(put(f"twin-{number % 2}", 7) for number in range(16)))
        store.projections.catch_up()
        assert store.problems() == []
        assert store.catalog.article("default", "same").versions == (1,)
        assert store.catalog.text("default", "two").text in (normalise(body(0)), normalise(body(1)))
        assert {store.catalog.text("default", f"twin-{n}").text for n in range(2)} == {normalise(body(7))}
        assert {store.catalog.article("default", f"twin-{n}").versions for n in range(2)} == {(1,)}
        assert len(store.catalog.articles("default", 0, 9)) == 4


def test_a_backup_while_others_write_is_of_one_moment(tmp_path: Path) -> None:
    """Restored elsewhere it is a consistent snapshot: every text is one that was written, and the indexes agree."""
    over = threading.Event()
    with Store(tmp_path / "live", HashEmbedder()) as store:
        store.add(*(article(f"a{number}", body(number)) for number in range(3)))
        written = {normalise(body(number)) for number in range(400)}

        def write() -> None:
            number = 0
            while not over.is_set() and number < 390:
                number += 1
                store.add(article(f"a{number % 7}", body(number)), article(f"b{number % 7}", body(number)))
                if number % 5 == 0:
                    with suppress(NotFound):
                        store.take_down(f"a{number % 7}")

        def copy() -> None:
            try:
                for number in range(50 if ALL else 2):
                    check_copy(tmp_path / f"{number}")
            finally:
                over.set()

        def check_copy(folder: Path) -> None:
            folder.mkdir()
            store.catalog.copy_to(str(folder / "copy"))
            backup.restore(folder / "copy", f"sqlite:///{folder / 'new' / 'catalog.sqlite3'}")
            with Store(folder / "new", HashEmbedder()) as restored:
                restored.projections.catch_up()
                assert restored.problems() == []
                assert restored.embedder.embedded == []
                texts = {row.source.article_id: restored.catalog.text("default", row.source.article_id).text
                         for row in restored.catalog.articles("default", 0, 99)}  # fmt: skip
                assert set(texts.values()) <= written
            shutil.rmtree(folder)

        at_once(write, copy)
