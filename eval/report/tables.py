"""The tables of a report: rows of metrics, comparison, manifests, failures and slices for the templates. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.report import plots
from eval.report.items import FAILURES, failures_of
from eval.runs.run import BadRun, Run
from eval.scoring.compare import Gates, compare_scores

FEW = 10  # a cell with fewer items is grey, because one item is ten points or more


@dataclass(frozen=True, slots=True)
class ScoredRun:
    """Scores with the run from which they were made."""

    name: str  # A, B, ...
    path: str
    scores: Mapping[str, Any]
    run: Run
    written: str  # modification time of the run's file

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Return every metric's figures by its name."""
        metrics: Mapping[str, Any] = self.scores["metrics"]
        return metrics


def metric_rows(scored_runs: Sequence[ScoredRun], gates: Gates | None) -> list[dict[str, Any]]:
    """Return each metric with a cell for every run."""
    names = dict.fromkeys(name for run in scored_runs for name in run.metrics)
    rows = []
    for name in names:
        gate = gates.gated.get(name) if gates else None
        limit = None if gate is None else gate.floor if gate.floor is not None else gate.ceiling
        cells = []
        for run in scored_runs:
            figures = run.metrics.get(name, {"value": None, "low": None, "high": None, "n": 0, "unscored": {}})
            bar = None
            if figures["value"] is not None:
                bar = plots.interval_bar(figures["value"], figures["low"], figures["high"], limit)
            cells.append(figures | {"bar": bar})
        better = next(run.metrics[name]["better"] for run in scored_runs if name in run.metrics)
        rows.append(
            {"name": name, "better": better, "gate": gate, "cells": cells, "reasons": _reasons(scored_runs, cells)}
        )
    return rows


def _reasons(scored_runs: Sequence[ScoredRun], cells: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the reasons why items are unscored; only once if they are the same in every run."""
    reasons_by_run = [", ".join(f"{count} {reason}" for reason, count in cell["unscored"].items()) for cell in cells]
    if len(set(reasons_by_run)) == 1:
        return reasons_by_run[:1]
    return [f"{run.name}: {reasons or '-'}" for run, reasons in zip(scored_runs, reasons_by_run, strict=True)]


def comparison_rows(scored_runs: Sequence[ScoredRun], gates: Gates | None) -> dict[str, Any] | None:
    """Return the paired differences of two runs, or why they cannot be compared; None unless there are two runs."""
    if len(scored_runs) != 2:
        return None
    try:
        comparison = compare_scores(scored_runs[0].scores, scored_runs[1].scores, gates or Gates(0.05, {}))
    except BadRun as exc:
        return {"why": str(exc), "rows": [], "failures": []}
    ends = [end for row in comparison.rows for end in (row.difference.low, row.difference.high, row.difference.change)]
    reach = max((abs(end) for end in ends if end is not None), default=0) or 1
    rows = [
        (row, plots.change_bar(row.difference.change, row.difference.low, row.difference.high, reach))
        for row in comparison.rows
    ]
    return {"why": "", "rows": rows, "failures": comparison.failures if gates else []}


def manifest_rows(scored_runs: Sequence[ScoredRun]) -> list[tuple[str, list[str]]]:
    """Return each field of the manifests with the value of every run."""
    flat = [
        {"scores": run.path, "date of the run": run.written} | dict(_flatten(run.scores["manifest"]))
        for run in scored_runs
    ]
    names = dict.fromkeys(name for fields in flat for name in fields)
    return [(name, [fields.get(name, "") for fields in flat]) for name in names if name not in ("kind", "format")]


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def failure_rows(scored_runs: Sequence[ScoredRun]) -> list[tuple[str, list[int]]]:
    """Return the number of failures of each kind in each run."""
    kinds = [[failures_of(row) for row in run.scores["items"]] for run in scored_runs]
    rows = [(name, [sum(name in item_kinds for item_kinds in run) for run in kinds]) for name in FAILURES]
    rows += [("any", [sum(bool(item_kinds) for item_kinds in run) for run in kinds])]
    return [*rows, ("none", [sum(not item_kinds for item_kinds in run) for run in kinds])]


def heatmap(name: str, scored_run: ScoredRun) -> dict[str, Any]:
    """Return the heat map of all metrics over the parts of a slice; a cell's level is its quality from 0 to 10."""
    parts = scored_run.scores["slices"][name]
    rows = []
    for metric, figures in scored_run.metrics.items():
        cells = []
        for part in parts.values():
            cell = part["metrics"].get(metric)
            # If a part has nothing to recall, a precision of 0 only says that something was claimed: show no cell.
            family = metric.rpartition("_")[0] + "_recall"
            if cell is not None and (family not in scored_run.metrics or family in part["metrics"]):
                good = cell["value"] if figures["better"] == "higher" else 1 - cell["value"]
                cells.append(cell | {"level": round(10 * min(max(good, 0), 1))})
            else:
                cells.append(None)
        if any(cells):
            rows.append((metric, figures["better"], cells))
    return {"name": name, "parts": [(label, part["items_n"]) for label, part in parts.items()], "rows": rows}


def operation_rows(scored_runs: Sequence[ScoredRun]) -> list[tuple[str, list[str]]]:
    """Return latency and cost of answering, and the judge with its agreement with human labels."""
    flat = []
    for run in scored_runs:
        sections = {"operations": run.scores["operations"], "judge": run.scores.get("judge") or {}}
        sections |= {f"agreement on {entry['set']}": entry for entry in run.scores.get("judge_agreement") or ()}
        flat.append(dict(_flatten(sections)))
    names = dict.fromkeys(name for fields in flat for name in fields)
    return [(name, [fields.get(name, "") for fields in flat]) for name in names]
