"""Fitting the odds of sentences."""

import sys

import numpy as np
import pytest

from eval.bench.tuning.softmax import Rows, cross_validate, fit, named, prefer, share
from qa import QaError


def question(*sentences, right=None):
    """Return a question whose sentences have one feature each; `right` is the place of the one that answers."""
    values = np.array(sentences, dtype=float).reshape(len(sentences), 1)
    marks = np.array([at == right for at in range(len(sentences))], dtype=bool)
    return Rows(0, right is not None, ("own",) if sentences else (), values, marks)


ROWS = [question(0.9, 0.1, right=0), question(0.2, 0.8, right=1), question(0.3, 0.2), question(0.1, 0.3)] * 5


def test_what_tells_answers_apart_weighs_for_them():
    """A feature that is high in sentences that answer, and only there, gets a weight, and half way lies even odds."""
    fitted = fit(ROWS)
    assert named(fitted)["own"] > 1
    high, low = share(fitted, question(0.2, 0.9)), share(fitted, question(0.2, 0.1))
    assert low < 0.3 < 0.7 < high


def test_no_sentence_has_no_odds():
    """A question without a sentence is sure to have no answer, and teaches nothing."""
    fitted = fit([*ROWS, question()])
    assert share(fitted, question()) == 0.0
    assert not question().teaches


def test_an_answer_that_was_not_found_teaches_nothing():
    """Of an answerable question without a right sentence it is not known which one to prefer."""
    lost = Rows(0, True, ("own",), np.array([[0.9]]), np.array([False]))
    assert not lost.teaches


def test_a_question_is_judged_without_having_been_seen():
    """Every question gets a figure, the same for the same seed."""
    first, again = cross_validate(ROWS), cross_validate(ROWS)
    assert len(first) == len(ROWS)
    assert np.array_equal(first, again)
    assert (first[[0, 1]] > 0.5).all()
    assert (first[[2, 3]] < 0.5).all()


def test_the_order_has_the_least_loss():
    """By hand for one feature: the slope of a softmax's loss over the standardised values, held by .04, is 0."""
    asked = [question(0.9, 0.1, 0.5, right=0), question(0.2, 0.8, right=1), question(0.6, 0.3, 0.9, right=1)]
    values = np.concatenate([one.values[:, 0] for one in asked])
    weight = named(prefer(asked))["own"] * values.std()
    misses = []
    for one in asked:
        scaled = (one.values[:, 0] - values.mean()) / values.std()
        odds = np.exp(weight * scaled)
        misses.append(scaled @ odds / odds.sum() - scaled[one.right].item())
    assert np.mean(misses) + 0.04 * weight == pytest.approx(0, abs=1e-6)


def test_fitting_without_scipy_is_an_error_that_says_what_to_do(monkeypatch):
    """Only an environment for development has it."""
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    monkeypatch.delitem(sys.modules, "eval.bench.tuning.softmax")
    with pytest.raises(QaError, match="fitting weights needs scipy, which `make dev` installs"):
        import eval.bench.tuning.softmax  # noqa: F401
