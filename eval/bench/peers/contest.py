"""Compare our retrieval with LlamaIndex and Haystack: the same articles, embedder, questions and machine, in one run.

Every system runs in its own process, one after another: ours in this environment, the others in theirs. Each writes the
pieces of text that it retrieved; eval/bench/peers/marks.py scores them, the same way for all.
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

DEPTH = 50  # pieces requested, to get ten different articles
TOP_K = 10  # pieces requested by a timed question
ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Contestant:
    """A system under comparison, and the module that wraps it."""

    name: str
    label: str
    module: str
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
    """What to compare, on how many articles, and where to keep results."""

    bench: Path
    python: Path  # of the peers' environment
    cache: Path
    articles: int
    timed: int
    names: tuple[str, ...]
    again: bool = False  # do not reuse reports of an earlier run with the same articles and questions


def run(contest: Contest, console: Console) -> tuple[Draw, dict[str, dict[str, Any]]]:
    """Run every system once and return the sample and the reports by name. Raises QaError when a system fails."""
    unknown = set(contest.names) - {contestant.name for contestant in CONTESTANTS}
    if unknown:
        raise QaError(
            f"no system {sorted(unknown)[0]!r}; there are {', '.join(contestant.name for contestant in CONTESTANTS)}"
        )
    chosen = [contestant for contestant in CONTESTANTS if contestant.name in contest.names]
    if not contest.python.exists() and not all(contestant.ours for contestant in chosen):
        raise QaError(f"{contest.python} is not there: `make bench-peers` makes the peers' environment")
    sample = draw(contest.bench, contest.articles)
    job = _write_job(contest, sample)
    digest = hashlib.sha256(job.read_bytes()).hexdigest()
    console.print(f"{len(sample.articles)} articles, {len(sample.questions)} questions")
    reports: dict[str, dict[str, Any]] = {}
    for number, contestant in enumerate(chosen, start=1):
        console.print(f"{number} of {len(chosen)}: {contestant.label}")
        out = (contest.cache / f"found-{contestant.name}-{digest[:12]}.json").resolve()
        if contest.again or not out.exists():
            _run_one(contestant, contest, job, out)
        reports[contestant.name] = json.loads(out.read_text(encoding="utf-8"))
    return sample, reports


def _write_job(contest: Contest, sample: Draw) -> Path:
    contest.cache.mkdir(parents=True, exist_ok=True)
    articles, questions = contest.cache / "articles.jsonl", contest.cache / "questions.jsonl"
    sample.write(articles, questions)
    job: dict[str, Any] = {
        "articles": str(articles.resolve()),
        "questions": str(questions.resolve()),
        "vectors": str(contest.cache.resolve()),
        "sha256": [hashlib.sha256(path.read_bytes()).hexdigest() for path in (articles, questions)],
        "depth": DEPTH,
        "top_k": TOP_K,
        "timed": contest.timed,
    }
    path = contest.cache / "job.json"
    path.write_text(json.dumps(job), encoding="utf-8")
    return path.resolve()


def _run_one(contestant: Contestant, contest: Contest, job: Path, out: Path) -> None:
    python = (
        sys.executable if contestant.ours else str(contest.python.absolute())
    )  # resolved, it would leave its environment
    # No telemetry, and no settings from the environment of the caller.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("QA_")}
    quiet = {"HAYSTACK_TELEMETRY_ENABLED": "False", "ANONYMIZED_TELEMETRY": "False"}
    command = [python, "-m", "eval.bench.peers.child", contestant.module, contestant.variant, str(job), str(out)]
    done = subprocess.run(command, cwd=ROOT, env=inherited | quiet, check=False)  # noqa: S603  # our own program
    if done.returncode or not out.exists():
        raise QaError(f"{contestant.label} stopped with exit code {done.returncode}")


def report(contest: Contest, plot: Path | None, as_json: bool, console: Console) -> str:
    """Run the comparison and return the tables, or all figures as JSON; draw the plot if a file is named."""
    if plot is not None:
        from eval.bench.peers.plot import (
            draw_peers,  # imported before the run, which takes an hour: without matplotlib this fails
        )
    sample, reports = run(contest, console)
    lines = compare_all(reports, sample.questions, SETS)
    cost_by_name = costs(reports)
    if plot is not None:
        plot.write_text(draw_peers(lines, cost_by_name, label), encoding="utf-8")
    if not as_json:
        return tables(lines, cost_by_name, label)
    figures = {
        "articles": len(sample.articles),
        "questions": len(sample.questions),
        "depth": DEPTH,
        "quality": [asdict(line) for line in lines],
        "costs": cost_by_name,
        "versions": {name: report["versions"] for name, report in reports.items()},
    }
    return json.dumps(figures, ensure_ascii=False, indent=1)


def label(name: str) -> str:
    """Return the name of a system in tables."""
    return next(contestant.label for contestant in CONTESTANTS if contestant.name == name)


def every_name() -> tuple[str, ...]:
    """Return the names of all systems."""
    return tuple(contestant.name for contestant in CONTESTANTS)
