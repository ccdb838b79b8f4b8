"""Fusion and recency, by numbers that can be worked out on paper."""

import math

import pytest
from hypothesis import given, strategies as st

from qa.indexes.protocols import Candidate, Place
from qa.retrieval.fusion import LOOKING_BACK, RECENCY_DAYS, Weights, fuse, recency, score

PLACES = st.tuples(st.integers(0, 5), st.just(1), st.integers(0, 5))
SHARES = st.dictionaries(PLACES, st.floats(0, 3), max_size=20)
COSINES = st.dictionaries(PLACES, st.floats(-1, 1), max_size=20)
A, B, C = (1, 1, 4), (2, 1, 5), (3, 1, 6)
FOURS = Weights(words=4, meaning=8, lead=16, words_alone=2)


def test_cosines_count_from_the_last_that_was_found() -> None:
    """What the vectors did not find is as near as that one, at most; what the words did not find has none of them."""
    fused = fuse({A: 1.0, B: 0.5}, {B: 0.75, C: 0.25}, FOURS)
    assert fused == {A: 4.0, B: 2.0 + 4.0, C: 0.0}


def test_a_lead_speaks_for_its_whole_article() -> None:
    """Of equal matches, a chunk of an article whose first chunk is near is better; not one of another version."""
    fused = fuse({A: 1.0, B: 1.0, (1, 2, 4): 1.0}, {(1, 1, 0): 0.75, C: 0.25}, FOURS)
    assert fused[A] == 4.0 + 8.0
    assert fused[B] == fused[1, 2, 4] == 4.0
    assert fused[1, 1, 0] == 4.0 + 8.0


def test_a_leg_that_found_nothing_takes_nothing_from_the_other() -> None:
    """One leg alone keeps its scores, and a single hit is worth something."""
    assert fuse({A: 1.0, B: 0.5}, {}, FOURS) == {A: 2.0, B: 1.0}
    assert fuse({}, {A: 0.75, B: 0.25}, FOURS) == {A: 4.0, B: 0.0}
    assert fuse({}, {A: 0.5}, FOURS) == {A: 4.0}
    assert fuse({}, {}) == {}


def test_match_and_age_are_added_up_best_first() -> None:
    """Equal scores are ordered by place, so that two runs agree."""
    words = (Candidate(B, 100, 1.0), Candidate(A, 100, 1.0), Candidate(C, None, 2.0))
    total = score(words, (), 100, None, Weights(words_alone=2, recency=3))
    assert list(total.items()) == [(C, 7.0), (A, 5.0), (B, 5.0)]


@pytest.mark.parametrize(("window", "weight"), [(None, 3), ((10, 99), 3), ((94, 100), 5), ((94, 130), 5)])
def test_a_question_that_says_this_week_weighs_the_age_more(window: tuple[int, int] | None, weight: int) -> None:
    """Its own time words decide how much newer is better; a window that is over is no such word."""
    weights = Weights(words_alone=2, recency=3, recency_asked=5)
    day = 50 if window == (10, 99) else 100
    assert score((Candidate(A, day, 1.0),), (), 100, window, weights) == {A: 2.0 + weight}


@given(SHARES, COSINES)
def test_fusion_keeps_every_chunk_and_never_punishes(words: dict[Place, float], near: dict[Place, float]) -> None:
    """Nothing is lost, nothing is below zero, and of chunks of one article with equal word scores the nearer wins."""
    fused = fuse(words, near)
    assert set(fused) == set(words) | set(near)
    assert all(score >= 0 for score in fused.values())
    for place in near:
        for other in near:
            if place[:2] == other[:2] and words.get(place) == words.get(other) and near[place] > near[other]:
                assert fused[place] >= fused[other]


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
    """Inside it 1, around it fading on both sides; today's article, that may look back, is not far behind."""
    days = {"inside": 55, "first": 50, "last": 60, "before": 20, "after": 90, "today": 1_000}
    prior = recency(days, 1_000, (50, 60))
    assert prior["inside"] == prior["first"] == prior["last"] == 1.0
    assert prior["before"] == prior["after"] == pytest.approx(math.exp(-1))
    assert prior["today"] == LOOKING_BACK
    assert min(prior["inside"], prior["first"]) > prior["today"]


@pytest.mark.parametrize("window", [(96, 100), (1, 100), (90, 130), (110, 140)])
def test_a_window_that_is_not_over_asks_for_what_is_new(window: tuple[int, int]) -> None:
    """ "This week", "this year", "later this year": the newest article is still the likeliest."""
    days = {"today": 100, "week": 94, "month": 70, "year": -200}
    assert recency(days, 100, window) == recency(days, 100)


def test_huge_ages_are_zero_and_not_an_error() -> None:
    """A date of 1600 asked about in 2100."""
    assert recency({"a": -135_000}, 47_000)["a"] == 0.0
