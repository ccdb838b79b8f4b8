"""Plots of the research commands, as reproducible SVG files: the same values give the same bytes."""

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
    """Return the figure that `draw` fills, `width` by `height` inches, as SVG without its date and creator."""
    buffer = StringIO()
    style = rc_context(
        {
            "svg.fonttype": "none",  # text stays text: it can be searched, and the file is small
            "svg.hashsalt": "news-qa",  # without a salt, ids are random
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
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return buffer.getvalue().partition("?>")[2].partition(">")[2].lstrip()  # browsers ignore the DTD
