"""Paired comparison of two scored runs: differences with intervals and p values, and the gates that may fail. Pure."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from eval.judging.judge import IDENTITY
from eval.metrics.stats import Difference, compare, holm
from eval.runs.run import BadRun
from eval.scoring.registry import JUDGED_METRICS, METRICS
from eval.scoring.score import FORMAT, clusters_of, marks_of

EVERY_METRIC = METRICS + JUDGED_METRICS  # only judged runs have marks of the latter
GATES = Path(__file__).parents[1] / "gates.toml"
_SAME = ("gold_sha256", "corpus_sha256", "items")


@dataclass(frozen=True, slots=True)
class Gate:
    """The floor and the ceiling of one gated metric."""

    floor: float | None = None
    ceiling: float | None = None


@dataclass(frozen=True, slots=True)
class Gates:
    """The gated metrics, and the significance level at which a fall fails."""

    alpha: float
    gated: Mapping[str, Gate]


@dataclass(frozen=True, slots=True)
class Row:
    """The comparison of one metric."""

    name: str
    better: Literal["higher", "lower"]
    difference: Difference
    p_holm: float | None  # None for a metric that is not gated

    @property
    def worse(self) -> bool:
        """Tell whether the change goes the wrong way."""
        return self.difference.change < 0 if self.better == "higher" else self.difference.change > 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """All metrics that both runs have, and the reasons why the new run fails."""

    rows: tuple[Row, ...]
    failures: tuple[str, ...]


def load_scores(path: Path) -> dict[str, Any]:
    """Read the scores of a run. Raises BadRun for another file and for a number that is not finite."""
    try:
        scores: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except (OSError, ValueError) as exc:
        raise BadRun(f"{path}: {exc}") from None
    if not isinstance(scores, dict) or scores.get("format") != FORMAT:
        raise BadRun(f"{path}: not scores of format {FORMAT}")
    if not scores["items"]:
        raise BadRun(f"{path}: no items")
    return scores


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a figure")


def load_gates(path: Path = GATES) -> Gates:
    """Read the gates. Raises BadRun for an unknown metric or key, because a misspelt gate would guard nothing."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        gates = Gates(table["alpha"], {name: Gate(**gate) for name, gate in table["gated"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise BadRun(f"{path}: {exc}") from None
    unknown = sorted(gates.gated.keys() - {metric.name for metric in EVERY_METRIC})
    if unknown or table.keys() != {"alpha", "gated"} or not 0 < gates.alpha < 1:
        raise BadRun(f"{path}: no such metric or key: {', '.join(unknown) or ', '.join(table)}")
    return gates


def check_gates(scores: Mapping[str, Any], gates: Gates) -> list[str]:
    """Return the gates that a run fails; a missing or unscored metric fails its gate."""
    failures = (
        [f"{len(scores['errors'])} questions failed: {', '.join(scores['errors'][:5])}"] if scores["errors"] else []
    )
    for name, gate in gates.gated.items():
        value = scores["metrics"].get(name, {}).get("value")
        if value is None or not math.isfinite(value):
            failures.append(f"{name}: unscored")
        elif gate.floor is not None and value < gate.floor:
            failures.append(f"{name}: {value:.4f} is under its floor {gate.floor}")
        elif gate.ceiling is not None and value > gate.ceiling:
            failures.append(f"{name}: {value:.4f} is over its ceiling {gate.ceiling}")
    return failures


def compare_scores(base: Mapping[str, Any], new: Mapping[str, Any], gates: Gates) -> Comparison:
    """Return the paired comparison of two runs. Raises BadRun unless they are of the same questions and articles."""
    _check_pair(base, new)
    differences: dict[str, Difference] = {}
    for metric in EVERY_METRIC:
        marks = marks_of(base["items"], metric.name), marks_of(new["items"], metric.name)
        difference = compare(*marks, clusters_of(base["items"]))
        if difference is not None:
            differences[metric.name] = difference
    adjusted = holm({name: differences[name].p for name in gates.gated if name in differences})
    rows = tuple(
        Row(metric.name, metric.better, differences[metric.name], adjusted.get(metric.name))
        for metric in EVERY_METRIC
        if metric.name in differences
    )
    failures = check_gates(new, gates)
    failures += [f"{name}: unscored in the base" for name in gates.gated if name not in differences]
    failures += [
        f"{row.name}: worse by {abs(row.difference.change):.4f}, p = {row.p_holm:.4f} after Holm"
        for row in rows
        if row.p_holm is not None and row.worse and row.p_holm < gates.alpha
    ]
    return Comparison(rows, tuple(dict.fromkeys(failures)))


def _check_pair(base: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    for name in _SAME:
        if base["manifest"][name] != new["manifest"][name]:
            raise BadRun(f"the two runs have another {name}: they cannot be compared")
    judges = {tuple(scores["judge"][name] for name in IDENTITY) for scores in (base, new) if scores.get("judge")}
    if len(judges) > 1:
        raise BadRun(f"the two runs had other judges: {' and '.join(map(str, sorted(judges)))}")
    unpaired = {row["id"] for row in base["items"]} ^ {row["id"] for row in new["items"]}
    if unpaired:
        raise BadRun(f"item {min(unpaired)} is in one of the two runs only")
    for scores in (base, new):
        for row in scores["items"]:
            for name, mark in row["marks"].items():
                if len(mark) != 2 or not all(isinstance(part, int | float) and math.isfinite(part) for part in mark):
                    raise BadRun(f"item {row['id']}: {name} is {mark}")


def table(comparison: Comparison) -> str:
    """Return the comparison as lines for a terminal; gated metrics have a p value adjusted by Holm."""
    head = f"{'metric':24} {'n':>5} {'base':>7} {'new':>7} {'change':>8}  {'95 % interval':19}"
    lines = [f"{head} {'p':>7} {'Holm':>7} {'seen from':>9}"]
    for row in comparison.rows:
        difference = row.difference
        interval = (
            "-"
            if difference.low is None or difference.high is None
            else f"[{difference.low:+.4f}, {difference.high:+.4f}]"
        )
        gated = "-" if row.p_holm is None else f"{row.p_holm:.4f}"
        mark = " worse" if row.worse and difference.p < 0.05 else ""
        lines.append(
            f"{row.name:24} {difference.n:5} {difference.base:7.4f} {difference.new:7.4f}"
            f" {difference.change:+8.4f}  {interval:19}"
            f" {difference.p:7.4f} {gated:>7} {difference.detectable:9.4f}{mark}"
        )
    return "\n".join([*lines, *_verdict(comparison.failures)])


def _verdict(failures: Sequence[str]) -> list[str]:
    return [f"FAILED {failure}" for failure in failures] or ["passed"]


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison as JSON data."""
    return {
        "passed": not comparison.failures,
        "failures": list(comparison.failures),
        "metrics": {
            row.name: {
                "n": row.difference.n,
                "clusters": row.difference.clusters,
                "base": row.difference.base,
                "new": row.difference.new,
                "change": row.difference.change,
                "low": row.difference.low,
                "high": row.difference.high,
                "p": row.difference.p,
                "p_holm": row.p_holm,
                "detectable": row.difference.detectable,
                "better": row.better,
                "worse": row.worse,
            }
            for row in comparison.rows
        },
    }
