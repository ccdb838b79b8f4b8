"""Benchmark of two Ray workers against one, on a started cluster: `python -m tests.lanes.ray.speed --data DIR`."""

from __future__ import annotations

import argparse
import gzip
import itertools
import os
import tempfile
import time
from pathlib import Path

import ray

from qa.catalog.catalog import Catalog
from qa.ingest import ray as ray_ingest
from qa.ingest.ingest import ingest
from qa.ingest.ray import RayWorkers
from qa.settings import Settings
from qa.wiring import build_embedder

_SHARD = 10  # articles


def cut(source: Path, articles: int, folder: Path) -> list[str]:
    """Write the first rows of a set as shards."""
    with gzip.open(source, "rt", encoding="utf-8") as file:
        rows = list(itertools.islice(file, articles))
    shards = []
    for start in range(0, len(rows), _SHARD):
        path = folder / f"{start}.jsonl"
        path.write_text("".join(rows[start : start + _SHARD]), encoding="utf-8")
        shards.append(str(path))
    return shards


def timed(spread: RayWorkers, shards: list[str], folder: Path) -> tuple[float, int]:
    """Return the seconds of an ingest into a new catalog, and its number of chunks."""
    with tempfile.TemporaryDirectory(dir=folder) as store:
        catalog = Catalog(f"sqlite:///{store}/catalog.sqlite3")
        began = time.monotonic()
        report = ingest(spread.read(shards), catalog, spread, preparer=spread)
        seconds = time.monotonic() - began
        catalog.close()
    return seconds, report.chunks


def main() -> None:
    """Print one line per run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--articles", type=int, default=100)
    parser.add_argument("--address", help="of a cluster with two CPUs, else one is started")
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shards = cut(arguments.data / "realtimeqa_docs" / "docs_2022.jsonl.gz", arguments.articles, folder)
        ray.init(address=arguments.address, log_to_driver=False)
        spread = RayWorkers(build_embedder, Settings(), 2)
        timed(spread, shards[:2], folder)  # the workers open their model
        two = ray_ingest._prepare
        for workers in [1, 2] * arguments.rounds:
            # One worker: each batch reserves both CPUs.
            ray_ingest._prepare = two.options(num_cpus=3 - workers)
            load = os.getloadavg()[0]
            seconds, chunks = timed(spread, shards, folder)
            print(
                f"{workers} workers: {arguments.articles} articles, {chunks} chunks, {seconds:.1f} s,"
                f" {chunks / seconds:.1f} chunks/s, load before {load:.1f} on {os.cpu_count()} cores",
                flush=True,
            )


if __name__ == "__main__":
    main()
