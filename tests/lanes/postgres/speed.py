"""Benchmark of one writer of prepared articles with vectors, on SQLite and PostgreSQL in turn.

python -m tests.lanes.postgres.speed --data DIR [--articles N] [--rounds N]
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import tempfile
import time
from pathlib import Path

import numpy as np

from qa.catalog.catalog import Catalog, Prepared
from qa.ingest.prepare import prepare
from qa.types import Article
from tests.lanes.postgres.cluster import Cluster

_BATCH = 32  # articles in one transaction, as an ingest with embeddings has


def prepared_articles(source: Path, n: int) -> list[Prepared]:
    """Return the first articles of a set as an ingest prepares them."""
    with gzip.open(source, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in itertools.islice(file, n)]
    made = [prepare(Article(id=f"a{at}", text=row["text"], title=row.get("title"))) for at, row in enumerate(rows)]
    return [item for item in made if isinstance(item, Prepared)]


def timed(url: str, articles: list[Prepared]) -> float:
    """Return how many seconds it takes to write them all into an empty catalog."""
    dice = np.random.default_rng(1)
    batches = [articles[at : at + _BATCH] for at in range(0, len(articles), _BATCH)]
    vectors = [
        {sha: dice.standard_normal(384).astype(np.float32) for item in batch for sha in item.embed_shas}
        for batch in batches
    ]
    catalog = Catalog(url)
    began = time.monotonic()
    for batch, new in zip(batches, vectors, strict=True):
        catalog.known("default", [item.article.id for item in batch])
        catalog.write("default", batch, new, "m", since=0)
    seconds = time.monotonic() - began
    catalog.close()
    return seconds


def main() -> None:
    """Print one line per run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--articles", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    articles = prepared_articles(arguments.data / "realtimeqa_docs" / "docs_2022.jsonl.gz", arguments.articles)
    chunks = sum(len(item.chunks) for item in articles)
    cluster = Cluster(options="-c fsync=on -c synchronous_commit=on")
    try:
        for _ in range(arguments.rounds):
            with tempfile.TemporaryDirectory() as folder:
                urls = {
                    "SQLite": f"sqlite:///{folder}/catalog.sqlite3",
                    "PostgreSQL": cluster.url(cluster.create()),
                }
                for name, url in urls.items():
                    seconds = timed(url, articles)
                    print(
                        f"{name}: {len(articles)} articles, {chunks} chunks, {seconds:.2f} s,"
                        f" {1000 * seconds / chunks:.3f} ms a chunk",
                        flush=True,
                    )
    finally:
        cluster.close()


if __name__ == "__main__":
    main()
