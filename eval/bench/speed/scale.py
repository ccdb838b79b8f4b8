"""Measure memory and latency against the size of the corpus, with one store that grows.

    python -m eval bench scale [--data PATH] [--sizes 1000,10000,...] [--embed minilm|none] [--vectors-from DIR]
                               [--store DIR] [--out FILE.json] [--plot FILE.svg]

Articles are those of both years of `realtimeqa_docs`. Vectors are those that the store DIR keeps for the same chunks;
where it has none, copies of its vectors with noise, at cosine .89 to the original: good for time and memory, not for
quality. At each size two processes are started fresh: `qa serve`, for start-up and memory under 200 questions over
HTTP, and one that times each leg. On a machine that others use, processor time says more than the clock.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.bench.speed.scale_build import NOISE, Growing, LentVectors, corpus, disk_bytes, lend_from
from eval.bench.speed.scale_child import WARM_UP, read_questions, resident_mb
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
    """Grow a store from size to size and measure at each; the figures so far are on disk after each."""
    lent: LentVectors | None = lend_from(vectors_from) if embed == "minilm" else None
    figures: dict[str, Any] = {"embed": embed, "noise": NOISE if lent else None, "sizes": []}
    with tempfile.TemporaryDirectory() as folder:
        questions = Path(folder) / "questions.jsonl"
        asked = read_questions(data / "realtimeqa_goldlink" / "items.jsonl")[:QUESTIONS]
        rows = (json.dumps({"question": question, "asof": as_of}) for question, as_of in asked)
        questions.write_text("\n".join(rows), encoding="utf-8")
        where = store or Path(folder) / "store"
        growing = Growing(where, corpus(data), lent)
        for size in sizes:
            grown = growing.grow(size)
            real = (lent.real, lent.perturbed) if lent else (0, 0)
            one = {"built_chunks": grown.chunks, "built_s": round(grown.seconds, 1), "real_vectors": real[0]}
            one |= {"perturbed_vectors": real[1]} | look(where, embed, questions)
            figures["sizes"].append(one)
            out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
            svg.write_text(plot(figures["sizes"]), encoding="utf-8")
            print(json.dumps(one), file=sys.stderr, flush=True)
    return figures


def look(store: Path, embed: str, questions: Path, with_recall: bool = True) -> dict[str, Any]:
    """Measure one store as it is, in fresh processes."""
    found = serve(store, embed, read_questions(questions))
    found |= _child(store, embed, questions)
    found["disk_mb"] = {part: round(size / 1e6, 1) for part, size in disk_bytes(store).items()}
    if embed != "none" and with_recall:
        found["vector_recall"] = _child(store, embed, questions, "--recall")
    return found


def _child(store: Path, embed: str, questions: Path, *more: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "eval.bench.speed.scale_child", str(store), embed, str(questions), *more]
    done = subprocess.run(command, check=True, capture_output=True, env=_environment(store, embed))  # noqa: S603  # our own module
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _environment(store: Path, embed: str) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("QA_", "OPENAI_"))}
    return env | {"QA_DATA_DIR": str(store), "QA_EMBED_MODEL": embed, "QA_LOG_LEVEL": "WARNING"}


def serve(store: Path, embed: str, asked: Sequence[tuple[str, str | None]]) -> dict[str, Any]:
    """Start the service on a store; return how long it takes to be ready and what it holds in memory."""
    owner = store / "owner.json"
    owner.unlink(missing_ok=True)
    began, worked = time.perf_counter(), 0.0
    command = [sys.executable, "-c", _SERVE, "serve", "--port", "0"]
    with subprocess.Popen(command, env=_environment(store, embed), stdout=subprocess.DEVNULL) as server:  # noqa: S603  # our own
        try:
            server_at = _ready(owner, server)
            ready = time.perf_counter() - began
            worked = _cpu_s(server.pid)
            found = {"ready_s": round(ready, 2), "ready_cpu_s": round(worked, 2)}
            found["serve_ready_mb"] = resident_mb(server.pid)
            for number, (question, as_of) in enumerate(asked):
                if number == WARM_UP:
                    found["serve_warm_mb"] = resident_mb(server.pid)
                server_at.call("/v1/ask", {"question": question, "as_of": as_of})
            found["serve_asked_mb"] = resident_mb(server.pid)
        finally:
            server.terminate()
            server.wait(60)
    return found


def _ready(owner: Path, server: subprocess.Popen[bytes]) -> Connection:
    """Wait until `/readyz` says so; return the way to the server."""
    until = time.monotonic() + _START_S
    while server.poll() is None and time.monotonic() < until:
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


def _cpu_s(pid: int) -> float:
    values = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(values[11]) + int(values[12])) / os.sysconf("SC_CLK_TCK")


def show(figures: dict[str, Any]) -> None:
    """Print one row a size."""
    print("| chunks | retrieve p50 / p95 | cpu p50 / p95 | ask p50 / p95 | memory warm / asked | disk | ready |")
    print("|---|---|---|---|---|---|---|")
    for one in figures["sizes"]:
        cells = [f"{one['chunks']:,}"]
        cells += [
            f"{one[name]['p50']} / {one[name]['p95']} ms" for name in ("retrieve_ms", "retrieve_cpu_ms", "ask_ms")
        ]
        cells += [f"{one['serve_warm_mb']} / {one['serve_asked_mb']} MB", f"{sum(one['disk_mb'].values()):.0f} MB"]
        print("| " + " | ".join([*cells, f"{one['ready_s']} s"]) + " |")
