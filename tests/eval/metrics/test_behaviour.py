"""Metrics of refusal, conflicts, time and latency against values worked by hand."""

import pytest

from eval.metrics.behaviour import (
    conflict_flagged,
    conflict_strict,
    dated_after,
    dates_resolved,
    days_in,
    percentile,
    refused,
    risk_coverage,
    risk_coverage_area,
    sides_cited,
    wrong_included,
)

VALUES = [["40", "forty"], ["39"]]


def test_refusal_is_the_status_not_the_words():
    """An answer whose words sound like a refusal is still an answer."""
    assert refused({"status": "not_in_sources", "answer": "Forty."})
    assert not refused({"status": "answered", "answer": "The articles do not answer this question."})


def test_risk_coverage_by_hand():
    """Right, wrong, right in order of falling confidence: risks 0, 1/2, 1/3."""
    points = risk_coverage([(0.2, False), (0.9, False), (0.5, True)])
    assert points == [(pytest.approx(1 / 3), 0), (pytest.approx(2 / 3), 0.5), (1, pytest.approx(1 / 3))]
    assert risk_coverage_area([(0.2, False), (0.9, False), (0.5, True)]) == pytest.approx((0 + 1 / 2 + 1 / 3) / 3)


def test_equal_confidences_do_not_depend_on_the_order():
    """With a constant confidence the risk is the overall error rate at every coverage."""
    marks = [(0.5, True), (0.5, False), (0.5, False), (0.5, False)]
    assert risk_coverage_area(marks) == risk_coverage_area(marks[::-1]) == pytest.approx(0.25)


def test_an_inverted_confidence_has_the_largest_area():
    """The area is small if the confident answers are the right ones."""
    good, bad = [(0.9, False), (0.1, True)], [(0.9, True), (0.1, False)]
    assert risk_coverage_area(good) == 0.25
    assert risk_coverage_area(bad) == 0.75


@pytest.mark.parametrize(
    ("text", "wrong", "strict"),
    [
        ("Forty times, or 39 before this visit.", [], 1),
        ("Forty times, or 39 before this visit.", ["Forty"], 1),  # the value of one side is not wrong
        ("40 times.", [], 0),  # one side only
        ("40 times, or 39, or 400.", ["400"], 0),  # a wrong value beside both
        ("400 or 390 times.", [], 0),
        ("", [], 0),
    ],
)
def test_conflict_strict_by_hand(text, wrong, strict):
    """The answer must contain every side and no wrong answer."""
    assert conflict_strict(text, VALUES, wrong) == strict


def test_wrong_answer_inclusion():
    """A wrong value counts at word boundaries, not as part of another number."""
    assert wrong_included("They met 38 times", ["38"]) == 1
    assert wrong_included("They met 380 times", ["38"]) == 0


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("It is an all-girls school.", 0),
        ("It is a school for girls.", 1),
        ("It is an all-girls school, one for girls.", 1),
        ("It is for all, all-girls or not.", 0),  # removing the right answer must not join the words around it
    ],
)
def test_a_wrong_answer_within_a_right_one_does_not_count(text, wrong):
    """An answer with "all-girls" does not contain "girls"; an answer with both does."""
    assert wrong_included(text, ["Girls", "all or"], ["Boys", "All-girls"]) == wrong


def test_conflicts_are_flagged_by_status_or_list():
    """Either means that sources disagree; the words of the answer do not count."""
    assert conflict_flagged({"status": "conflicting", "conflicts": []})
    assert conflict_flagged({"status": "answered", "conflicts": [{"about": "number"}]})
    assert not conflict_flagged({"status": "answered", "conflicts": [], "answer": "sources disagree"})


def test_sides_cited_is_a_share():
    """Each side needs a cited quote with its value."""
    assert sides_cited(["they met 40 times", "nothing"], VALUES) == 0.5
    assert sides_cited(["met forty times", "39 meetings"], VALUES) == 1
    assert sides_cited([], VALUES) == 0


def test_articles_after_the_questions_day_are_found():
    """An article of the same day is not later, and one without a date is not known to be."""
    cited = [
        {"article_id": "old", "published_at": "2023-03-21"},
        {"article_id": "same", "published_at": "2023-03-22T23:00:00+01:00"},
        {"article_id": "new", "published_at": "2023-03-23"},
        {"article_id": "undated", "published_at": None},
    ]
    assert dated_after(cited, "2023-03-22") == ["new"]


def test_days_are_read_from_gold_answers():
    """Three date formats are recognised; a month alone is not a day."""
    assert days_in(["2023-03-20"]) == {"2023-03-20"}
    assert days_in(["Monday, 20 March 2023"]) == {"2023-03-20"}
    assert days_in(["on March 20, 2023"]) == {"2023-03-20"}
    assert days_in(["March 2023", "31 February 2023", "Monday"]) == set()


def test_resolved_dates_by_hand():
    """The right day scores 1, another day 0; a gold answer without a day is an error."""
    assert dates_resolved(["2023-03-20"], ["20 March 2023"]) == 1
    assert dates_resolved(["2023-03-27"], ["20 March 2023"]) == 0
    with pytest.raises(ValueError, match="no day"):
        dates_resolved(["2023-03-20"], ["Monday"])


def test_percentiles_by_hand():
    """Linear interpolation between neighbours; a single value is every percentile."""
    assert percentile([4, 1, 3, 2], 50) == 2.5
    assert percentile([1, 2, 3, 4, 5], 95) == pytest.approx(4.8)
    assert percentile([7], 99) == 7
