"""Compare two scores of one gold set, item by item, and say what has become worse beyond chance. Pure."""

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

EVERY_METRIC = METRICS + JUDGED_METRICS  # only judged runs have marks in the second part
GATES = Path(__file__).parents[1] / "gates.toml"
_SAME = ("gold_sha256", "corpus_sha256", "items")


@dataclass(frozen=True, slots=True)
class Gate:
    """What is asked of one metric."""

    floor: float | None = None
    ceiling: float | None = None


@dataclass(frozen=True, slots=True)
class Gates:
    """What is asked of a run, and how sure a fall must be."""

    alpha: float
    gated: Mapping[str, Gate]


@dataclass(frozen=True, slots=True)
class Row:
    """One metric in both runs."""

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
    """Every metric that both runs have, and why the new one does not pass."""

    rows: tuple[Row, ...]
    failures: tuple[str, ...]


def load_scores(path: Path) -> dict[str, Any]:
    """Read the scores of a run. Raises BadRun for what is not one, and for any figure that is none."""
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
    """Read the gates. Raises BadRun for a metric or a key that does not exist: a misspelt gate guards nothing."""
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
    """Return which floors and ceilings a run does not keep; what is missing or unscored does not keep them."""
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
    """Return the paired comparison of two runs. Raises BadRun when they are not of the same questions and articles."""
    _check_pair(base, new)
    found: dict[str, Difference] = {}
    for metric in EVERY_METRIC:
        marks = marks_of(base["items"], metric.name), marks_of(new["items"], metric.name)
        difference = compare(*marks, clusters_of(base["items"]))
        if difference is not None:
            found[metric.name] = difference
    adjusted = holm({name: found[name].p for name in gates.gated if name in found})
    rows = tuple(
        Row(metric.name, metric.better, found[metric.name], adjusted.get(metric.name))
        for metric in EVERY_METRIC
        if metric.name in found
    )
    failures = check_gates(new, gates)
    failures += [f"{name}: unscored in the base" for name in gates.gated if name not in found]
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
    judges = {tuple(one["judge"][name] for name in IDENTITY) for one in (base, new) if one.get("judge")}
    if len(judges) > 1:
        raise BadRun(f"the two runs had other judges: {' and '.join(map(str, sorted(judges)))}")
    apart = {row["id"] for row in base["items"]} ^ {row["id"] for row in new["items"]}
    if apart:
        raise BadRun(f"item {min(apart)} is in one of the two runs only")
    for scores in (base, new):
        for row in scores["items"]:
            for name, mark in row["marks"].items():
                if len(mark) != 2 or not all(isinstance(part, int | float) and math.isfinite(part) for part in mark):
                    raise BadRun(f"item {row['id']}: {name} is {mark}")


def table(comparison: Comparison) -> str:
    """Return the comparison as lines for a terminal; gated metrics carry a p."""
    head = f"{'metric':24} {'n':>5} {'base':>7} {'new':>7} {'change':>8}  {'95 % interval':19}"
    lines = [f"{head} {'p':>7} {'Holm':>7} {'seen from':>9}"]
    for row in comparison.rows:
        one = row.difference
        interval = "-" if one.low is None or one.high is None else f"[{one.low:+.4f}, {one.high:+.4f}]"
        gated = "-" if row.p_holm is None else f"{row.p_holm:.4f}"
        mark = " worse" if row.worse and one.p < 0.05 else ""
        lines.append(
            f"{row.name:24} {one.n:5} {one.base:7.4f} {one.new:7.4f} {one.change:+8.4f}  {interval:19}"
            f" {one.p:7.4f} {gated:>7} {one.detectable:9.4f}{mark}"
        )
    return "\n".join([*lines, *_verdict(comparison.failures)])


def _verdict(failures: Sequence[str]) -> list[str]:
    return [f"FAILED {one}" for one in failures] or ["passed"]


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison as data."""
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
