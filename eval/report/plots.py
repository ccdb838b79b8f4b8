"""Plots as inline SVG without script or style; the page's style sheet colours them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from eval.metrics.curves import Bin, Threshold, calibration_error, histogram, ticks

WIDTH, HEIGHT = 360, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 348, 16, 206
_BAR_WIDTH, _BAR_HEIGHT = 120, 18

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: its label and its range."""

    label: str
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True, slots=True)
class Frame:
    """The plot area: maps values to coordinates and draws shapes."""

    x_axis: Axis
    y_axis: Axis

    def x(self, value: float) -> float:
        """Return the x coordinate of a value."""
        return _place(value, self.x_axis, _LEFT, _RIGHT)

    def y(self, value: float) -> float:
        """Return the y coordinate of a value."""
        return _place(value, self.y_axis, _BOTTOM, _TOP)

    def line(self, points: Points, css: str) -> Markup:
        """Return a line through points."""
        places = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        return Markup('<polyline class="{}" points="{}"/>').format(css, places)

    def segment(self, start: tuple[float, float], end: tuple[float, float], css: str) -> Markup:
        """Return a straight line between two points."""
        return self.line([start, end], css)

    def bar(self, low: float, high: float, top: float, css: str) -> Markup:
        """Return a bar from the x axis up to `top`."""
        left, width = self.x(low) + 0.5, max(self.x(high) - self.x(low) - 1, 0.5)
        return Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
            css, left, self.y(top), width, _BOTTOM - self.y(top)
        )

    def dot(self, x: float, y: float) -> Markup:
        """Return a point."""
        return Markup('<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="3.5"/>').format(self.x(x), self.y(y))

    def draw(self, title: str, shapes: Iterable[Markup]) -> Markup:
        """Return the whole plot with its axes."""
        parts = [Markup("<title>{}</title>").format(title), *self._axes(), *shapes]
        return Markup('<svg class="plot" role="img" viewBox="0 0 {} {}">{}</svg>').format(
            WIDTH, HEIGHT, Markup("").join(parts)
        )

    def _axes(self) -> list[Markup]:
        parts = []
        for value in ticks(self.x_axis.low, self.x_axis.high):
            parts.append(_segment(self.x(value), _TOP, self.x(value), _BOTTOM, "grid"))
            parts.append(_text(self.x(value), _BOTTOM + 15, f"{value:g}", "middle"))
        for value in ticks(self.y_axis.low, self.y_axis.high):
            parts.append(_segment(_LEFT, self.y(value), _RIGHT, self.y(value), "grid"))
            parts.append(_text(_LEFT - 5, self.y(value) + 4, f"{value:g}", "end"))
        parts.append(_segment(_LEFT, _BOTTOM, _RIGHT, _BOTTOM, "axis"))
        parts.append(_segment(_LEFT, _TOP, _LEFT, _BOTTOM, "axis"))
        parts.append(_text((_LEFT + _RIGHT) / 2, _BOTTOM + 34, self.x_axis.label, "middle"))
        middle = (_TOP + _BOTTOM) / 2
        turned = Markup('<text transform="translate(11 {:.1f}) rotate(-90)" text-anchor="middle">{}</text>')
        return [*parts, turned.format(middle, self.y_axis.label)]


def reliability_plot(bins: Sequence[Bin]) -> Markup:
    """Draw accuracy against confidence; the diagonal is perfect calibration."""
    frame = Frame(Axis("confidence"), Axis("share that is right"))
    shapes = [frame.segment((0, 0), (1, 1), "ideal")]
    for bin_ in bins:
        shapes.append(frame.bar(bin_.low, bin_.high, bin_.right, "bar"))
    for bin_ in bins:
        shapes.append(frame.segment((bin_.confidence, bin_.right_low), (bin_.confidence, bin_.right_high), "whisker"))
        shapes.append(frame.dot(bin_.confidence, bin_.right))
        shapes.append(_text(frame.x((bin_.low + bin_.high) / 2), _TOP - 4, f"{bin_.n}", "middle", "small"))
    return frame.draw(f"Reliability, expected calibration error {calibration_error(bins):.3f}", shapes)


def risk_coverage_plot(points: Points, area: float) -> Markup:
    """Draw the share of wrong answers among the most confident, from a few of them to all."""
    top = max(0.1, *(risk for _, risk in points))
    frame = Frame(Axis("share of answers given, surest first"), Axis("share of them wrong", 0, min(1.0, top * 1.1)))
    filled = [(points[0][0], 0.0), *points, (points[-1][0], 0.0)]
    shapes = [frame.line(filled, "area"), frame.line(points, "line one")]
    return frame.draw(f"Risk and coverage, area {area:.4f}", shapes)


def refusal_plot(points: Sequence[Threshold]) -> Markup:
    """Draw precision and recall of refusing below a confidence."""
    frame = Frame(Axis("refused below this confidence"), Axis("share"))
    inside = [threshold for threshold in points if 0 <= threshold.at <= 1]
    precise = [(threshold.at, threshold.precision) for threshold in inside if threshold.precision is not None]
    shapes = [
        frame.line([(threshold.at, threshold.recall) for threshold in inside], "line one"),
        frame.line(precise, "line two"),
        _segment(_RIGHT - 112, _BOTTOM - 28, _RIGHT - 84, _BOTTOM - 28, "line one"),
        _text(_RIGHT - 80, _BOTTOM - 24, "recall", "start"),
        _segment(_RIGHT - 112, _BOTTOM - 12, _RIGHT - 84, _BOTTOM - 12, "line two"),
        _text(_RIGHT - 80, _BOTTOM - 8, "precision", "start"),
    ]
    return frame.draw("Precision and recall of refusal by threshold", shapes)


def latency_plot(values_ms: Sequence[float], percentiles: Sequence[tuple[str, float]]) -> Markup:
    """Draw a histogram of latencies with lines at percentiles; the last bar includes all values far beyond the last."""
    top = max(1.0, min(max(values_ms), percentiles[-1][1] * 1.25) * 1.05)
    counts = histogram(values_ms, top)
    frame = Frame(Axis("milliseconds", 0, top), Axis("questions", 0, max(counts) * 1.1))
    width = top / len(counts)
    shapes = [
        frame.bar(place * width, (place + 1) * width, count, "bar") for place, count in enumerate(counts) if count
    ]
    for row, (name, value) in enumerate(percentiles):
        x, on_right = frame.x(value), frame.x(value) > (_LEFT + _RIGHT) / 2
        shapes.append(_segment(x, _TOP, x, _BOTTOM, "percentile"))
        label = f"{name} {value:.0f}"
        shapes.append(_text(x + (-4 if on_right else 4), _TOP + 10 + 14 * row, label, "end" if on_right else "start"))
    return frame.draw("Latency: " + ", ".join(f"{name} {value:.0f} ms" for name, value in percentiles), shapes)


def interval_bar(value: float, low: float | None, high: float | None, limit: float | None = None) -> Markup:
    """Draw a share between 0 and 1 with its interval, and its floor or ceiling as a vertical line."""
    parts = [_segment(4, 9, 116, 9, "track")]
    if low is not None and high is not None:
        parts.append(_segment(4 + 112 * low, 9, 4 + 112 * high, 9, "interval"))
    if limit is not None:
        parts.append(_segment(4 + 112 * limit, 1, 4 + 112 * limit, 17, "limit"))
    return _small(parts, 4 + 112 * value, f"{value:.3f} between 0 and 1")


def change_bar(change: float, low: float | None, high: float | None, reach: float) -> Markup:
    """Draw a change with its interval on an axis from -`reach` to `reach`."""
    parts = [_segment(4, 9, 116, 9, "track"), _segment(60, 1, 60, 17, "limit")]
    if low is not None and high is not None:
        parts.append(_segment(60 + 56 * low / reach, 9, 60 + 56 * high / reach, 9, "interval"))
    return _small(parts, 60 + 56 * change / reach, f"{change:+.3f}")


def _small(parts: Sequence[Markup], at: float, label: str) -> Markup:
    dot = Markup('<circle class="dot" cx="{:.1f}" cy="9" r="4"/>').format(at)
    return Markup('<svg class="small-bar" role="img" aria-label="{}" viewBox="0 0 {} {}">{}{}</svg>').format(
        label, _BAR_WIDTH, _BAR_HEIGHT, Markup("").join(parts), dot
    )


def _place(value: float, axis: Axis, low: int, high: int) -> float:
    return low + (value - axis.low) / (axis.high - axis.low) * (high - low)


def _segment(x1: float, y1: float, x2: float, y2: float, css: str) -> Markup:
    return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(css, x1, y1, x2, y2)


def _text(x: float, y: float, words: str, anchor: str, css: str = "") -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(css, x, y, anchor, words)
