"""Score what each system retrieved, the same way for all, and compare ours with each peer. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.bench.peers.child import first_chars
from eval.bench.peers.sample import PeerQuestion
from eval.bench.tuning.realtimeqa import holds
from eval.metrics.stats import Difference, Mark, compare, ratio

OURS = "ours"
SHORT, LONG = 1_600, 8_000  # characters of retrieved text: what a reader, and what a model, is given
METRICS = ("hits@1", "hits@4", "hits@10", "MRR@10", f"answer@{SHORT}", f"answer@{LONG}")

Report = Mapping[str, Any]  # what the process of a system wrote (child.py)


@dataclass(frozen=True, slots=True)
class Line:
    """The scores of one system on the questions of one set, asked with or without their day."""

    set: str
    mode: str
    name: str
    n: int
    values: dict[str, float]
    ahead: dict[str, Difference | None]  # our score minus that of this system, asked the same way


def compare_all(reports: Mapping[str, Report], questions: Sequence[PeerQuestion], sets: Sequence[str]) -> list[Line]:
    """Return a line for each set, mode (undated, dated) and system."""
    lines: list[Line] = []
    for name in sets:
        asked = [question for question in questions if name in question.sets]
        clusters = {
            question.id: question.gold[0] for question in asked
        }  # questions about one article are not independent
        for mode in ("undated", "dated"):
            marks = {system: mark_all(report["replies"][mode], asked) for system, report in reports.items()}
            for system, marked in marks.items():
                lines.append(
                    Line(
                        name,
                        mode,
                        system,
                        len(asked),
                        {metric: ratio(list(values.values())) for metric, values in marked.items()},
                        _ahead(marked, marks.get(OURS), clusters) if system != OURS else {},
                    )
                )
    return lines


def _ahead(
    theirs: Mapping[str, Mapping[str, Mark]], ours: Mapping[str, Mapping[str, Mark]] | None, clusters: Mapping[str, str]
) -> dict[str, Difference | None]:
    if ours is None:
        return {}
    return {metric: compare(theirs[metric], ours[metric], clusters) for metric in METRICS}


def mark_all(replies: Mapping[str, Any], questions: Sequence[PeerQuestion]) -> dict[str, dict[str, Mark]]:
    """Return the score of each metric by question; questions without gold answers have no answer score."""
    marks: dict[str, dict[str, Mark]] = {metric: {} for metric in METRICS}
    for question in questions:
        reply = replies[question.id]
        rank = rank_of(reply["articles"], question.gold)
        for depth in (1, 4, 10):
            marks[f"hits@{depth}"][question.id] = (float(rank is not None and rank <= depth), 1)
        marks["MRR@10"][question.id] = (1 / rank if rank else 0.0, 1)
        if question.answers:
            for chars in (SHORT, LONG):
                answered = any(holds(text, question.answers) for text in first_chars(reply["texts"], chars))
                marks[f"answer@{chars}"][question.id] = (float(answered), 1)
    return marks


def rank_of(articles: Sequence[str], gold: Sequence[str]) -> int | None:
    """Return the rank, from 1, of the first gold article; None if none was retrieved."""
    return next((place for place, article_id in enumerate(articles, start=1) if article_id in gold), None)


def costs(reports: Mapping[str, Report]) -> dict[str, dict[str, float]]:
    """Return the time and memory each system took, and how many of its citations are exact."""
    return {name: _costs(report) for name, report in reports.items()}


def _costs(report: Report) -> dict[str, float]:
    latency = {
        f"{mode}_{clock}_p{share}": float(np.percentile(report["latency"][mode][clock], share))
        for mode in ("undated", "dated")
        for clock in ("clock_ms", "processor_ms")
        for share in (50, 95)
    }
    counts = {"chunks": report["chunks"], "refused": report["refused"], "peak_mb": report["peak_mb"]}
    exact = {
        "exact": report["exact"][0],
        "pieces": report["exact"][1],
        "exact_everywhere": report["exact_everywhere"][0],
        "pieces_everywhere": report["exact_everywhere"][1],
    }
    timed = {"timed": len(report["latency"]["undated"]["clock_ms"])}
    return {**counts, **report["ingest"], **latency, **timed, **exact}


def tables(lines: Sequence[Line], cost_by_name: Mapping[str, Mapping[str, float]], label: Callable[[str], str]) -> str:
    """Return all results as Markdown tables."""
    parts = []
    for name, mode in dict.fromkeys((line.set, line.mode) for line in lines):
        chosen = [line for line in lines if (line.set, line.mode) == (name, mode)]
        days = "only articles up to the day of the question" if mode == "dated" else "no day given"
        rows = [_quality(line, label) for line in chosen]
        head = ["", *METRICS, "ours ahead, MRR@10", f"ours ahead, answer@{LONG}"]
        parts.append(f"{name}, {days}, n = {chosen[0].n}\n\n{_markdown(head, rows)}")
    head = [
        "",
        "chunks",
        "embedding, s",
        "the rest, s",
        "undated p50 / p95 ms",
        "dated p50 / p95 ms",
        "peak MB",
        "exact",
    ]
    parts.append(_markdown(head, [_cost_row(label(name), cost) for name, cost in cost_by_name.items()]))
    return "\n\n".join(parts)


def _quality(line: Line, label: Callable[[str], str]) -> list[str]:
    ahead = [difference(line.ahead.get(metric)) for metric in ("MRR@10", f"answer@{LONG}")]
    return [label(line.name), *(f"{line.values[metric]:.3f}" for metric in METRICS), *ahead]


def difference(change: Difference | None) -> str:
    """Return a difference with its interval, or a dash."""
    if change is None or change.low is None or change.high is None:
        return "-"
    return f"{change.change:+.3f} [{change.low:+.3f}, {change.high:+.3f}]"


def _cost_row(label: str, cost: Mapping[str, float]) -> list[str]:
    def took(mode: str) -> str:
        clock, work = ([cost[f"{mode}_{name}_p{share}"] for share in (50, 95)] for name in ("clock_ms", "processor_ms"))
        return f"{clock[0]:.0f} / {clock[1]:.0f} ({work[0]:.0f} / {work[1]:.0f})"

    ingest = [f"{cost[f'{part}_s']:.1f} ({cost[f'{part}_cpu_s']:.1f})" for part in ("embed", "rest")]
    exact = f"{cost['exact']:.0f} of {cost['pieces']:.0f}"
    return [label, f"{cost['chunks']:,.0f}", *ingest, took("undated"), took("dated"), f"{cost['peak_mb']:.0f}", exact]


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
