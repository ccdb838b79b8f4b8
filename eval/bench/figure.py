"""Figures of the research commands, as SVG files that are the same for the same values."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

from qa import QaError

try:
    from matplotlib import rc_context
    from matplotlib.figure import Figure
except ModuleNotFoundError as exc:
    raise QaError("a plot needs matplotlib, which `make dev` installs") from exc


def svg(draw: Callable[[Figure], None], width: float, height: float) -> str:
    """Return what `draw` puts on a figure of so many inches, as an SVG file that says nothing of its making."""
    file = StringIO()
    style = rc_context(
        {
            "svg.fonttype": "none",  # words stay words: a reader can search them, and the file is small
            "svg.hashsalt": "news-qa",  # ids are drawn at random without one
            "text.parse_math": False,
            "font.size": 9,
            "axes.titlesize": 10,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.axisbelow": True,
            "axes.grid": True,
            "grid.color": "#e1e5ea",
            "legend.frameon": False,
        }
    )
    with style:
        figure = Figure((width, height), layout="constrained")
        draw(figure)
        figure.savefig(file, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return file.getvalue().partition("?>")[2].partition(">")[2].lstrip()  # a DTD is of no use to a browser
