"""Plot the quality and the speed of each system, as one SVG file. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from eval.bench.figure import svg
from eval.bench.peers.marks import OURS, Line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_OURS, _PEER, _LINK = "#0b57b0", "#6b7580", "#b8c1cb"


def draw_peers(
    lines: Sequence[Line], cost_by_name: Mapping[str, Mapping[str, float]], label: Callable[[str], str]
) -> str:
    """Draw MRR@10 on goldlink without and with the day, and the milliseconds of processor time of a question."""
    values = {(line.name, line.mode): line.values["MRR@10"] for line in lines if line.set == "goldlink"}
    names = [name for name in cost_by_name if (name, "dated") in values]
    quality = [(values[name, "undated"], values[name, "dated"]) for name in names]
    speed = [
        (cost_by_name[name]["undated_processor_ms_p50"], cost_by_name[name]["dated_processor_ms_p50"]) for name in names
    ]
    colours = [_OURS if name.startswith(OURS) else _PEER for name in names]

    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, sharey=True)
        _panel(left, "MRR@10 by article", quality, colours)
        _panel(right, "median question, ms of processor time", speed, colours)
        left.set_xlim(0, 1)
        left.set_yticks(range(len(names)), [label(name) for name in names])
        left.invert_yaxis()  # of both panels, which share it
        for tick, colour in zip(left.get_yticklabels(), colours, strict=True):
            tick.set(color=colour, fontweight="bold" if colour == _OURS else "normal")
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=2)

    return svg(draw, 9.4, 1.2 + 0.3 * len(names))


def _panel(axes: Axes, title: str, pairs: Sequence[tuple[float, float]], colours: Sequence[str]) -> None:
    rows = range(len(pairs))
    undated, dated = zip(*pairs, strict=True)
    axes.hlines(rows, undated, dated, color=_LINK, linewidth=2, zorder=1)
    axes.scatter(undated, rows, facecolor="white", edgecolor=colours, label="no day given")
    axes.scatter(dated, rows, color=colours, label="only articles up to the day")
    axes.set(title=title)
    axes.set_xlim(0)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
