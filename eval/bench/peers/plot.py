"""The picture of the comparison: how good and how quick each system is. A whole SVG with its own colours. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from markupsafe import Markup

from eval.bench.peers.marks import OURS, Line
from eval.metrics.curves import ticks

_WIDTH, _LABELS, _PANEL, _GAP, _ROW, _TOP = 1_000, 250, 330, 40, 30, 64
_STYLE = Markup(
    "<style>svg{font:13px sans-serif;fill:#1d232a;background:#fff}.grid{stroke:#e1e5ea}.ours{fill:#0b57b0}"
    ".peer{fill:#7b8794}.open{fill:#fff;stroke-width:2}.ours.open{stroke:#0b57b0}.peer.open{stroke:#7b8794}"
    ".link{stroke:#b8c1cb;stroke-width:2}.head{font-weight:600}.small{font-size:11px;fill:#55606c}</style>"
)

Panel = tuple[str, list[tuple[float, float]], float]  # its title, two values a system, and the end of its axis


def draw_peers(lines: Sequence[Line], taken: Mapping[str, Mapping[str, float]], label: Callable[[str], str]) -> Markup:
    """Draw MRR@10 on goldlink without and with the day, and the milliseconds of processor time of a question."""
    values = {(one.name, one.mode): one.values["MRR@10"] for one in lines if one.set == "goldlink"}
    names = [name for name in taken if (name, "dated") in values]
    quality = [(values[name, "undated"], values[name, "dated"]) for name in names]
    speed = [(taken[name]["undated_processor_ms_p50"], taken[name]["dated_processor_ms_p50"]) for name in names]
    panels: list[Panel] = [
        ("MRR@10 by article", quality, 1.0),
        ("median question, ms of processor", speed, max(max(pair) for pair in speed) * 1.1),
    ]
    height = _TOP + _ROW * len(names) + 50
    parts = [Markup("<title>Our retrieval and its peers</title>"), _STYLE]
    for row, name in enumerate(names):
        parts.append(_text(_LABELS - 14, _line(row) + 4, label(name), "end", "head" if _kind(name) == "ours" else ""))
    for place, panel in enumerate(panels):
        parts += _panel(panel, names, _LABELS + place * (_PANEL + _GAP), height - 40)
    parts.append(_text(_LABELS, height - 6, "ring: no day given · disc: only articles up to the day", "start", "small"))
    drawing = '<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {} {}" width="{}">{}</svg>\n'
    return Markup(drawing).format(_WIDTH, height, _WIDTH, Markup("").join(parts))


def _panel(panel: Panel, names: Sequence[str], left: float, bottom: float) -> list[Markup]:
    title, pairs, end = panel
    parts = [_text(left, 24, title, "start", "head")]
    for value in ticks(0, end):
        at = left + value / end * _PANEL
        parts.append(Markup('<path class="grid" d="M{:.1f} {}V{:.1f}"/>').format(at, _TOP - 18, bottom))
        parts.append(_text(at, _TOP - 24, f"{value:g}", "middle", "small"))
    for row, (name, (ring, disc)) in enumerate(zip(names, pairs, strict=True)):
        y, from_x, to_x = _line(row), left + ring / end * _PANEL, left + disc / end * _PANEL
        parts.append(Markup('<path class="link" d="M{:.1f} {y:.1f}H{:.1f}"/>').format(from_x, to_x, y=y))
        for at, css in ((from_x, f"{_kind(name)} open"), (to_x, _kind(name))):
            parts.append(Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="5"/>').format(css, at, y))
    return parts


def _kind(name: str) -> str:
    return "ours" if name.startswith(OURS) else "peer"


def _line(row: int) -> float:
    return _TOP + _ROW * row + _ROW / 2


def _text(x: float, y: float, words: str, anchor: str, css: str) -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(css, x, y, anchor, words)
