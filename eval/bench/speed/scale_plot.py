"""Plot latency and memory against corpus size, as one SVG file. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eval.bench.figure import svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = ("#1f5fa8", "#c2571a", "#3d7f4f", "#7a3f95")
_GOAL = "#6b7580"
_MEMORY = {"after 20 questions": "serve_warm_mb", "after 200 questions": "serve_asked_mb"}


def plot(sizes: Sequence[Mapping[str, Any]]) -> str:
    """Return an SVG file with a panel for latency and one for memory."""
    retrieve = {
        f"{name} {how}": [row[key][name] for row in sizes]
        for how, key in (("by the clock", "retrieve_ms"), ("of processor time", "retrieve_cpu_ms"))
        for name in ("p50", "p95")
    }
    memory = {name: [row[key] for row in sizes] for name, key in _MEMORY.items()}
    chunks = [row["chunks"] for row in sizes]

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        _panel(left, "Retrieval, question embedding included", "milliseconds", chunks, retrieve)
        _goals(left, {"goal p50": 25, "goal p95": 60})
        _panel(right, "Memory of qa serve", "MB resident", chunks, memory)
        _goals(right, {"goal at 100,000 chunks": 1_200})

    return svg(draw, 9.4, 3.6)


def _panel(axes: Axes, title: str, unit: str, chunks: Sequence[int], curves: Mapping[str, Sequence[float]]) -> None:
    for colour, (name, values) in zip(_COLOURS, curves.items(), strict=False):
        axes.plot(chunks, values, "o-", color=colour, markersize=4, label=name)
    axes.set(title=title, xlabel="chunks", ylabel=unit, xscale="log")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_major_formatter("{x:,.0f}")


def _goals(axes: Axes, goals: Mapping[str, float]) -> None:
    for name, value in goals.items():
        axes.axhline(value, color=_GOAL, linestyle="--", linewidth=1)
        axes.annotate(name, (0, value), (4, 3), ("axes fraction", "data"), "offset points", color=_GOAL)
    axes.set_ylim(0, 1.3 * max(axes.get_ylim()[1], *goals.values()))  # room for the legend
    axes.legend(loc="upper left", ncols=2)
