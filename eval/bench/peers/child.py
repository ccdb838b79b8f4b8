"""Run one system in its own process: index the articles, ask the questions, write what it retrieved and the time taken.

    python -m eval.bench.peers.child MODULE VARIANT JOB.json OUT.json

`eval bench peers` starts it, in our environment or in that of the peers. MODULE wraps the system.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from eval.bench.peers.vector_cache import CachedEmbedder

MODES = ("undated", "dated")
ARTICLES = 10  # ranked articles kept of each reply
CHARS = 8_000  # characters of retrieved text kept of each reply
_WARM_UP = 5

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Piece:
    """A retrieved piece of text, and the span in its article that the system reports."""

    article_ids: tuple[str, ...]  # more than one where copies of an article were folded into one
    text: str
    start: int | None
    end: int | None


class System(Protocol):
    """A retrieval system under comparison."""

    versions: dict[str, str]
    embedder: CachedEmbedder | None
    chunks: int
    refused: int  # articles that it rejected

    def add(self, path: Path) -> None:
        """Index the articles; return when they can be searched."""
        ...

    def search(self, question: str, as_of: str | None, top_k: int) -> list[Piece]:
        """Return the best pieces, best first; with `as_of`, only of articles published by that day."""
        ...

    def pieces(self) -> Iterable[Piece]:
        """Return every piece of the index; nothing where they cannot be listed."""
        ...

    def text(self, article_id: str) -> str:
        """Return the text that offsets refer to."""
        ...

    def close(self) -> None:
        """Release its files."""
        ...


def main(module: str, variant: str, job_path: str, out: str) -> None:
    """Run one system on a job and write its report."""
    job = json.loads(Path(job_path).read_text(encoding="utf-8"))
    with Path(job["questions"]).open(encoding="utf-8") as file:
        questions = [json.loads(line) for line in file]
    with tempfile.TemporaryDirectory() as folder:
        system: System = import_module(module).open_system(variant, Path(folder), Path(job["vectors"]))
        try:
            report = _run(system, job, questions)
        finally:
            system.close()
    Path(out).write_text(json.dumps(report, ensure_ascii=False), encoding="utf-8")


def _run(system: System, job: Row, questions: Sequence[Row]) -> Row:
    ingest = _ingest(system, Path(job["articles"]))
    log_progress(f"{system.chunks:,} chunks; asking {len(questions)} questions")
    replies: dict[str, dict[str, Row]] = {mode: {} for mode in MODES}
    exact = [0, 0]
    for done, question in enumerate(questions):
        if done and done % 100 == 0:
            log_progress(f"{done} questions asked")
        for mode in MODES:
            pieces = system.search(question["text"], question["as_of"] if mode == "dated" else None, job["depth"])
            replies[mode][question["id"]] = reply(pieces)
            if mode == "undated":
                _count_exact(system, pieces[: job["top_k"]], exact)
    everywhere = [0, 0]
    _count_exact(system, system.pieces(), everywhere)
    log_progress("timing")
    return {
        "versions": system.versions,
        "chunks": system.chunks,
        "refused": system.refused,
        "ingest": ingest,
        "exact": exact,
        "exact_everywhere": everywhere,
        "latency": {mode: time_questions(system, questions[: job["timed"]], mode, job["top_k"]) for mode in MODES},
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024,
        "replies": replies,
    }


def _ingest(system: System, articles: Path) -> dict[str, float]:
    """Index the articles and return the time it took, embedding and the rest apart."""
    if system.embedder is not None:
        system.embedder.embed_query("warm up")
    began = np.array([time.perf_counter(), time.process_time()])
    system.add(articles)
    total = np.array([time.perf_counter(), time.process_time()]) - began
    if system.embedder is None:
        return {"rest_s": total[0], "rest_cpu_s": total[1], "embed_s": 0.0, "embed_cpu_s": 0.0}
    system.embedder.save()
    rest, cost = total - system.embedder.inside, system.embedder.cost
    return {"rest_s": rest[0], "rest_cpu_s": rest[1], "embed_s": float(cost[0]), "embed_cpu_s": float(cost[1])}


def reply(pieces: Sequence[Piece], chars: int = CHARS) -> Row:
    """Return the first articles, each once, and the first `chars` characters of the pieces."""
    articles = dict.fromkeys(name for piece in pieces for name in piece.article_ids)
    return {"articles": list(articles)[:ARTICLES], "texts": first_chars((piece.text for piece in pieces), chars)}


def first_chars(texts: Iterable[str], chars: int) -> list[str]:
    """Return the texts up to `chars` characters in all; the last is cut."""
    kept: list[str] = []
    for text in texts:
        if chars <= 0:
            break
        kept.append(text[:chars])
        chars -= len(text)
    return kept


def _count_exact(system: System, pieces: Iterable[Piece], counts: list[int]) -> None:
    for piece in pieces:
        counts[0] += is_exact(piece, system.text(piece.article_ids[0]))
        counts[1] += 1


def is_exact(piece: Piece, text: str) -> bool:
    """Tell whether the article has exactly these characters at the span that the system reports."""
    return piece.start is not None and piece.end is not None and text[piece.start : piece.end] == piece.text


def time_questions(system: System, questions: Sequence[Row], mode: str, top_k: int) -> dict[str, list[float]]:
    """Ask the questions in turn and return the milliseconds of each, wall clock and processor time."""
    clock: list[float] = []
    processor: list[float] = []
    for question in (*questions[:_WARM_UP], *questions):
        began = time.perf_counter(), time.process_time()
        system.search(question["text"], question["as_of"] if mode == "dated" else None, top_k)
        clock.append((time.perf_counter() - began[0]) * 1_000)
        processor.append((time.process_time() - began[1]) * 1_000)
    warm = min(_WARM_UP, len(questions))
    return {"clock_ms": clock[warm:], "processor_ms": processor[warm:]}


def rows(path: Path) -> Iterator[Row]:
    """Yield the article rows of a file."""
    with path.open(encoding="utf-8") as file:
        yield from (json.loads(line) for line in file)


def day_number(day: str) -> int:
    """Return a day as an integer in date order, because filters of vector stores compare numbers."""
    return int(day[:10].replace("-", ""))


def log_progress(words: str) -> None:
    """Print progress on stderr."""
    print(f"    {words}", file=sys.stderr, flush=True)


def log_every(texts: int) -> Callable[[int], None]:
    """Return a function that prints how many texts are embedded, once for every `texts` of them."""
    reported = 0

    def log_texts(done: int) -> None:
        nonlocal reported
        if done // texts > reported:
            reported = done // texts
            log_progress(f"{done:,} texts embedded")

    return log_texts


if __name__ == "__main__":
    main(*sys.argv[1:])
