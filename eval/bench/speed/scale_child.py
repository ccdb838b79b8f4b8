"""The process that `eval bench scale` starts for each size: open a store, ask, and print the figures as JSON.

python -m eval.bench.speed.scale_child DIR EMBED QUESTIONS.jsonl [--recall N]
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eval.bench.processes import resident_mb
from qa import Library, Question, Settings

WARM_UP = 20
_NEAR = 100  # candidates of the vector leg
# The parts of the retriever, timed by wrapping them here: the service itself measures nothing.
_LEGS = (
    ("embed", "_embedder", "embed_query"),
    ("words", "_lexical", "search"),
    ("vectors", "_vectors", "search"),
    ("catalog", "_catalog", "chunks_at"),
)


def measure(store: Path, embed: str, questions: Sequence[tuple[str, str | None]]) -> dict[str, Any]:
    """Open a store in this process and time the opening, the legs of retrieval, searches and answers."""
    began = time.perf_counter()
    with Library(Settings(data_dir=store, embed_model=embed, mode="extractive")) as library:
        figures: dict[str, Any] = {"open_s": round(time.perf_counter() - began, 2)}
        figures["chunks"] = library.catalog.count()[1]
        for question, as_of in questions[:WARM_UP]:
            library.search(question, as_of=as_of)
        figures["memory_warm_mb"] = resident_mb()
        legs: dict[str, list[float]] = {}
        for name, part, method in _LEGS:
            if getattr(library.retriever, part) is not None:
                _time(getattr(library.retriever, part), method, legs.setdefault(name, []))
        wall, cpu = _timed(lambda question, as_of: library.search(question, as_of=as_of), questions)
        figures |= {"retrieve_ms": percentiles(wall), "retrieve_cpu_ms": percentiles(cpu)}
        figures["legs_ms"] = {name: percentiles(values) for name, values in legs.items()}
        answerer = library.answerer()
        wall, cpu = _timed(
            lambda question, as_of: asyncio.run(answerer.ask(Question(question, as_of=as_of))), questions
        )
        figures |= {"ask_ms": percentiles(wall), "ask_cpu_ms": percentiles(cpu), "questions": len(questions)}
        figures["memory_asked_mb"] = resident_mb()
    return figures


def recall(store: Path, embed: str, questions: Sequence[tuple[str, str | None]]) -> dict[str, Any]:
    """Compare the vector leg with an exact search over all vectors of the catalog."""
    with Library(Settings(data_dir=store, embed_model=embed, mode="extractive")) as library:
        assert library.embedder is not None
        index = getattr(library.retriever, "_vectors")  # noqa: B009  # the vector leg alone, without words and dates
        pks = library.catalog.live_pks()
        places: list[tuple[int, int, int]] = []
        parts: list[np.ndarray[Any, np.dtype[np.float32]]] = []
        for at in range(0, len(pks), 256):
            rows = library.catalog.chunks_of(pks[at : at + 256])
            kept = library.catalog.vectors(library.embedder.model, [row.embed_sha for row in rows])
            places += [(row.article, row.version, row.ordinal) for row in rows]
            parts.append(np.array([kept[row.embed_sha] for row in rows], np.float32))
        vectors = np.concatenate(parts)
        found: dict[int, list[float]] = {10: [], _NEAR: []}
        for question, _ in questions:
            vector = library.embedder.embed_query(question)
            exact = np.argsort(-(vectors @ vector), kind="stable")[:_NEAR]
            near = [hit.place for hit in index.search(vector, "default", (), _NEAR)]
            for top_k, recalls in found.items():
                recalls.append(len({places[row] for row in exact[:top_k]} & set(near)) / top_k)
    return {
        "n": len(questions),
        **{f"recall_{top_k}": round(float(np.mean(recalls)), 4) for top_k, recalls in found.items()},
    }


def _time(owner: Any, method: str, durations_ms: list[float]) -> None:
    call = getattr(owner, method)

    def timed(*args: Any, **options: Any) -> Any:
        began = time.perf_counter()
        try:
            return call(*args, **options)
        finally:
            durations_ms.append((time.perf_counter() - began) * 1_000)

    setattr(owner, method, timed)


def _timed(
    ask: Callable[[str, str | None], Any], questions: Sequence[tuple[str, str | None]]
) -> tuple[list[float], list[float]]:
    """Return the milliseconds of each question, wall clock and processor time."""
    wall: list[float] = []
    cpu: list[float] = []
    for question, as_of in questions:
        began, worked = time.perf_counter(), time.process_time()
        ask(question, as_of)
        wall.append((time.perf_counter() - began) * 1_000)
        cpu.append((time.process_time() - worked) * 1_000)
    return wall, cpu


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Return the median and the 95th percentile."""
    return {f"p{p}": round(float(np.percentile(values, p)), 1) for p in (50, 95)}


def read_questions(path: Path) -> list[tuple[str, str | None]]:
    """Read JSON lines with a `question` and an `asof`."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [(row["question"], row.get("asof")) for row in rows]


def main(arguments: Sequence[str]) -> None:
    """Print the figures, or with `--recall` the recall of the vector leg."""
    store, embed, questions_path, *rest = arguments
    questions = read_questions(Path(questions_path))
    work = recall if rest == ["--recall"] else measure
    print(json.dumps(work(Path(store), embed, questions)))


if __name__ == "__main__":
    main(sys.argv[1:])
