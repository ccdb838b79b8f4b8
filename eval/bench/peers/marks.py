"""Marks of what the systems found, the same way for all, and what ours is ahead or behind by. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.bench.peers.sample import PeerQuestion
from eval.bench.tuning.realtimeqa import holds
from eval.metrics.stats import Difference, Mark, compare, ratio

OURS = "ours"
SHORT, LONG = 1_600, 8_000  # characters of retrieved text that a reader, or a model, is given
METRICS = ("hits@1", "hits@4", "hits@10", "MRR@10", f"answer@{SHORT}", f"answer@{LONG}")

Found = Mapping[str, Any]  # what a system wrote down


@dataclass(frozen=True, slots=True)
class Line:
    """One system, asked in one way, over the questions of one set."""

    set: str
    mode: str
    name: str
    n: int
    values: dict[str, float]
    ahead: dict[str, Difference | None]  # ours, asked in the same way, minus this one


def compare_all(found: Mapping[str, Found], questions: Sequence[PeerQuestion], sets: Sequence[str]) -> list[Line]:
    """Return a line for each set, way of asking and system."""
    lines: list[Line] = []
    for name in sets:
        asked = [one for one in questions if name in one.sets]
        clusters = {one.id: one.gold[0] for one in asked}  # questions about one article are not independent
        for mode in ("undated", "dated"):
            marks = {system: mark_all(one["replies"][mode], asked) for system, one in found.items()}
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
    """Return the marks of each metric by question; answers are looked for only where a question has some."""
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
    """Return the place, from 1, of the first gold article; None when it is not there."""
    return next((place for place, one in enumerate(articles, start=1) if one in gold), None)


def first_chars(texts: Sequence[str], chars: int) -> list[str]:
    """Return the texts up to so many characters in all; the last is cut."""
    kept: list[str] = []
    for text in texts:
        if chars <= 0:
            break
        kept.append(text[:chars])
        chars -= len(text)
    return kept


def costs(found: Mapping[str, Found]) -> dict[str, dict[str, float]]:
    """Return what each system took: time, memory, and how many of its citations are exact."""
    return {name: _costs(one) for name, one in found.items()}


def _costs(one: Found) -> dict[str, float]:
    took = {
        f"{mode}_{clock}_p{share}": float(np.percentile(one["latency"][mode][clock], share))
        for mode in ("undated", "dated")
        for clock in ("clock_ms", "processor_ms")
        for share in (50, 95)
    }
    counts = {"chunks": one["chunks"], "refused": one["refused"], "peak_mb": one["peak_mb"]}
    exact = {
        "exact": one["exact"][0],
        "pieces": one["exact"][1],
        "exact_everywhere": one["exact_everywhere"][0],
        "pieces_everywhere": one["exact_everywhere"][1],
    }
    timed = {"timed": len(one["latency"]["undated"]["clock_ms"])}
    return {**counts, **one["ingest"], **took, **timed, **exact}


def tables(lines: Sequence[Line], taken: Mapping[str, Mapping[str, float]], label: Callable[[str], str]) -> str:
    """Return everything as tables in Markdown."""
    parts = []
    for name, mode in dict.fromkeys((one.set, one.mode) for one in lines):
        chosen = [one for one in lines if (one.set, one.mode) == (name, mode)]
        days = "only articles up to the day of the question" if mode == "dated" else "no day given"
        rows = [_quality(one, label) for one in chosen]
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
    parts.append(_markdown(head, [_cost_row(label(name), one) for name, one in taken.items()]))
    return "\n\n".join(parts)


def _quality(line: Line, label: Callable[[str], str]) -> list[str]:
    ahead = [difference(line.ahead.get(metric)) for metric in ("MRR@10", f"answer@{LONG}")]
    return [label(line.name), *(f"{line.values[metric]:.3f}" for metric in METRICS), *ahead]


def difference(one: Difference | None) -> str:
    """Return a difference with its interval, or a dash."""
    if one is None or one.low is None or one.high is None:
        return "-"
    return f"{one.change:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"


def _cost_row(label: str, one: Mapping[str, float]) -> list[str]:
    def took(mode: str) -> str:
        clock, work = ([one[f"{mode}_{name}_p{share}"] for share in (50, 95)] for name in ("clock_ms", "processor_ms"))
        return f"{clock[0]:.0f} / {clock[1]:.0f} ({work[0]:.0f} / {work[1]:.0f})"

    ingest = [f"{one[f'{part}_s']:.1f} ({one[f'{part}_cpu_s']:.1f})" for part in ("embed", "rest")]
    exact = f"{one['exact']:.0f} of {one['pieces']:.0f}"
    return [label, f"{one['chunks']:,.0f}", *ingest, took("undated"), took("dated"), f"{one['peak_mb']:.0f}", exact]


def _markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(one)} |" for one in lines)
