"""The plots of one run: confidence and latency. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from eval.metrics import curves
from eval.report import plots
from eval.report.tables import Scored

_NO_CONFIDENCE = "no confidence in these answers"


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawing, or why there is none, and what to know of it."""

    title: str
    drawing: Markup | None
    note: str


def draw_plots(scored: Scored) -> list[Plot]:
    """Return the plots of one run; one that cannot be drawn says why."""
    rows, replies = scored.scores["items"], scored.run.replies
    asked = [(row, replies[row["id"]]["answer"]) for row in rows if not row["error"]]
    stated = [(row, answer) for row, answer in asked if _confidence(answer) is not None]
    answered = [
        (_confidence(answer) or 0.0, row["marks"].get("answer_contains", [0])[0] == 1)
        for row, answer in stated
        if row["status"] != "not_in_sources"
    ]
    refusals = [(_confidence(answer), row["slices"]["answerable"] != "answerable") for row, answer in asked]

    def reliability() -> tuple[Markup, str]:
        bins = curves.reliability(answered)
        error = curves.calibration_error(bins)
        note = f"{len(answered)} answers; expected calibration error {error:.3f}. Above each bar is how many it holds."
        return plots.reliability_plot(bins), note

    def risk() -> tuple[Markup, str]:
        found = scored.scores["risk_coverage"]
        if "area" not in found:
            raise ValueError(found["unscored"])
        note = f"{found['n']} answers; area {found['area']:.4f}, 0 is best"
        return plots.risk_coverage_plot(found["points"], found["area"]), note

    def refusal() -> tuple[Markup, str]:
        found = curves.refusal_by_threshold(refusals)
        return plots.refusal_plot(found), f"{len(refusals)} questions, {sum(one for _, one in refusals)} unanswerable"

    def latency() -> tuple[Markup, str]:
        values = [replies[row["id"]]["seconds"] * 1_000 for row, _ in asked]
        if not values:
            raise ValueError("no reply")
        shares = [(name, value) for name, value in scored.scores["operations"]["latency_ms"].items()]
        return plots.latency_plot(values, shares), f"{len(values)} answers, slowest {max(values):.0f} ms"

    return [
        _plot("Reliability of confidence", reliability if answered else None),
        _plot("Risk and coverage", risk if answered else None),
        _plot("Refusal by threshold", refusal if stated else None),
        _plot("Latency", latency),
    ]


def _plot(title: str, draw: Callable[[], tuple[Markup, str]] | None) -> Plot:
    if draw is None:
        return Plot(title, None, _NO_CONFIDENCE)
    try:
        return Plot(title, *draw())
    except ValueError as exc:
        return Plot(title, None, str(exc))


def _confidence(answer: Mapping[str, Any]) -> float | None:
    found = answer.get("confidence")
    return float(found) if isinstance(found, int | float) else None
