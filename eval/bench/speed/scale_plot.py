"""Draw latency and memory against the size of the corpus, as one SVG file. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from eval.metrics.curves import ticks

_WIDTH, _HEIGHT, _GAP = 460, 300, 20
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 440, 34, 236
_COLOURS = ("#1f5fa8", "#c2571a", "#3d7f4f", "#7a3f95")
_STYLE = (
    "text{font:12px sans-serif;fill:#222}.title{font-size:14px;font-weight:bold}.grid{stroke:#ddd}.axis{stroke:#444}"
    ".goal{stroke:#888;stroke-dasharray:5 4}"
)


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a panel: its name and a value for each size."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Panel:
    """One plot over a logarithmic axis of sizes."""

    title: str
    unit: str
    curves: Sequence[Curve]
    goals: dict[str, float] = field(default_factory=dict)

    def draw(self, left: int) -> Markup:
        """Return the panel, moved to the right by `left`."""
        sizes = [x for curve in self.curves for x, _ in curve.points]
        top = 1.1 * max([y for curve in self.curves for _, y in curve.points] + list(self.goals.values()))
        parts = [_text(_LEFT, 18, self.title, "start", "title"), *self._axes(min(sizes), max(sizes), top)]
        for name, value in self.goals.items():
            at = _y(value, top)
            parts.append(_line(_LEFT, at, _RIGHT, at, "goal"))
            parts.append(_text(_RIGHT, at - 4, name, "end"))
        for number, curve in enumerate(self.curves):
            colour = _COLOURS[number % len(_COLOURS)]
            places = [(_x(x, min(sizes), max(sizes)), _y(y, top)) for x, y in curve.points]
            joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            parts.append(
                Markup('<polyline fill="none" stroke-width="2" stroke="{}" points="{}"/>').format(colour, joined)
            )
            parts += [
                Markup('<circle r="3.5" fill="{}" cx="{:.1f}" cy="{:.1f}"/>').format(colour, x, y) for x, y in places
            ]
            row = _TOP + 12 + 16 * number
            parts.append(
                Markup('<rect x="{}" y="{}" width="14" height="3" fill="{}"/>').format(_LEFT + 10, row - 5, colour)
            )
            parts.append(_text(_LEFT + 30, row, curve.name, "start"))
        return Markup('<g transform="translate({} 0)">{}</g>').format(left, Markup("").join(parts))

    def _axes(self, low: float, high: float, top: float) -> list[Markup]:
        parts = []
        for value in ticks(0, top):
            parts.append(_line(_LEFT, _y(value, top), _RIGHT, _y(value, top), "grid"))
            parts.append(_text(_LEFT - 6, _y(value, top) + 4, f"{value:g}", "end"))
        for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
            for size in (10.0**power, 3 * 10.0**power):
                if low * 0.99 <= size <= high * 1.01:
                    parts.append(_line(_x(size, low, high), _TOP, _x(size, low, high), _BOTTOM, "grid"))
                    parts.append(_text(_x(size, low, high), _BOTTOM + 16, f"{size:,.0f}", "middle"))
        parts += [_line(_LEFT, _BOTTOM, _RIGHT, _BOTTOM, "axis"), _line(_LEFT, _TOP, _LEFT, _BOTTOM, "axis")]
        parts.append(_text((_LEFT + _RIGHT) / 2, _BOTTOM + 36, "chunks", "middle"))
        turned = Markup('<text transform="translate(14 {}) rotate(-90)" text-anchor="middle">{}</text>')
        return [*parts, turned.format((_TOP + _BOTTOM) / 2, self.unit)]


def plot(sizes: Sequence[dict[str, Any]]) -> str:
    """Return an SVG file with a panel for latency and one for memory."""

    def curve(name: str, *keys: str) -> Curve:
        points = []
        for one in sizes:
            value: Any = one
            for key in keys:
                value = value[key]
            points.append((float(one["chunks"]), float(value)))
        return Curve(name, points)

    latency = Panel(
        "Retrieval, question embedding included",
        "milliseconds",
        [
            curve("p50 by the clock", "retrieve_ms", "p50"),
            curve("p95 by the clock", "retrieve_ms", "p95"),
            curve("p50 of processor time", "retrieve_cpu_ms", "p50"),
            curve("p95 of processor time", "retrieve_cpu_ms", "p95"),
        ],
        {"goal p50": 25, "goal p95": 60},
    )
    memory = Panel(
        "Memory of qa serve",
        "MB resident",
        [curve("after 20 questions", "serve_warm_mb"), curve("after 200 questions", "serve_asked_mb")],
        {"goal at 100,000 chunks": 1_200},
    )
    width = 2 * _WIDTH + _GAP
    return str(
        Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {}" width="{}" height="{}">{}{}{}{}</svg>\n'
        ).format(
            width,
            _HEIGHT,
            width,
            _HEIGHT,
            Markup("<style>{}</style>").format(Markup(_STYLE)),
            Markup('<rect width="100%" height="100%" fill="#fff"/>'),
            latency.draw(0),
            memory.draw(_WIDTH + _GAP),
        )
    )


def _x(size: float, low: float, high: float) -> float:
    reach = math.log10(high / low) or 1.0
    return _LEFT + 12 + math.log10(size / low) / reach * (_RIGHT - _LEFT - 24)


def _y(value: float, top: float) -> float:
    return _BOTTOM - value / top * (_BOTTOM - _TOP)


def _line(x1: float, y1: float, x2: float, y2: float, css: str) -> Markup:
    return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(css, x1, y1, x2, y2)


def _text(x: float, y: float, words: str, anchor: str, css: str = "") -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(css, x, y, anchor, words)
