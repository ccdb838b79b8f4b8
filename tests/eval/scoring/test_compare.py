"""Comparisons: paired and gated; missing data fails."""

import copy
import json

import pytest

from eval.metrics.stats import ratio
from eval.runs.run import BadRun
from eval.scoring.compare import (
    GATES,
    Gate,
    Gates,
    check_gates,
    compare_scores,
    comparison_json,
    load_gates,
    load_scores,
    table,
)
from eval.scoring.registry import METRICS


def scores(**metrics):
    """Return scores from lists of marks, one item per mark, each in a cluster of its own."""
    n = len(next(iter(metrics.values())))
    items = [
        {"id": f"q{number}", "cluster": f"a{number}", "unscored": {},
         "marks": {name: [marks[number], 1] for name, marks in metrics.items() if marks[number] is not None}}
        for number in range(n)
    ]  # fmt: skip
    figures = {}
    for name in metrics:
        marks = [tuple(row["marks"][name]) for row in items if name in row["marks"]]
        figures[name] = {"value": ratio(marks) if marks else None}
    manifest = {"gold_sha256": "g", "corpus_sha256": "c", "items": n}
    return {"format": 1, "manifest": manifest, "metrics": figures, "items": items, "errors": []}


GATED = Gates(0.05, {"span_f1": Gate(), "over_refusal": Gate()})
GOOD = scores(span_f1=[1] * 20, over_refusal=[0] * 20, token_f1=[1] * 20)


def test_equal_runs_pass():
    """No change, no failure."""
    found = compare_scores(GOOD, GOOD, GATED)
    assert found.failures == ()
    assert [row.name for row in found.rows] == ["span_f1", "token_f1", "over_refusal"]
    assert table(found).endswith("passed")


def test_a_significant_fall_is_named():
    """Ten of twenty fell: significant, also after Holm."""
    found = compare_scores(GOOD, scores(span_f1=[1] * 10 + [0] * 10, over_refusal=[0] * 20), GATED)
    (failure,) = found.failures
    assert failure.startswith("span_f1: worse by 0.5000, p = 0.00")
    assert "FAILED span_f1" in table(found)


def test_a_rise_of_a_lower_is_better_metric_is_a_fall():
    """Refusing more is worse although the figure rises."""
    found = compare_scores(GOOD, scores(span_f1=[1] * 20, over_refusal=[0] * 10 + [1] * 10), GATED)
    assert [failure.split(":")[0] for failure in found.failures] == ["over_refusal"]


def test_a_gain_passes():
    """A significant improvement is no failure."""
    worse = scores(span_f1=[1] * 10 + [0] * 10, over_refusal=[0] * 20)
    assert compare_scores(worse, GOOD, GATED).failures == ()


def test_one_item_of_twenty_is_not_significant():
    """With one changed item both swaps are as extreme: p = 1."""
    assert compare_scores(GOOD, scores(span_f1=[1] * 19 + [0], over_refusal=[0] * 20), GATED).failures == ()


def test_holm_makes_many_gates_harder_to_fail():
    """Six falls of twenty are p = 1/32: significant for a single gate, not for one of two."""
    new = scores(span_f1=[1] * 14 + [0] * 6, over_refusal=[0] * 20)
    alone = compare_scores(GOOD, new, Gates(0.05, {"span_f1": Gate()}))
    assert alone.rows[0].p_holm == pytest.approx(1 / 32, abs=0.01)
    assert [failure.split(":")[0] for failure in alone.failures] == ["span_f1"]
    both = compare_scores(GOOD, new, GATED)
    assert both.rows[0].p_holm == pytest.approx(1 / 16, abs=0.02)
    assert both.failures == ()


def test_a_metric_without_a_gate_never_fails():
    """It is shown but not tested."""
    new = scores(span_f1=[1] * 20, over_refusal=[0] * 20, token_f1=[0] * 20)
    found = compare_scores(GOOD, new, GATED)
    assert found.failures == ()
    assert "token_f1" in table(found)
    assert comparison_json(found)["metrics"]["token_f1"]["worse"] is True


@pytest.mark.parametrize(
    ("new", "failure"),
    [
        (scores(over_refusal=[0] * 20), "span_f1: unscored"),  # missing
        (scores(span_f1=[None] * 20, over_refusal=[0] * 20), "span_f1: unscored"),
        (GOOD | {"errors": ["q1"]}, "1 questions failed: q1"),
    ],
)
def test_gates_fail_closed(new, failure):
    """A gated metric that is missing or unscored fails, and so does a question that raised an error."""
    assert failure in compare_scores(GOOD, new, GATED).failures


def test_a_gated_metric_that_the_base_lacks_fails():
    """A metric that cannot be compared has not been shown to hold."""
    base = scores(span_f1=[None] * 20, over_refusal=[0] * 20)
    assert compare_scores(base, GOOD, GATED).failures == ("span_f1: unscored in the base",)


def test_floors_and_ceilings():
    """They apply to the value itself, whatever the base was."""
    gates = Gates(0.05, {"span_f1": Gate(floor=0.9), "over_refusal": Gate(ceiling=0.1)})
    low = scores(span_f1=[1] * 17 + [0] * 3, over_refusal=[0] * 17 + [1] * 3)
    assert check_gates(low, gates) == [
        "span_f1: 0.8500 is under its floor 0.9",
        "over_refusal: 0.1500 is over its ceiling 0.1",
    ]
    assert check_gates(GOOD, gates) == []
    assert len(compare_scores(low, low, gates).failures) == 2


@pytest.mark.parametrize("name", ["gold_sha256", "corpus_sha256", "items"])
def test_runs_of_different_things_are_not_compared(name):
    """Runs over other questions or articles measure something else."""
    other = copy.deepcopy(GOOD)
    other["manifest"][name] = "other"
    with pytest.raises(BadRun, match=name):
        compare_scores(GOOD, other, GATED)


def test_a_missing_item_is_refused():
    """An item that is in only one run is named."""
    other = copy.deepcopy(GOOD)
    other["items"].pop()
    with pytest.raises(BadRun, match="q19"):
        compare_scores(GOOD, other, GATED)


def test_scores_with_a_nan_or_without_items_are_refused(tmp_path):
    """A NaN, an empty list of items and another JSON value are errors."""
    path = tmp_path / "scores.json"
    path.write_text(json.dumps(GOOD | {"items": [{"id": "q", "marks": {"span_f1": [float("nan"), 1]}}]}))
    with pytest.raises(BadRun, match="NaN"):
        load_scores(path)
    path.write_text(json.dumps(GOOD | {"items": []}))
    with pytest.raises(BadRun, match="no items"):
        load_scores(path)
    path.write_text("[]")
    with pytest.raises(BadRun, match="not scores"):
        load_scores(path)


def test_the_projects_own_gates_name_metrics():
    """The committed file loads and has the hard gate on citation validity."""
    gates = load_gates(GATES)
    assert gates.gated["citation_validity"].floor == 1
    assert gates.gated.keys() <= {metric.name for metric in METRICS}


@pytest.mark.parametrize(
    "text",
    [
        "alpha = 0.05\n[gated.span_f2]\n",
        "alpha = 0.05\n[gated.span_f1]\nflor = 1.0\n",
        "[gated.span_f1]\n",
        "alpha = 5\n[gated.span_f1]\n",
        "alpha = 0.05\ngated = 1\n",
        "alpha = 0.05\n[gate.span_f1]\n",
        "alpha =",
    ],
)
def test_a_misspelt_gate_is_refused(tmp_path, text):
    """A misspelt gate would guard nothing."""
    path = tmp_path / "gates.toml"
    path.write_text(text)
    with pytest.raises(BadRun, match=str(path)):
        load_gates(path)
