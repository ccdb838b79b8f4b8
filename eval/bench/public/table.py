"""Measure the service on public sets that lie in a folder, and print each figure beside the one to beat.

A set is imported to the gold format, asked of a store that holds its articles, and scored, all by the parts that
measure any other gold set. Stores, runs and scores stay in a cache folder: stores are used again while their articles
are the same, runs that were interrupted are taken up.
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
    Measured as Claims,
    auroc,
    cross_validate,
    interval,
    measured,
    refitted_on,
)
from eval.dataset.importers import import_set, lines
from eval.metrics.stats import bca, cluster_sums
from eval.runs.manifest import commit, hash_code
from eval.runs.run import BadRun, IncompatibleRun, RunSummary, run
from eval.runs.targets import AskOptions, LibraryTarget, open_library
from eval.scoring.score import marks_of, score
from qa import Library, MiniLM, QaError, read

Embed = Literal["minilm", "none"]
_WHOLE = "ingested.json"  # stands in a store that holds its whole corpus


@dataclass(frozen=True, slots=True)
class Bench:
    """What to measure, where its data lies, and where results may stay."""

    data: Path
    cache: Path
    embed: Embed = "minilm"
    limit: int | None = None
    workers: int = 1
    stores: Mapping[str, Path] | None = None  # stores made before, by the name of their corpus
    refit: bool = False  # also show the support score with weights fitted anew on its sets


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
class Measured:
    """The table, and what keeps it from being whole."""

    figures: tuple[Figure, ...]
    faults: tuple[str, ...]
    seconds: float


def names() -> list[str]:
    """Return the names of all sets."""
    return [*SETS, *SUPPORT]


def measure(bench: Bench, wanted: Sequence[str], console: Console) -> Measured:
    """Measure the sets in turn. A set that is not there or cannot be measured is a fault, and the others go on."""
    unknown = sorted(set(wanted) - set(names()))
    if unknown:
        raise QaError(f"no set {', '.join(unknown)}; there are {', '.join(names())}")
    began = time.perf_counter()
    figures: list[Figure] = []
    faults: list[str] = []
    claims: dict[str, Claims] = {}
    for name in wanted:
        console.print(f"{name} ...")
        try:
            if name in SETS:
                figures += _of_set(bench, name, SETS[name], faults, console)
            else:
                embedder = MiniLM() if bench.embed == "minilm" else None
                claims[name] = measured(bench.data, name, embedder, bench.limit, bench.refit)
        except (QaError, BadRun, FileNotFoundError) as exc:
            faults.append(f"{name}: {exc}")
    figures += _supports(claims, bench.refit)
    return Measured(tuple(figures), tuple(faults), time.perf_counter() - began)


def _of_set(bench: Bench, name: str, one: BenchSet, faults: list[str], console: Console) -> list[Figure]:
    for place in (bench.data / one.folder / "items.jsonl", bench.data / one.corpus):
        if not place.exists():
            raise QaError(f"{place} is missing")
    folder = bench.cache / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    gold = folder / f"{name}.gold.jsonl"
    import_set(one.folder, bench.data / one.folder, gold, None, one.year or None)
    out = folder / f"{name}-{bench.embed}.run.jsonl"
    with open_library(_store(bench, one.corpus, console), None, bench.embed) as library:
        done = _ask(library, gold, out, one, bench, console)
    faults += [f"{name}: {error}" for error in done.errors]
    scores = score(gold, out, allow_missing_gold=True)
    (folder / f"{name}-{bench.embed}.scores.json").write_text(json.dumps(scores, allow_nan=False), encoding="utf-8")
    return [_figure(name, row, scores, one.by_article) for row in one.rows]


def _ask(library: Library, gold: Path, out: Path, one: BenchSet, bench: Bench, console: Console) -> RunSummary:
    asking = AskOptions("extractive", as_of_field=one.as_of_field, sentences=BEST_SENTENCES)

    def ask() -> RunSummary:
        target = LibraryTarget(library, asking.collection)
        options: dict[str, Any] = {"workers": bench.workers, "limit": bench.limit, "console": console}
        return asyncio.run(run(target, gold, out, asking, **options))

    try:
        return ask()
    except IncompatibleRun as exc:  # other code or data is what a bench is run again for
        console.print(f"{exc}: started anew")
        out.unlink()
        return ask()


def _figure(name: str, row: Row, scores: Mapping[str, Any], by_article: bool) -> Figure:
    found = scores["metrics"][row.metric]
    low, high = found["low"], found["high"]
    if not by_article:
        marks = marks_of(scores["items"], row.metric)
        low, high = bca(cluster_sums(marks, {item: item for item in marks})) or (None, None)
    return Figure(name, row.metric, row.label, found["value"], low, high, found["n"], row.anchor)


def _store(bench: Bench, corpus: str, console: Console) -> Path:
    """Return a store that holds a corpus; one that was interrupted is filled up."""
    name = corpus_name(corpus)
    if bench.stores and name in bench.stores:
        return bench.stores[name]
    path = bench.data / corpus
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    folder = bench.cache / "stores" / f"{name}-{bench.embed}-{sha256[:12]}"
    if (folder / _WHOLE).exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with open_library(folder, None, bench.embed) as library, Progress(*columns, console=console) as progress:
        bar = progress.add_task(f"articles of {name}", total=sum(1 for _ in lines(path)))
        report = library.ingest(
            read([str(path)]), progress=lambda count: progress.update(bar, advance=count), workers=bench.workers
        )
    # Kept in the store: an article that was refused cannot be found, and every figure on it counts it as missed.
    refused = [asdict(one) for one in report.refused]
    (folder / _WHOLE).write_text(json.dumps({"sha256": sha256, "refused": refused}), encoding="utf-8")
    return folder


def corpus_name(corpus: str) -> str:
    """Return the short name of a corpus, for folders and `--store`."""
    folder, _, file = corpus.partition("/")
    return folder if file == "docs.jsonl.gz" else file.removesuffix(".jsonl.gz")


def _supports(claims: Mapping[str, Claims], refit: bool) -> list[Figure]:
    """Return how well the support score tells claims apart, as it ships and, if asked, with weights fitted anew."""
    figures = [_support(name, "as shipped", one.scores, one.marks) for name, one in claims.items()]
    if refit and claims:
        found = cross_validate([one.examples for one in claims.values()])
        for (name, one), (scores, _) in zip(claims.items(), found, strict=True):
            figures.append(_support(name, f"fitted on {refitted_on(claims)}", scores, one.marks))
    return figures


def _support(name: str, weights: str, scores: Floats, marks: Floats) -> Figure:
    row, bounds = SUPPORT[name], interval(scores, marks)
    # Of few claims some draws are all of one kind: then there is no interval.
    low, high = bounds if all(map(math.isfinite, bounds)) else (None, None)
    label = f"{row.label}, weights {weights}"
    return Figure(name, row.metric, label, auroc(scores, marks), low, high, len(marks), row.anchor)


def as_json(found: Measured, bench: Bench) -> dict[str, Any]:
    """Return the table as data."""
    about = {"embed": bench.embed, "mode": "extractive", "limit": bench.limit, "refit": bench.refit}
    made = {"commit": commit(), "code_sha256": hash_code(), "seconds": round(found.seconds, 1)}
    return about | made | {"faults": list(found.faults), "figures": [asdict(one) for one in found.figures]}


def markdown(found: Measured) -> str:
    """Return the table."""
    shown = [("set", "figure", "n", "ours", "95 % interval", "to beat"), ("---",) * 6]
    for one in found.figures:
        value = "-" if one.value is None else f"{one.value:.3f}"
        interval = "-" if one.low is None or one.high is None else f"[{one.low:.3f}, {one.high:.3f}]"
        shown.append((one.set, one.label, str(one.n), value, interval, one.anchor))
    return "\n".join([*("| " + " | ".join(line) + " |" for line in shown), *(f"MISSING {one}" for one in found.faults)])
