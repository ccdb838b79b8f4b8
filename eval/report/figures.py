"""The plots of one run: reliability, risk and coverage, refusal by threshold, latency. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from eval.metrics import curves
from eval.report import plots
from eval.report.tables import ScoredRun

_NO_CONFIDENCE = "no confidence in these answers"


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot: its drawing, None if there is none, and a note or the reason for that."""

    title: str
    drawing: Markup | None
    note: str


def draw_plots(scored_run: ScoredRun) -> list[Plot]:
    """Return the plots of one run; a plot that cannot be drawn has the reason as its note."""
    rows, replies = scored_run.scores["items"], scored_run.run.replies
    answers = [(row, replies[row["id"]]["answer"]) for row in rows if not row["error"]]
    confident = [(row, answer) for row, answer in answers if _confidence(answer) is not None]
    answered = [
        (_confidence(answer) or 0.0, row["marks"].get("answer_contains", [0])[0] == 1)
        for row, answer in confident
        if row["status"] != "not_in_sources"
    ]
    refusals = [(_confidence(answer), row["slices"]["answerable"] != "answerable") for row, answer in answers]

    def reliability() -> tuple[Markup, str]:
        bins = curves.reliability(answered)
        error = curves.calibration_error(bins)
        note = f"{len(answered)} answers; expected calibration error {error:.3f}. Above each bar is how many it holds."
        return plots.reliability_plot(bins), note

    def risk() -> tuple[Markup, str]:
        curve = scored_run.scores["risk_coverage"]
        if "area" not in curve:
            raise ValueError(curve["unscored"])
        note = f"{curve['n']} answers; area {curve['area']:.4f}, 0 is best"
        return plots.risk_coverage_plot(curve["points"], curve["area"]), note

    def refusal() -> tuple[Markup, str]:
        thresholds = curves.refusal_by_threshold(refusals)
        return plots.refusal_plot(
            thresholds
        ), f"{len(refusals)} questions, {sum(unanswerable for _, unanswerable in refusals)} unanswerable"

    def latency() -> tuple[Markup, str]:
        values = [replies[row["id"]]["seconds"] * 1_000 for row, _ in answers]
        if not values:
            raise ValueError("no reply")
        percentiles = [(name, value) for name, value in scored_run.scores["operations"]["latency_ms"].items()]
        return plots.latency_plot(values, percentiles), f"{len(values)} answers, slowest {max(values):.0f} ms"

    return [
        _plot("Reliability of confidence", reliability if answered else None),
        _plot("Risk and coverage", risk if answered else None),
        _plot("Refusal by threshold", refusal if confident else None),
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
    confidence = answer.get("confidence")
    return float(confidence) if isinstance(confidence, int | float) else None
