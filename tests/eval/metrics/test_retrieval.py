"""Ranking metrics against a table worked by hand."""

import math

import pytest

from eval.metrics.retrieval import (
    all_evidence_at,
    average_precision,
    collapse,
    ndcg,
    recall_at,
    reciprocal_rank,
    set_f1,
    success_at,
)

LOG3 = 1 / math.log2(3)


def test_collapse_keeps_the_best_chunk_and_breaks_ties_by_id():
    """An article has the rank of its best chunk; the order in the file does not break ties."""
    hits = [("b", 0.5), ("a", 0.5), ("c", 0.9), ("b", 0.1), ("a", 0.4)]
    assert collapse([(article_id, score, ()) for article_id, score in hits]) == ["c", "a", "b"]
    assert collapse([]) == []


@pytest.mark.parametrize(
    ("hits", "ranking"),
    [
        # The search returned z with a and m folded into it: z is first, though "a" sorts before it.
        ([("z", 0.9, ["m", "a"]), ("b", 0.4, [])], ["z", "m", "a", "b"]),
        # z is a hit of the same score as y, whose reprint is a: y and its reprint, then z.
        ([("z", 0.9, []), ("y", 0.9, ["a"])], ["y", "a", "z"]),
        # A reprint that is also a hit has the better of its two scores: .9 as a hit, or .8 as a reprint.
        ([("z", 0.8, ["a"]), ("a", 0.9, [])], ["a", "z"]),
        ([("z", 0.8, ["a"]), ("a", 0.5, [])], ["z", "a"]),
    ],
)
def test_a_reprint_is_ranked_behind_the_hit_that_it_is_folded_into(hits, ranking):
    """A reprint has the score of its hit, and the reader is shown the hit, so the hit wins the tie."""
    assert collapse(hits) == ranking
    assert collapse(hits[::-1]) == ranking


@pytest.mark.parametrize(
    ("ranking", "relevant", "success1", "recall", "rr", "ap", "gain"),
    [
        ("a b c", "a", 1, 1, 1, 1, 1),
        ("b a c", "a", 0, 1, 1 / 2, 1 / 2, LOG3),
        ("b c d", "a", 0, 0, 0, 0, 0),  # wrong throughout
        ("a x b", "a b", 1, 1, 1, (1 + 2 / 3) / 2, (1 + 1 / 2) / (1 + LOG3)),
        ("a x y", "a b", 1, 1 / 2, 1, 1 / 2, 1 / (1 + LOG3)),
        ("a a a", "a b", 1, 1 / 2, 1, 1 / 2, 1 / (1 + LOG3)),  # listed three times, counted once
        ("", "a", 0, 0, 0, 0, 0),
    ],
)
def test_metrics_by_hand(ranking, relevant, success1, recall, rr, ap, gain):
    """Binary relevance, cut at ten."""
    ids, gold = ranking.split(), set(relevant.split())
    found = (
        success_at(1, ids, gold),
        recall_at(10, ids, gold),
        reciprocal_rank(10, ids, gold),
        average_precision(10, ids, gold),
        ndcg(10, ids, gold),
    )
    assert found == pytest.approx((success1, recall, rr, ap, gain))


def test_ranks_after_the_cutoff_do_not_count():
    """An article at rank eleven counts for nothing at ten."""
    ids = [str(number) for number in range(11)]
    assert [success_at(10, ids, {"10"}), reciprocal_rank(10, ids, {"10"}), ndcg(10, ids, {"10"})] == [0, 0, 0]


def test_all_evidence_needs_one_complete_set():
    """Half of each of two sets is not sufficient evidence."""
    assert all_evidence_at(2, ["a", "c", "b"], [{"a", "b"}, {"c", "d"}]) == 0
    assert all_evidence_at(3, ["a", "c", "b"], [{"a", "b"}, {"c", "d"}]) == 1
    assert all_evidence_at(3, ["a"], [set()]) == 0


def test_without_a_relevant_article_there_is_no_figure():
    """A question without gold articles must not count as found."""
    with pytest.raises(ValueError, match="no relevant"):
        recall_at(10, ["a"], set())


@pytest.mark.parametrize(
    ("found", "f1"),
    [("ab", 1), ("abcd", 2 / 3), ("ac", 0.5), ("cd", 0), ("", 0)],
)
def test_set_f1_by_hand(found, f1):
    """Relevant are a and b: both found, both among four, one of two, none, and an empty set."""
    assert set_f1(set(found), {"a", "b"}) == pytest.approx(f1)
