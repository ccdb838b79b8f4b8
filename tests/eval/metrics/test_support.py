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
    return [(list(one), support) for one in cited]


@pytest.mark.parametrize(
    ("cited", "recall", "precision"),
    [
        ([[GOOD]], 1, 1),
        ([[BAD]], 0, 0),
        ([[ELSEWHERE]], 0, 0),
        ([[]], 0, 0),  # a statement that cites nothing
        ([[GOOD], [BAD]], 0.5, 0.5),
        ([[GOOD, BAD]], 1, 0.5),  # the second is useless: alone nothing, and without it nothing is lost
        ([[HALF]], 0, 0),  # IoU .29
        ([[HALF, REST]], 1, 1),  # .58 together: each needs the other
        ([[GOOD, HALF, REST]], 1, 1 / 3),  # .29 alone, and not needed beside the whole
        ([[GOOD], []], 0.5, 1),
    ],
)
def test_recall_and_precision_by_hand(cited, recall, precision):
    """Recall asks the citations together; precision asks each whether it counts."""
    assert citation_recall(statements(*cited)) == pytest.approx(recall)
    assert citation_precision(statements(*cited)) == pytest.approx(precision)


def test_an_answer_that_says_nothing_scores_nothing():
    """Refusing what can be answered does not raise either figure."""
    assert citation_recall([]) == citation_precision([]) == 0


def test_the_answer_inside_a_gold_span_supports():
    """A short quote that holds the answer supports, though its IoU is small; the same words elsewhere do not."""
    short = Place("a", 90, 100)
    assert citation_recall(statements([short], answers=["forty two"])) == 1
    assert citation_recall(statements([short], answers=["forty three"])) == 0
    assert citation_recall(statements([Place("b", 90, 100)], answers=["forty two"])) == 0


def test_a_judge_of_three_levels_is_weighted():
    """Partly supported is half, in recall and in precision."""
    judged = [([GOOD], lambda cited: 0.5), ([GOOD], lambda cited: 1.0)]
    assert citation_recall(judged) == citation_precision(judged) == 0.75
