"""The data of plots against values worked by hand, and the plots as well-formed SVG."""

import re

import pytest
from lxml import etree

from eval.metrics.curves import calibration_error, histogram, refusal_by_threshold, reliability, ticks, wilson
from eval.report.plots import (
    Axis,
    Frame,
    change_bar,
    interval_bar,
    latency_plot,
    refusal_plot,
    reliability_plot,
    risk_coverage_plot,
)

SURE = [(0.1, False), (0.15, True), (0.9, True), (1.0, True)]


def texts(svg):
    return ["".join(text.itertext()) for text in etree.fromstring(str(svg)).iter("text")]


def test_wilson_against_the_published_table():
    """8 of 10: .490 to .943; the interval of 0 of 10 begins at 0 and has a positive width."""
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)


def test_reliability_by_hand():
    """Two bins of two: confidence .125 and half right, .95 and all right; 1.0 belongs to the last bin."""
    low, high = reliability(SURE)
    assert (low.low, low.n, low.confidence, low.right) == (0.1, 2, pytest.approx(0.125), 0.5)
    assert (high.low, high.n, high.confidence, high.right) == (0.9, 2, pytest.approx(0.95), 1.0)
    assert calibration_error([low, high]) == pytest.approx((2 * 0.375 + 2 * 0.05) / 4)


def test_a_confidence_outside_0_to_1_is_an_error():
    """A score that is not a probability has no reliability."""
    with pytest.raises(ValueError, match=r"1\.2"):
        reliability([(1.2, True)])


def test_refusal_by_threshold_by_hand():
    """An answer without a confidence is always refused; one at the threshold is answered."""
    found = refusal_by_threshold([(None, True), (0.2, True), (0.4, False), (0.6, True)])
    assert [(threshold.at, threshold.precision, threshold.recall) for threshold in found[:3]] == [
        (0.2, 1.0, pytest.approx(1 / 3)),
        (0.4, 1.0, pytest.approx(2 / 3)),
        (0.6, pytest.approx(2 / 3), pytest.approx(2 / 3)),
    ]
    assert (found[3].precision, found[3].recall) == (0.75, 1.0)
    assert found[3].at > 0.6


def test_refusing_nothing_has_no_precision():
    """At the lowest confidence nothing is refused: the precision is None, not 0."""
    first = refusal_by_threshold([(0.5, True)])[0]
    assert (first.precision, first.recall) == (None, 0.0)
    with pytest.raises(ValueError, match="no unanswerable question"):
        refusal_by_threshold([(0.5, False)])


def test_histogram_counts_everything_once():
    """A value on an edge belongs to the bar above it, a value beyond the top to the last bar."""
    assert histogram([0, 9.9, 10, 39, 40, 1000], top=40, bars=4) == [2, 1, 0, 3]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0, 620, [0, 200, 400, 600]),
        (0, 0.11, [0, 0.05, 0.1]),
        (0, 3, [0, 1, 2, 3]),
    ],
)
def test_ticks_are_round_and_inside(low, high, expected):
    """Steps of 1, 2 or 5 times a power of ten."""
    assert ticks(low, high) == expected


def test_a_frame_maps_values_to_coordinates():
    """The origin is at the lower left, and both ends of an axis lie inside the image."""
    frame = Frame(Axis("x", 0, 10), Axis("y", 0, 2))
    assert frame.x(0) < frame.x(5) < frame.x(10) < 360
    assert frame.y(0) > frame.y(1) > frame.y(2) > 0
    assert frame.x(5) == (frame.x(0) + frame.x(10)) / 2


DRAWN = [
    reliability_plot(reliability(SURE)),
    risk_coverage_plot([(0.5, 0.0), (1.0, 0.25)], 0.125),
    refusal_plot(refusal_by_threshold([(0.2, True), (0.6, False)])),
    latency_plot([100, 120, 5000], [("p50", 120.0), ("p95", 130.0), ("p99", 140.0)]),
    latency_plot([0.0], [("p50", 0.0), ("p95", 0.0), ("p99", 0.0)]),
]


@pytest.mark.parametrize("svg", DRAWN)
def test_every_plot_is_complete_and_stays_inside(svg):
    """It has a title and two labelled axes with ticks, no NaN or infinity, and nothing outside the image."""
    root = etree.fromstring(str(svg))
    assert root.find("title").text
    assert len(texts(svg)) >= 6
    assert not re.search(r"nan|inf\b|style=|href", str(svg))
    for shape in root.iter("rect", "line", "circle"):
        places = {name: float(shape.get(name)) for name in ("x", "x1", "x2", "cx") if shape.get(name)}
        assert all(0 <= place <= 360 for place in places.values()), places
    for polyline in root.iter("polyline"):
        pairs = [pair.split(",") for pair in polyline.get("points").split()]
        assert all(0 <= float(x) <= 360 and 0 <= float(y) <= 250 for x, y in pairs)


def test_the_title_has_the_area():
    """A screen reader can read the area of the curve."""
    assert etree.fromstring(str(DRAWN[1])).find("title").text == "Risk and coverage, area 0.1250"


def test_interval_bars_show_value_interval_and_limit():
    """0.5 is in the middle; without an interval only the value is drawn."""
    root = etree.fromstring(str(interval_bar(0.5, 0.25, 1.0, 0.75)))
    assert root.find("circle").get("cx") == "60.0"
    drawn = {line.get("class"): (line.get("x1"), line.get("x2")) for line in root.iter("line")}
    assert drawn == {"track": ("4.0", "116.0"), "interval": ("32.0", "116.0"), "limit": ("88.0", "88.0")}
    bare = etree.fromstring(str(interval_bar(0.5, None, None)))
    assert [line.get("class") for line in bare.iter("line")] == ["track"]


def test_change_bars_extend_both_ways_from_zero():
    """A fall is left of the middle, a rise right of it, and the largest change at the end."""
    places = [
        float(etree.fromstring(str(change_bar(change, None, None, 0.2))).find("circle").get("cx"))
        for change in (-0.2, 0.0, 0.1)
    ]
    assert places == [4.0, 60.0, 88.0]


def test_labels_are_escaped():
    """A label is text, whatever it contains."""
    svg = Frame(Axis("<b>&"), Axis("y")).draw("</title><script>", [])
    assert "<b>&" in texts(svg)
    assert etree.fromstring(str(svg)).find("title").text == "</title><script>"
