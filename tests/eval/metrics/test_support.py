"""ALCE's citation recall and precision, worked by hand."""

import pytest

from eval.metrics.span import Place
from eval.metrics.support import citation_precision, citation_recall, gold_support

GOLD = Place("a", 0, 100)
WORDS = "x" * 90 + " forty two"
GOOD, HALF, BAD, ELSEWHERE = Place("a", 0, 100), Place("a", 0, 29), Place("a", 200, 300), Place("b", 0, 100)
REST = Place("a", 29, 58)


def statements(*cited, answers=()):
    support = gold_support([(GOLD, WORDS)], answers)
    return [(list(places), support) for places in cited]


@pytest.mark.parametrize(
    ("cited", "recall", "precision"),
    [
        ([[GOOD]], 1, 1),
        ([[BAD]], 0, 0),
        ([[ELSEWHERE]], 0, 0),
        ([[]], 0, 0),  # a statement that cites nothing
        ([[GOOD], [BAD]], 0.5, 0.5),
        ([[GOOD, BAD]], 1, 0.5),  # the second is useless: it supports nothing alone, and the first does not need it
        ([[HALF]], 0, 0),  # IoU .29
        ([[HALF, REST]], 1, 1),  # .58 together: each needs the other
        ([[GOOD, HALF, REST]], 1, 1 / 3),  # .29 alone, and not needed beside the whole
        ([[GOOD], []], 0.5, 1),
    ],
)
def test_recall_and_precision_by_hand(cited, recall, precision):
    """Recall judges the citations of a statement together; precision asks of each whether it contributes."""
    assert citation_recall(statements(*cited)) == pytest.approx(recall)
    assert citation_precision(statements(*cited)) == pytest.approx(precision)


def test_an_answer_that_says_nothing_scores_nothing():
    """Refusing an answerable question raises neither metric."""
    assert citation_recall([]) == citation_precision([]) == 0


def test_a_quote_of_the_answer_within_a_gold_span_supports():
    """A short quote that contains the answer supports despite its small IoU; the same words elsewhere do not."""
    short = Place("a", 90, 100)
    assert citation_recall(statements([short], answers=["forty two"])) == 1
    assert citation_recall(statements([short], answers=["forty three"])) == 0
    assert citation_recall(statements([Place("b", 90, 100)], answers=["forty two"])) == 0


def test_a_judge_of_three_levels_is_weighted():
    """Partial support counts half in recall and in precision."""
    judged = [([GOOD], lambda cited: 0.5), ([GOOD], lambda cited: 1.0)]
    assert citation_recall(judged) == citation_precision(judged) == 0.75
