"""Measure memory and latency against corpus size, with one growing store.

    python -m eval bench scale [--data PATH] [--sizes 1000,10000,...] [--embed minilm|none] [--vectors-from DIR]
                               [--store DIR] [--out FILE.json] [--plot FILE.svg]

Articles are those of both years of `realtimeqa_docs`. Vectors are those that the store DIR keeps for the same chunks;
where it has none, noisy copies of its vectors, at cosine .89 to the original: good for time and memory, not for
quality. At each size two new processes are started: `qa serve`, for start-up time and memory under 200 questions over
HTTP, and one that times each leg of retrieval. On a shared machine, processor time is more reliable than the wall
clock.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.bench.processes import clean_environment, cpu_s, resident_mb
from eval.bench.speed.scale_build import NOISE, BorrowedVectors, GrowingStore, borrow_vectors, corpus, disk_bytes
from eval.bench.speed.scale_child import WARM_UP, read_questions
from eval.bench.speed.scale_plot import plot
from eval.runs.server_target import Connection
from qa import QaError

SIZES = (1_000, 10_000, 50_000, 100_000, 306_208)
QUESTIONS = 200
_START_S = 900
_SERVE = "from qa.cli.main import main; main()"


def measure(
    data: Path, sizes: Sequence[int], embed: str, vectors_from: Path | None, store: Path | None, out: Path, svg: Path
) -> dict[str, Any]:
    """Grow a store from size to size and measure at each; after each, write the figures so far."""
    vectors: BorrowedVectors | None = borrow_vectors(vectors_from) if embed == "minilm" else None
    figures: dict[str, Any] = {"embed": embed, "noise": NOISE if vectors else None, "sizes": []}
    with tempfile.TemporaryDirectory() as folder:
        questions_path = Path(folder) / "questions.jsonl"
        questions = read_questions(data / "realtimeqa_goldlink" / "items.jsonl")[:QUESTIONS]
        rows = (json.dumps({"question": question, "asof": as_of}) for question, as_of in questions)
        questions_path.write_text("\n".join(rows), encoding="utf-8")
        store_path = store or Path(folder) / "store"
        growing = GrowingStore(store_path, corpus(data), vectors)
        for size in sizes:
            grown = growing.grow(size)
            counts = (vectors.real, vectors.perturbed) if vectors else (0, 0)
            entry = {"built_chunks": grown.chunks, "built_s": round(grown.seconds, 1), "real_vectors": counts[0]}
            entry |= {"perturbed_vectors": counts[1]} | measure_store(store_path, embed, questions_path)
            figures["sizes"].append(entry)
            out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
            svg.write_text(plot(figures["sizes"]), encoding="utf-8")
            print(json.dumps(entry), file=sys.stderr, flush=True)
    return figures


def measure_store(store: Path, embed: str, questions_path: Path, with_recall: bool = True) -> dict[str, Any]:
    """Measure a store as it is, in new processes."""
    figures = serve(store, embed, read_questions(questions_path))
    figures |= _child(store, embed, questions_path)
    figures["disk_mb"] = {part: round(size / 1e6, 1) for part, size in disk_bytes(store).items()}
    if embed != "none" and with_recall:
        figures["vector_recall"] = _child(store, embed, questions_path, "--recall")
    return figures


def _child(store: Path, embed: str, questions_path: Path, *more: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "eval.bench.speed.scale_child", str(store), embed, str(questions_path), *more]
    done = subprocess.run(command, check=True, capture_output=True, env=_environment(store, embed))  # noqa: S603  # our own module
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def _environment(store: Path, embed: str) -> dict[str, str]:
    return clean_environment() | {"QA_DATA_DIR": str(store), "QA_EMBED_MODEL": embed, "QA_LOG_LEVEL": "WARNING"}


def serve(store: Path, embed: str, questions: Sequence[tuple[str, str | None]]) -> dict[str, Any]:
    """Start the service on a store, ask the questions, and return its start-up time and memory."""
    owner = store / "owner.json"
    owner.unlink(missing_ok=True)
    began, worked = time.perf_counter(), 0.0
    command = [sys.executable, "-c", _SERVE, "serve", "--port", "0"]
    with subprocess.Popen(command, env=_environment(store, embed), stdout=subprocess.DEVNULL) as server:  # noqa: S603  # our own
        try:
            connection = _ready(owner, server)
            ready = time.perf_counter() - began
            worked = cpu_s(server.pid)
            figures = {"ready_s": round(ready, 2), "ready_cpu_s": round(worked, 2)}
            figures["serve_ready_mb"] = resident_mb(server.pid)
            for number, (question, as_of) in enumerate(questions):
                if number == WARM_UP:
                    figures["serve_warm_mb"] = resident_mb(server.pid)
                connection.call("/v1/ask", {"question": question, "as_of": as_of})
            figures["serve_asked_mb"] = resident_mb(server.pid)
        finally:
            server.terminate()
            server.wait(60)
    return figures


def _ready(owner: Path, server: subprocess.Popen[bytes]) -> Connection:
    """Wait until `/readyz` succeeds; return a connection to the server."""
    deadline = time.monotonic() + _START_S
    while server.poll() is None and time.monotonic() < deadline:
        url = json.loads(owner.read_text() or "{}").get("url") if owner.exists() else None
        if url:
            connection = Connection(url, None)
            try:
                connection.call("/readyz")
            except QaError:  # not listening yet, or not ready
                pass
            else:
                return connection
        time.sleep(0.05)
    raise RuntimeError("the service did not get ready")


def show(figures: dict[str, Any]) -> None:
    """Print one row for each size."""
    print("| chunks | retrieve p50 / p95 | cpu p50 / p95 | ask p50 / p95 | memory warm / asked | disk | ready |")
    print("|---|---|---|---|---|---|---|")
    for row in figures["sizes"]:
        cells = [f"{row['chunks']:,}"]
        cells += [
            f"{row[name]['p50']} / {row[name]['p95']} ms" for name in ("retrieve_ms", "retrieve_cpu_ms", "ask_ms")
        ]
        cells += [f"{row['serve_warm_mb']} / {row['serve_asked_mb']} MB", f"{sum(row['disk_mb'].values()):.0f} MB"]
        print("| " + " | ".join([*cells, f"{row['ready_s']} s"]) + " |")
