"""The plots of the research commands."""

import sys
from xml.etree import ElementTree

import pytest

from eval.bench.speed.scale_plot import plot
from qa import QaError

SIZES = [
    {"chunks": chunks, "retrieve_ms": took, "retrieve_cpu_ms": took, "serve_warm_mb": 300, "serve_asked_mb": 400}
    for chunks, took in ((1_000, {"p50": 16.0, "p95": 37.0}), (100_000, {"p50": 23.0, "p95": 36.0}))
]


@pytest.mark.parametrize("sizes", [SIZES, SIZES[:1]])
def test_the_picture_of_sizes_names_its_curves_and_is_the_same_each_time(sizes):
    """The plot is committed, so it must not differ from run to run. A single size is drawn too."""
    picture = plot(sizes)
    words = " ".join(ElementTree.fromstring(picture).itertext())
    for name in ("p95 by the clock", "p50 of processor time", "after 200 questions", "goal p50", "100,000"):
        assert name in words
    assert picture == plot(sizes)


def test_a_plot_without_matplotlib_is_an_error_that_says_what_to_do(monkeypatch):
    """Only the development environment has it."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "eval.bench.figure")
    with pytest.raises(QaError, match="a plot needs matplotlib, which `make dev` installs"):
        import eval.bench.figure  # noqa: F401
