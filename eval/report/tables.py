"""The tables of a report: scored runs become rows that a template prints. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.report import plots
from eval.report.items import FAILURES, failures_of
from eval.runs.run import BadRun, Run
from eval.scoring.compare import Gates, compare_scores

FEW = 10  # a cell with fewer items is grey: one item is ten points or more


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores with the run that they were made from."""

    name: str  # A, B, ...
    path: str
    scores: Mapping[str, Any]
    run: Run
    written: str  # when the run's file was

    @property
    def metrics(self) -> Mapping[str, Any]:
        """Return every metric's figures by its name."""
        found: Mapping[str, Any] = self.scores["metrics"]
        return found


def metric_rows(scored: Sequence[Scored], gates: Gates | None) -> list[dict[str, Any]]:
    """Return each metric with a cell for every run."""
    names = dict.fromkeys(name for one in scored for name in one.metrics)
    rows = []
    for name in names:
        gate = gates.gated.get(name) if gates else None
        limit = None if gate is None else gate.floor if gate.floor is not None else gate.ceiling
        cells = []
        for one in scored:
            found = one.metrics.get(name, {"value": None, "low": None, "high": None, "n": 0, "unscored": {}})
            bar = None
            if found["value"] is not None:
                bar = plots.interval_bar(found["value"], found["low"], found["high"], limit)
            cells.append(found | {"bar": bar})
        better = next(one.metrics[name]["better"] for one in scored if name in one.metrics)
        rows.append({"name": name, "better": better, "gate": gate, "cells": cells, "reasons": _reasons(scored, cells)})
    return rows


def _reasons(scored: Sequence[Scored], cells: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return why items are unscored, once where every run has the same reasons."""
    found = [", ".join(f"{count} {reason}" for reason, count in cell["unscored"].items()) for cell in cells]
    if len(set(found)) == 1:
        return found[:1]
    return [f"{one.name}: {reasons or '-'}" for one, reasons in zip(scored, found, strict=True)]


def comparison_rows(scored: Sequence[Scored], gates: Gates | None) -> dict[str, Any] | None:
    """Return the paired differences of two runs, or why they cannot be compared; None unless there are two."""
    if len(scored) != 2:
        return None
    try:
        found = compare_scores(scored[0].scores, scored[1].scores, gates or Gates(0.05, {}))
    except BadRun as exc:
        return {"why": str(exc), "rows": [], "failures": []}
    ends = [end for row in found.rows for end in (row.difference.low, row.difference.high, row.difference.change)]
    reach = max((abs(end) for end in ends if end is not None), default=0) or 1
    rows = [
        (row, plots.change_bar(row.difference.change, row.difference.low, row.difference.high, reach))
        for row in found.rows
    ]
    return {"why": "", "rows": rows, "failures": found.failures if gates else []}


def manifest_rows(scored: Sequence[Scored]) -> list[tuple[str, list[str]]]:
    """Return each field of the manifests with the value of every run."""
    flat = [
        {"scores": one.path, "date of the run": one.written} | dict(_flatten(one.scores["manifest"])) for one in scored
    ]
    names = dict.fromkeys(name for one in flat for name in one)
    return [(name, [one.get(name, "") for one in flat]) for name in names if name not in ("kind", "format")]


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def failure_rows(scored: Sequence[Scored]) -> list[tuple[str, list[int]]]:
    """Return how often each kind of failure is met in each run."""
    kinds = [[failures_of(row) for row in one.scores["items"]] for one in scored]
    rows = [(name, [sum(name in found for found in run) for run in kinds]) for name in FAILURES]
    rows += [("any", [sum(bool(found) for found in run) for run in kinds])]
    return [*rows, ("none", [sum(not found for found in run) for run in kinds])]


def heat(name: str, scored: Scored) -> dict[str, Any]:
    """Return a table of every metric over the parts of a slice; the level says how good a cell is, 0 to 10."""
    parts = scored.scores["slices"][name]
    rows = []
    for metric, figures in scored.metrics.items():
        cells = []
        for part in parts.values():
            found = part["metrics"].get(metric)
            # Where nothing is to be found, a precision of 0 says no more than that something was claimed.
            family = metric.rpartition("_")[0] + "_recall"
            if found is not None and (family not in scored.metrics or family in part["metrics"]):
                good = found["value"] if figures["better"] == "higher" else 1 - found["value"]
                cells.append(found | {"level": round(10 * min(max(good, 0), 1))})
            else:
                cells.append(None)
        if any(cells):
            rows.append((metric, figures["better"], cells))
    return {"name": name, "parts": [(part, found["items_n"]) for part, found in parts.items()], "rows": rows}


def spent_rows(scored: Sequence[Scored]) -> list[tuple[str, list[str]]]:
    """Return what answering took, and who judged and how well they agree with people."""
    flat = []
    for one in scored:
        found = {"operations": one.scores["operations"], "judge": one.scores.get("judge") or {}}
        found |= {f"agreement on {entry['set']}": entry for entry in one.scores.get("judge_agreement") or ()}
        flat.append(dict(_flatten(found)))
    names = dict.fromkeys(name for one in flat for name in one)
    return [(name, [one.get(name, "") for one in flat]) for name in names]
