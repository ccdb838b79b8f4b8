"""Measure the speed of ingestion and of answers, in a temporary store.

    python -m eval bench speed [ARTICLES...] [--limit N] [--embed minilm|none] [--questions FILE] [--json]

Without paths, the sample articles are used. Questions are the lines of a file, or JSON lines with a `question` and an
`asof`; without a file, the headlines of the articles. Peak memory is that of this process, including the model.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from qa import Article, Library, Question, Refused, Settings, read


def measure(paths: Sequence[str], limit: int, embed: str, questions: Path | None) -> dict[str, Any]:
    """Ingest articles into a new store, ask questions of it, and return the figures."""
    titles: list[str] = []

    def items() -> Iterator[Article | Refused]:
        for article in itertools.islice(read(paths), limit):
            if isinstance(article, Article) and article.title:
                titles.append(article.title)
            yield article

    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        with Library(Settings(data_dir=Path(folder), embed_model=embed)) as library:
            opened = time.perf_counter()
            report = library.ingest(items(), workers=0)
            ready = time.perf_counter()
            asked = _questions(questions) if questions else [Question(title) for title in titles]
            times = [_ask(library, question) for question in asked[:200]]
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    articles = report.added + report.updated
    return {
        "embed": embed,
        "articles": articles,
        "refused": len(report.refused),
        "chunks": report.chunks,
        "open_s": round(opened - began, 2),
        "ingest_s": round(ready - opened, 2),
        "articles_per_s": round(articles / (ready - opened), 1),
        "chunks_per_s": round(report.chunks / (ready - opened), 1),
        "disk_mb_per_1000_articles": round(size / 1e6 / max(articles, 1) * 1_000, 1),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_024,
        "questions": len(times),
        **{
            f"{stage}_ms_p{p}": round(float(np.percentile([timing[stage] for timing in times], p)), 1)
            for stage in ("retrieve", "evidence", "total")
            for p in (50, 95)
        },
    }


def _questions(path: Path) -> list[Question]:
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) if line.startswith("{") else {"question": line} for line in lines if line.strip()]
    return [Question(row["question"], as_of=row.get("asof")) for row in rows]


def _ask(library: Library, question: Question) -> dict[str, float]:
    began = time.perf_counter()
    answer = asyncio.run(library.answerer().ask(question))
    return {**answer.timings_ms, "total": (time.perf_counter() - began) * 1_000}


def show(figures: dict[str, Any], as_json: bool) -> None:
    """Print one figure a line."""
    if as_json:
        json.dump(figures, sys.stdout)
        print()
        return
    for name, value in figures.items():
        print(f"{name:28} {value}")
