"""Compare our retrieval with LlamaIndex and Haystack: the same articles, embedder, questions and machine, in one run.

Every system runs in a process of its own, one after another: ours in this environment, the others in theirs. All find
pieces of text; marks are made here, from what they wrote down, and the same way for all (eval/bench/peers/marks.py).
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from eval.bench.peers.marks import compare_all, costs, tables
from eval.bench.peers.sample import SETS, Draw, draw
from qa import QaError

DEPTH = 50  # pieces that are looked at for ten different articles
TOP_K = 10  # pieces that a timed question asks for
ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Contestant:
    """A system that is compared, and the room that knows it."""

    name: str
    label: str
    room: str
    variant: str
    ours: bool = False


CONTESTANTS = (
    Contestant("ours-words", "ours, words only", "eval.bench.peers.ours", "none", True),
    Contestant("ours", "ours, words and vectors", "eval.bench.peers.ours", "minilm", True),
    Contestant("llamaindex", "LlamaIndex dense", "eval.bench.peers.llamaindex", "dense"),
    Contestant("llamaindex-small", "LlamaIndex dense, 256 tokens", "eval.bench.peers.llamaindex", "dense-small"),
    Contestant("fusion", "LlamaIndex fusion with BM25", "eval.bench.peers.llamaindex", "fusion"),
    Contestant("fusion-small", "LlamaIndex fusion, 256 tokens", "eval.bench.peers.llamaindex", "fusion-small"),
    Contestant("citation", "LlamaIndex CitationQueryEngine", "eval.bench.peers.llamaindex", "citation"),
    Contestant("haystack", "Haystack hybrid", "eval.bench.peers.haystack", "hybrid"),
)


@dataclass(frozen=True, slots=True)
class Contest:
    """What is compared, over how many articles, and where things are kept."""

    bench: Path
    python: Path  # of the peers' environment
    cache: Path
    articles: int
    timed: int
    names: tuple[str, ...]
    again: bool = False  # also run what an earlier run with the same articles and questions wrote down


def run(contest: Contest, console: Console) -> tuple[Draw, dict[str, dict[str, Any]]]:
    """Run every system once and return what each wrote down, by name. Raises QaError when one fails."""
    unknown = set(contest.names) - {one.name for one in CONTESTANTS}
    if unknown:
        raise QaError(f"no system {sorted(unknown)[0]!r}; there are {', '.join(one.name for one in CONTESTANTS)}")
    chosen = [one for one in CONTESTANTS if one.name in contest.names]
    if not contest.python.exists() and not all(one.ours for one in chosen):
        raise QaError(f"{contest.python} is not there: `make bench-peers` makes the peers' environment")
    drawn = draw(contest.bench, contest.articles)
    job = _write_job(contest, drawn)
    digest = hashlib.sha256(job.read_bytes()).hexdigest()
    console.print(f"{len(drawn.articles)} articles, {len(drawn.questions)} questions")
    found: dict[str, dict[str, Any]] = {}
    for place, one in enumerate(chosen, start=1):
        console.print(f"{place} of {len(chosen)}: {one.label}")
        out = (contest.cache / f"found-{one.name}-{digest[:12]}.json").resolve()
        if contest.again or not out.exists():
            _run_one(one, contest, job, out)
        found[one.name] = json.loads(out.read_text(encoding="utf-8"))
    return drawn, found


def _write_job(contest: Contest, drawn: Draw) -> Path:
    contest.cache.mkdir(parents=True, exist_ok=True)
    articles, questions = contest.cache / "articles.jsonl", contest.cache / "questions.jsonl"
    drawn.write(articles, questions)
    words: dict[str, Any] = {
        "articles": str(articles.resolve()),
        "questions": str(questions.resolve()),
        "vectors": str(contest.cache.resolve()),
        "sha256": [hashlib.sha256(path.read_bytes()).hexdigest() for path in (articles, questions)],
        "depth": DEPTH,
        "top_k": TOP_K,
        "timed": contest.timed,
    }
    job = contest.cache / "job.json"
    job.write_text(json.dumps(words), encoding="utf-8")
    return job.resolve()


def _run_one(one: Contestant, contest: Contest, job: Path, out: Path) -> None:
    python = sys.executable if one.ours else str(contest.python.absolute())  # resolved, it would leave its environment
    # Nobody is told of this run, and nothing is read from the settings of whoever starts it.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QA_")}
    quiet = {"HAYSTACK_TELEMETRY_ENABLED": "False", "ANONYMIZED_TELEMETRY": "False"}
    command = [python, "-m", "eval.bench.peers.child", one.room, one.variant, str(job), str(out)]
    done = subprocess.run(command, cwd=ROOT, env=kept | quiet, check=False)  # noqa: S603  # our own program
    if done.returncode or not out.exists():
        raise QaError(f"{one.label} stopped with exit code {done.returncode}")


def report(contest: Contest, plot: Path | None, as_json: bool, console: Console) -> str:
    """Run everything and return the tables, or all figures as JSON; draw the picture if a file is named."""
    if plot is not None:
        from eval.bench.peers.plot import (
            draw_peers,  # before the run: it takes an hour, and this fails without matplotlib
        )
    drawn, found = run(contest, console)
    lines = compare_all(found, drawn.questions, SETS)
    taken = costs(found)
    if plot is not None:
        plot.write_text(draw_peers(lines, taken, label), encoding="utf-8")
    if not as_json:
        return tables(lines, taken, label)
    figures = {
        "articles": len(drawn.articles),
        "questions": len(drawn.questions),
        "depth": DEPTH,
        "quality": [asdict(one) for one in lines],
        "costs": taken,
        "versions": {name: one["versions"] for name, one in found.items()},
    }
    return json.dumps(figures, ensure_ascii=False, indent=1)


def label(name: str) -> str:
    """Return what a system is called in tables."""
    return next(one.label for one in CONTESTANTS if one.name == name)


def every_name() -> tuple[str, ...]:
    """Return the names of all systems."""
    return tuple(one.name for one in CONTESTANTS)
