"""`eval bench tables`: measure the service on public sets and print each figure beside the one to beat.

A set is imported to the gold format, asked of a store that holds its articles, and scored, by the code that measures
any other gold set. Stores, runs and scores stay in a cache folder: a store is reused while its articles are the same,
and an interrupted run is resumed.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from eval.bench.public.sets import BEST_SENTENCES, SETS, SUPPORT, BenchSet, Row
from eval.bench.verification.support_scores import (
    Floats,
    ScoredClaims,
    auroc,
    cross_validate,
    interval,
    refitted_on,
    score_claims,
)
from eval.dataset.importers import import_set, lines
from eval.metrics.stats import bca, cluster_sums
from eval.runs.manifest import commit, hash_code
from eval.runs.run import BadRun, IncompatibleRun, RunSummary, run
from eval.runs.targets import AskOptions, LibraryTarget, open_library
from eval.scoring.score import marks_of, score
from qa import Library, MiniLM, QaError, read

Embed = Literal["minilm", "none"]
_COMPLETE = "ingested.json"  # a file in a store that holds its whole corpus


@dataclass(frozen=True, slots=True)
class Bench:
    """What to measure, where the data is, and where to cache results."""

    data: Path
    cache: Path
    embed: Embed = "minilm"
    limit: int | None = None
    workers: int = 1
    stores: Mapping[str, Path] | None = None  # existing stores, by the name of their corpus
    refit: bool = False  # also measure the support score with weights refitted on its sets


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    set: str
    metric: str
    label: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    anchor: str


@dataclass(frozen=True, slots=True)
class Results:
    """The figures, and the faults of sets that could not be measured."""

    figures: tuple[Figure, ...]
    faults: tuple[str, ...]
    seconds: float


def names() -> list[str]:
    """Return the names of all sets."""
    return [*SETS, *SUPPORT]


def measure(bench: Bench, set_names: Sequence[str], console: Console) -> Results:
    """Measure the sets in turn. A set that is missing or fails is a fault; the others are still measured."""
    unknown = sorted(set(set_names) - set(names()))
    if unknown:
        raise QaError(f"no set {', '.join(unknown)}; there are {', '.join(names())}")
    began = time.perf_counter()
    figures: list[Figure] = []
    faults: list[str] = []
    claims: dict[str, ScoredClaims] = {}
    for name in set_names:
        console.print(f"{name} ...")
        try:
            if name in SETS:
                figures += _measure_set(bench, name, SETS[name], faults, console)
            else:
                embedder = MiniLM() if bench.embed == "minilm" else None
                claims[name] = score_claims(bench.data, name, embedder, bench.limit, bench.refit)
        except (QaError, BadRun, FileNotFoundError) as exc:
            faults.append(f"{name}: {exc}")
    figures += _supports(claims, bench.refit)
    return Results(tuple(figures), tuple(faults), time.perf_counter() - began)


def _measure_set(bench: Bench, name: str, bench_set: BenchSet, faults: list[str], console: Console) -> list[Figure]:
    for path in (bench.data / bench_set.folder / "items.jsonl", bench.data / bench_set.corpus):
        if not path.exists():
            raise QaError(f"{path} is missing")
    folder = bench.cache / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    gold = folder / f"{name}.gold.jsonl"
    import_set(bench_set.folder, bench.data / bench_set.folder, gold, None, bench_set.year or None)
    run_path = folder / f"{name}-{bench.embed}.run.jsonl"
    with open_library(_store(bench, bench_set.corpus, console), None, bench.embed) as library:
        done = _ask(library, gold, run_path, bench_set, bench, console)
    faults += [f"{name}: {error}" for error in done.errors]
    scores = score(gold, run_path, allow_missing_gold=True)
    (folder / f"{name}-{bench.embed}.scores.json").write_text(json.dumps(scores, allow_nan=False), encoding="utf-8")
    return [_figure(name, row, scores, bench_set.by_article) for row in bench_set.rows]


def _ask(
    library: Library, gold: Path, run_path: Path, bench_set: BenchSet, bench: Bench, console: Console
) -> RunSummary:
    asking = AskOptions("extractive", as_of_field=bench_set.as_of_field, sentences=BEST_SENTENCES)

    def ask() -> RunSummary:
        target = LibraryTarget(library, asking.collection)
        options: dict[str, Any] = {"workers": bench.workers, "limit": bench.limit, "console": console}
        return asyncio.run(run(target, gold, run_path, asking, **options))

    try:
        return ask()
    except IncompatibleRun as exc:  # a changed code or data hash is the usual reason to run a bench again
        console.print(f"{exc}: started anew")
        run_path.unlink()
        return ask()


def _figure(name: str, row: Row, scores: Mapping[str, Any], by_article: bool) -> Figure:
    metric = scores["metrics"][row.metric]
    low, high = metric["low"], metric["high"]
    if not by_article:
        marks = marks_of(scores["items"], row.metric)
        low, high = bca(cluster_sums(marks, {item: item for item in marks})) or (None, None)
    return Figure(name, row.metric, row.label, metric["value"], low, high, metric["n"], row.anchor)


def _store(bench: Bench, corpus: str, console: Console) -> Path:
    """Return a store that holds a corpus, built or completed if necessary."""
    name = corpus_name(corpus)
    if bench.stores and name in bench.stores:
        return bench.stores[name]
    path = bench.data / corpus
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    folder = bench.cache / "stores" / f"{name}-{bench.embed}-{sha256[:12]}"
    if (folder / _COMPLETE).exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with open_library(folder, None, bench.embed) as library, Progress(*columns, console=console) as progress:
        bar = progress.add_task(f"articles of {name}", total=sum(1 for _ in lines(path)))
        report = library.ingest(
            read([str(path)]), progress=lambda count: progress.update(bar, advance=count), workers=bench.workers
        )
    # Kept in the store: a refused article cannot be found, so every figure counts it as missed.
    refused = [asdict(refusal) for refusal in report.refused]
    (folder / _COMPLETE).write_text(json.dumps({"sha256": sha256, "refused": refused}), encoding="utf-8")
    return folder


def corpus_name(corpus: str) -> str:
    """Return the short name of a corpus, for folders and `--store`."""
    folder, _, file = corpus.partition("/")
    return folder if file == "docs.jsonl.gz" else file.removesuffix(".jsonl.gz")


def _supports(claims: Mapping[str, ScoredClaims], refit: bool) -> list[Figure]:
    """Return the AUROC of the support score on each set, as it ships and, with `refit`, with refitted weights."""
    figures = [_support(name, "as shipped", claim_set.scores, claim_set.marks) for name, claim_set in claims.items()]
    if refit and claims:
        refitted = cross_validate([claim_set.examples for claim_set in claims.values()])
        for (name, claim_set), (scores, _) in zip(claims.items(), refitted, strict=True):
            figures.append(_support(name, f"fitted on {refitted_on(claims)}", scores, claim_set.marks))
    return figures


def _support(name: str, weights: str, scores: Floats, marks: Floats) -> Figure:
    row, bounds = SUPPORT[name], interval(scores, marks)
    # With few claims, some bootstrap draws hold one class alone: then there is no interval.
    low, high = bounds if all(map(math.isfinite, bounds)) else (None, None)
    label = f"{row.label}, weights {weights}"
    return Figure(name, row.metric, label, auroc(scores, marks), low, high, len(marks), row.anchor)


def as_json(results: Results, bench: Bench) -> dict[str, Any]:
    """Return the figures as JSON data."""
    about = {"embed": bench.embed, "mode": "extractive", "limit": bench.limit, "refit": bench.refit}
    revision = {"commit": commit(), "code_sha256": hash_code(), "seconds": round(results.seconds, 1)}
    return (
        about | revision | {"faults": list(results.faults), "figures": [asdict(figure) for figure in results.figures]}
    )


def markdown(results: Results) -> str:
    """Return the figures as a Markdown table."""
    rows = [("set", "figure", "n", "ours", "95 % interval", "to beat"), ("---",) * 6]
    for figure in results.figures:
        value = "-" if figure.value is None else f"{figure.value:.3f}"
        interval = "-" if figure.low is None or figure.high is None else f"[{figure.low:.3f}, {figure.high:.3f}]"
        rows.append((figure.set, figure.label, str(figure.n), value, interval, figure.anchor))
    return "\n".join(
        [*("| " + " | ".join(row) + " |" for row in rows), *(f"MISSING {fault}" for fault in results.faults)]
    )
