"""The regression gate of the project's own gold set: it fails if anything is missing."""

import json

import pytest

from eval.dataset.items import hash_gold
from eval.runs.run import BadRun
from eval.scoring.compare import GATES, load_gates, load_scores
from eval.scoring.gate import BASELINE, GOLD, against_baseline, write_baseline
from tests.eval.scoring.test_compare import scores

GATED = load_gates().gated


def good(n=60):
    """Return scores that pass every gate, each item in a cluster of its own."""
    found = scores(**{name: [0.0 if gate.ceiling is not None else 1.0] * n for name, gate in GATED.items()})
    found["manifest"] |= {"commit": "0" * 40, "machine": "not kept"}
    return found


def changed(name, marks):
    """Return the good scores with other marks in one metric."""
    found = good()
    for row, mark in zip(found["items"], marks, strict=True):
        row["marks"][name] = [mark, 1]
    found["metrics"][name] = {"value": sum(marks) / len(marks)}
    return found


@pytest.fixture
def baseline(tmp_path):
    path = tmp_path / "baseline" / "sample.json"
    write_baseline(good(), path)
    return path


def failures(found, baseline):
    return [failure.split(":")[0] for failure in against_baseline(found, baseline).failures]


def test_the_baseline_passes_itself(baseline):
    """It has one item per line, so that a diff shows which questions moved, and no machine data."""
    assert failures(good(), baseline) == []
    assert sum(line.startswith('{"id": "q') for line in baseline.read_text().splitlines()) == 60
    assert "machine" not in json.loads(baseline.read_text())["manifest"]


@pytest.mark.parametrize("name", sorted(GATED))
def test_a_fall_in_any_gated_metric_fails_by_its_name(baseline, name):
    """Half of the questions became wrong: significant after Holm, whatever the floor."""
    wrong = 1.0 if GATED[name].ceiling is not None else 0.0
    assert name in failures(changed(name, [wrong] * 30 + [1 - wrong] * 30), baseline)


def test_a_difference_after_the_fourth_digit_is_no_change(baseline, tmp_path):
    """Marks are rounded in the baseline and in the new scores: a third equals a third."""
    third = changed("span_f1", [1 / 3] * 60)
    write_baseline(third, tmp_path / "third.json")
    (row,) = [row for row in against_baseline(third, tmp_path / "third.json").rows if row.name == "span_f1"]
    assert (row.difference.change, row.difference.p) == (0, 1)


def test_a_missing_metric_and_a_nan_fail(baseline):
    """A metric that was not measured has not been shown to hold."""
    incomplete = good()
    del incomplete["metrics"]["span_f1"]
    for row in incomplete["items"]:
        del row["marks"]["span_f1"]
    assert "span_f1" in failures(incomplete, baseline)
    broken = good()
    broken["metrics"]["span_f1"] = {"value": float("nan")}
    assert "span_f1" in failures(broken, baseline)
    invalid = changed("span_f1", [float("nan")] + [1.0] * 59)
    with pytest.raises((BadRun, ValueError)):
        against_baseline(invalid, baseline)


@pytest.mark.parametrize(("field", "what"), [("gold_sha256", "gold set"), ("corpus_sha256", "sample articles")])
def test_a_changed_gold_set_or_corpus_asks_for_a_new_baseline(baseline, field, what):
    """Other questions or articles cannot be compared: the message says what to do."""
    found = good()
    found["manifest"][field] = "other"
    with pytest.raises(BadRun, match=f"the {what} changed .* `make baseline` and commit it"):
        against_baseline(found, baseline)


def test_no_baseline_and_a_baseline_without_items_fail(baseline, tmp_path):
    """Without a usable baseline the gate fails instead of passing."""
    with pytest.raises(BadRun, match="make it by `make baseline`"):
        against_baseline(good(), tmp_path / "none.json")
    empty = json.loads(baseline.read_text()) | {"items": []}
    baseline.write_text(json.dumps(empty))
    with pytest.raises(BadRun, match="no items"):
        against_baseline(good(), baseline)


def test_a_failed_question_fails_the_gate(baseline):
    """An error is not an answer."""
    assert "1 questions failed" in failures(good() | {"errors": ["q1"]}, baseline)


def test_the_committed_baseline_is_of_the_committed_gold_set():
    """It has every gated metric and passes every gate; a change of the gold set needs a new baseline."""
    base = load_scores(BASELINE)
    assert base["manifest"]["gold_sha256"] == hash_gold(GOLD), "run `make baseline` and commit it"
    for name, gate in load_gates(GATES).gated.items():
        value = base["metrics"][name]
        assert gate.floor is None or value >= gate.floor, name
        assert gate.ceiling is None or value <= gate.ceiling, name
