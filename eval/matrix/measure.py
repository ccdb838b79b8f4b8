"""Ask the questions of a set with a model, and make a result of the run; an interrupted run is taken up."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console

from eval.matrix.results import FORMAT, Checked, Figure, Manifest, Result, Spending, View
from eval.matrix.sets import MatrixSet, hash_articles
from eval.matrix.statements import AS_WRITTEN, CHECKED
from eval.matrix.target import PairedTarget, write_as_written
from eval.metrics.behaviour import percentile
from eval.models.estimate import Prices
from eval.runs.files import write_text
from eval.runs.run import BadRun, RunSummary, read_run, run
from eval.runs.targets import AskOptions, open_library
from eval.scoring.score import score
from qa import Library, QaError, read

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_COMPLETE = "ingested.json"  # in a store that has all articles of its set
# The fields of a result, and the metrics of eval/scoring/registry.py and statements.py that they hold.
_SHARED = {
    "right": "answer_contains",
    "span_f1": "span_f1",
    "refused_rightly": "refusal_recall",
    "refused_wrongly": "over_refusal",
    "false_pass": "false_pass",
}
# The settings in a result file, which is made to be passed on: those that can change an answer, and no address.
_SETTINGS = (
    "embed_model", "reader", "entailment", "mode", "utility_model", "unsupported", "on_llm_failure", "deadline_s",
    "vector_store",
)  # fmt: skip
_CHECKED = _SHARED | {"false_strip": "false_strip", "replaced": "replaced", "fell_back": "fell_back"}


@dataclass(frozen=True, slots=True)
class MatrixOptions:
    """Where the models are, and how they are asked."""

    url: str
    server: str | None = None  # what serves them, for the result
    embed: str | None = None
    deadline_s: float | None = None
    workers: int = 1
    prices: Prices | None = None
    max_cost: float | None = None  # of one model on one set

    def environ(self, model: str) -> dict[str, str]:
        """Return the settings with which a model is asked."""
        deadline = {} if self.deadline_s is None else {"QA_DEADLINE_S": str(self.deadline_s)}
        return {"OPENAI_BASE_URL": self.url, "QA_LLM_MODEL": model, "QA_MODE": "llm", **deadline}

    def server_name(self) -> str:
        """Return what serves the models, at least its host."""
        return self.server or urlsplit(self.url).hostname or "unknown"


@dataclass(frozen=True, slots=True)
class Measured:
    """The result of a model on a set, and what went wrong with single questions."""

    result: Result
    errors: tuple[str, ...]


def measure(folder: Path, matrix_set: MatrixSet, model: str, options: MatrixOptions, console: Console) -> Measured:
    """Ask a model every question of a set. Raises BadRun, and QaError for a bad set or setting.

    The store, the run and the scores stay in the folder.
    """
    console.print(f"{model} on {matrix_set.name}", markup=False)
    stem = _UNSAFE.sub("-", f"{model}--{matrix_set.name}").strip("-.")
    path = folder / "runs" / f"{stem}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    store = folder / "stores" / matrix_set.name
    with open_library(store, None, options.embed, options.environ(model)) as library:
        _fill(library, store, matrix_set, console)
        summary = asyncio.run(_ask(library, matrix_set, path, options, console))
    if len(summary.errors) == summary.items:
        raise BadRun(f"no question was answered, the last: {summary.errors[-1]}")
    checked = _score(matrix_set, path, options.prices)
    as_written = _score(matrix_set, write_as_written(path, path.with_suffix(".as-written.jsonl")), None)
    return Measured(_result(path, matrix_set, model, options, checked, as_written), summary.errors)


def _fill(library: Library, store: Path, matrix_set: MatrixSet, console: Console) -> None:
    """Ingest the articles of a set, unless the store has them already."""
    marker, sha256 = store / _COMPLETE, hash_articles(matrix_set.articles)
    if marker.exists() and json.loads(marker.read_text(encoding="utf-8"))["articles_sha256"] == sha256:
        return
    console.print(f"ingesting the articles of {matrix_set.name}")
    report = library.ingest(read([str(matrix_set.articles)]))
    if report.refused:
        first = report.refused[0]
        raise QaError(f"{len(report.refused)} articles refused, the first {first.source}: {first.reason}")
    write_text(marker, json.dumps({"articles_sha256": sha256}) + "\n")


async def _ask(
    library: Library, matrix_set: MatrixSet, path: Path, options: MatrixOptions, console: Console
) -> RunSummary:
    asking = AskOptions("llm")
    target = PairedTarget(library, asking.collection)
    try:
        return await run(
            target,
            matrix_set.gold,
            path,
            asking,
            workers=options.workers,
            prices=options.prices,
            max_cost=options.max_cost,
            console=console,
        )
    finally:
        await target.aclose()


def _score(matrix_set: MatrixSet, path: Path, prices: Prices | None) -> dict[str, Any]:
    more = AS_WRITTEN if path.name.endswith(".as-written.jsonl") else CHECKED
    scores = score(matrix_set.gold, path, allow_missing_gold=True, prices=prices, more=more)
    write_text(path.with_suffix(".scores.json"), json.dumps(scores, ensure_ascii=False, allow_nan=False) + "\n")
    return scores


def _result(
    path: Path,
    matrix_set: MatrixSet,
    model: str,
    options: MatrixOptions,
    checked: Mapping[str, Any],
    as_written: Mapping[str, Any],
) -> Result:
    made = read_run(path)
    settings = {name: made.manifest["settings"][name] for name in _SETTINGS}
    manifest = {name: made.manifest[name] for name in Manifest.model_fields} | {"settings": settings}
    return Result(
        format=FORMAT,
        model=model,
        server=options.server_name(),
        set=matrix_set.name,
        date=datetime.now(UTC).date().isoformat(),
        n=checked["items_n"],
        of=matrix_set.of,
        failed=len(checked["errors"]),
        checked=Checked(**_figures(checked, _CHECKED)),
        as_written=View(**_figures(as_written, _SHARED)),
        spending=_spending([reply for reply in made.replies.values() if reply["error"] is None], options.prices),
        manifest=Manifest.model_validate(manifest),
    )


def _figures(scores: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Figure]:
    metrics = scores["metrics"]
    return {
        field: Figure(**{name: metrics[metric][name] for name in Figure.model_fields})
        for field, metric in names.items()
    }


def _spending(replies: list[dict[str, Any]], prices: Prices | None) -> Spending:
    usages = [reply["answer"]["usage"] for reply in replies]
    seconds = [reply["seconds"] for reply in replies]
    counted = any(usage["prompt_tokens"] for usage in usages)  # some servers report no usage in a stream

    def average(name: str) -> float | None:
        return sum(usage[name] for usage in usages) / len(usages) if counted else None

    return Spending(
        prompt_tokens=average("prompt_tokens"),
        completion_tokens=average("completion_tokens"),
        seconds_p50=percentile(seconds, 50),
        seconds_p95=percentile(seconds, 95),
        cost=sum(map(prices.cost, usages)) / len(usages) if prices is not None and counted else None,
        per_million_in=None if prices is None else prices.per_million_in,
        per_million_out=None if prices is None else prices.per_million_out,
    )
