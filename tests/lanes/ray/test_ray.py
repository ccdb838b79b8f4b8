"""An ingest over a real Ray cluster on this machine; `make test-ray`, for Ray is a quarter of a gigabyte."""

import gzip
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from qa.catalog.catalog import Catalog
from qa.ingest.ingest import ingest
from qa.settings import Settings
from qa.types import IngestReport
from tests import ROOT

LANE = os.environ.get("TEST_RAY") == "1"  # read here: tests/conftest.py clears the settings before each test
pytestmark = pytest.mark.skipif(not LANE, reason="make test-ray installs Ray and runs this")
PATH = os.environ.get("PYTHONPATH", "")


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = Catalog(f"sqlite:///{tmp_path / 'catalog.sqlite3'}")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Start a cluster of two workers with little memory and our import path."""
    if not LANE:
        yield
        return
    import ray

    ray.init(
        num_cpus=2,
        object_store_memory=100_000_000,
        include_dashboard=False,
        log_to_driver=False,
        runtime_env={"env_vars": {"PYTHONPATH": f"{ROOT}{os.pathsep}{PATH}"}},
    )
    yield
    ray.shutdown()


def shards(folder: Path, n: int, rows_each: int) -> list[str]:
    paths = []
    for shard in range(n):
        path = folder / f"shard-{shard}.jsonl.gz"
        with gzip.open(path, "wt", encoding="utf-8") as file:
            for row in range(rows_each):
                number = shard * rows_each + row
                text = " ".join(f"Councillor {number} spoke of bridge {number * 7 + k} at length." for k in range(40))
                file.write(json.dumps({"id": f"a{number}", "text": text, "title": f"Title {number}"}) + "\n")
        paths.append(str(path))
    return paths


def run(catalog: Catalog, paths: list[str]) -> IngestReport:
    from qa.ingest.ray import RayWorkers
    from qa.wiring import build_embedder

    workers = RayWorkers(build_embedder, Settings(), 2)
    return ingest(workers.read(paths), catalog, workers, preparer=workers)


def contents(catalog: Catalog) -> dict[str, tuple[int, int]]:
    """Return each article's versions and chunks."""
    return {row.source.article_id: (len(row.versions), row.chunks) for row in catalog.articles("default", 0, 10_000)}


def test_it_is_the_same_store_as_without(cluster: None, catalog: Catalog, tmp_path: Path) -> None:
    """The same articles, chunks and vectors; a second run finds everything there."""
    from qa.wiring import build_embedder

    paths = shards(tmp_path, 2, 20)
    assert run(catalog, paths).added == 40
    again = run(catalog, paths)
    assert (again.added, again.updated, again.unchanged) == (0, 0, 40)
    alone = Catalog(f"sqlite:///{tmp_path / 'alone.sqlite3'}")
    from qa.readers.read import read

    embedder = build_embedder(Settings())
    assert embedder is not None
    ingest(read(paths), alone, embedder)
    assert contents(alone) == contents(catalog)
    shas = [row.embed_sha for row in alone.chunks_of(alone.live_pks())]
    expected, found = (opened.vectors(embedder.model, shas) for opened in (alone, catalog))
    assert expected.keys() == found.keys() and all((expected[sha] == found[sha]).all() for sha in expected)
    alone.close()


def busy_workers() -> list[int]:
    """Return the processes that prepare articles right now."""
    found = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if child.cmdline()[:1] == ["ray::_prepare"]:
                found.append(child.pid)
    return found


def test_a_worker_that_is_killed_loses_and_doubles_nothing(cluster: None, catalog: Catalog, tmp_path: Path) -> None:
    """Three times, in the middle of its work: Ray does the work again elsewhere, and the writer never notices."""
    paths = shards(tmp_path, 3, 40)
    killed: list[int] = []
    done = threading.Event()

    def kill() -> None:
        while len(killed) < 3 and not done.wait(1.5):
            for pid in busy_workers()[:1]:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    killer = threading.Thread(target=kill)
    killer.start()
    began = time.monotonic()
    report = run(catalog, paths)
    done.set()
    killer.join()
    print(f"killed {len(killed)} workers in {time.monotonic() - began:.1f} s")
    assert killed
    assert (report.added, report.refused) == (120, ())
    held = contents(catalog)
    assert set(held) == {f"a{n}" for n in range(120)}
    assert {versions for versions, _ in held.values()} == {1}
    rows = catalog.chunks_of(catalog.live_pks())
    assert len(catalog.vectors("all-MiniLM-L6-v2/int8/256", [row.embed_sha for row in rows])) == len(rows)


def test_a_shard_that_is_not_there_is_refused_by_itself(cluster: None, catalog: Catalog, tmp_path: Path) -> None:
    """The other shards are ingested."""
    report = run(catalog, [str(tmp_path / "none.jsonl"), *shards(tmp_path, 1, 3)])
    assert report.added == 3
    assert [refusal.source for refusal in report.refused] == [str(tmp_path / "none.jsonl")]
