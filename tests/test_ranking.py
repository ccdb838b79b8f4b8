"""Fusion and recency, by numbers that can be worked out on paper."""

import math

import pytest
from hypothesis import given, strategies as st

from qa.ranking import RECENCY_DAYS, fuse, min_max, recency

SCORES = st.dictionaries(st.integers(0, 50), st.floats(-1e6, 1e6), max_size=20)


def test_scores_are_stretched_to_one() -> None:
    """The best is 1, the worst 0, the rest between; of equals all are best."""
    assert min_max({"a": 2.0, "b": 6.0, "c": 3.0}) == {"a": 0.0, "b": 1.0, "c": 0.25}
    assert min_max({"a": 5.0, "b": 5.0}) == {"a": 1.0, "b": 1.0}
    assert min_max({"a": -3.0}) == {"a": 1.0}
    assert min_max({}) == {}


def test_legs_count_equally_whatever_their_scale() -> None:
    """BM25 of 20 and a cosine of 0.9 weigh the same; what a leg did not find has 0 in it."""
    fused = fuse([{"a": 20.0, "b": 10.0}, {"b": 0.9, "c": 0.1}])
    assert fused == {"a": 0.5, "b": 0.5, "c": 0.0}


def test_a_leg_that_found_nothing_does_not_halve_the_other() -> None:
    """One leg alone keeps its scores."""
    assert fuse([{"a": 20.0, "b": 10.0}, {}]) == {"a": 1.0, "b": 0.5}
    assert fuse([{}, {}]) == {}
    assert fuse([]) == {}


@given(SCORES, SCORES)
def test_fusion_keeps_every_key_and_stays_in_bounds(one: dict[int, float], two: dict[int, float]) -> None:
    """Nothing is lost, nothing leaves 0 to 1, the order of the legs is of no account."""
    fused = fuse([one, two])
    assert set(fused) == set(one) | set(two)
    assert all(0 <= score <= 1 for score in fused.values())
    assert fuse([two, one]) == pytest.approx(fused)


def test_recency_fades_with_age() -> None:
    """1 today and for what is dated later, 1/e after the decay time."""
    days = {"today": 100, "old": 100 - int(RECENCY_DAYS), "later": 105}
    assert recency(days, 100) == {"today": 1.0, "old": pytest.approx(math.exp(-1)), "later": 1.0}


def test_an_article_without_a_day_is_neither_favoured_nor_buried() -> None:
    """It has the mean of the others; without any others, 0 for all."""
    prior = recency({"new": 100, "old": 100 - 10_000, "none": None}, 100)
    assert prior["none"] == pytest.approx(0.5)
    assert recency({"a": None, "b": None}, 100) == {"a": 0.0, "b": 0.0}
    assert recency({}, 100) == {}


def test_the_window_that_is_asked_for_beats_today() -> None:
    """Inside it 1, around it fading on both sides, and today's article is not out of the race."""
    days = {"inside": 55, "first": 50, "last": 60, "before": 20, "after": 90, "today": 1_000}
    prior = recency(days, 1_000, (50, 60))
    assert prior["inside"] == prior["first"] == prior["last"] == 1.0
    assert prior["before"] == prior["after"] == pytest.approx(math.exp(-1))
    assert prior["today"] == 0.5
    assert min(prior["inside"], prior["first"]) > prior["today"]


def test_huge_ages_are_zero_and_not_an_error() -> None:
    """A date of 1600 asked about in 2100."""
    assert recency({"a": -135_000}, 47_000)["a"] == 0.0
