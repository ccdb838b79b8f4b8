"""Fitting the softmax over sentences."""

import sys

import numpy as np
import pytest

from eval.bench.tuning.softmax import Rows, answer_probability, cross_validate, fit, fit_order, weights_by_name
from qa import QaError


def question(*sentences, right=None):
    """Return a question whose sentences have one feature each; `right` is the place of the one that answers."""
    values = np.array(sentences, dtype=float).reshape(len(sentences), 1)
    marks = np.array([at == right for at in range(len(sentences))], dtype=bool)
    return Rows(0, right is not None, ("own",) if sentences else (), values, marks)


ROWS = [question(0.9, 0.1, right=0), question(0.2, 0.8, right=1), question(0.3, 0.2), question(0.1, 0.3)] * 5


def test_what_tells_answers_apart_weighs_for_them():
    """A feature that is high only in sentences that answer gets a positive weight, with even odds half way."""
    fitted = fit(ROWS)
    assert weights_by_name(fitted)["own"] > 1
    high, low = answer_probability(fitted, question(0.2, 0.9)), answer_probability(fitted, question(0.2, 0.1))
    assert low < 0.3 < 0.7 < high


def test_no_sentence_has_no_odds():
    """A question without sentences has an answer probability of 0, and nothing can be fitted on it."""
    fitted = fit([*ROWS, question()])
    assert answer_probability(fitted, question()) == 0.0
    assert not question().is_informative


def test_an_answer_that_was_not_found_teaches_nothing():
    """An answerable question without a right sentence does not show which sentence to prefer."""
    lost = Rows(0, True, ("own",), np.array([[0.9]]), np.array([False]))
    assert not lost.is_informative


def test_a_question_is_judged_without_having_been_seen():
    """Every question gets a probability, the same for the same seed."""
    first, again = cross_validate(ROWS), cross_validate(ROWS)
    assert len(first) == len(ROWS)
    assert np.array_equal(first, again)
    assert (first[[0, 1]] > 0.5).all()
    assert (first[[2, 3]] < 0.5).all()


def test_the_order_has_the_least_loss():
    """By hand for one feature: the gradient of the softmax loss over the standardised values, with ridge .04, is 0."""
    rows = [question(0.9, 0.1, 0.5, right=0), question(0.2, 0.8, right=1), question(0.6, 0.3, 0.9, right=1)]
    values = np.concatenate([row.values[:, 0] for row in rows])
    weight = weights_by_name(fit_order(rows))["own"] * values.std()
    misses = []
    for row in rows:
        scaled = (row.values[:, 0] - values.mean()) / values.std()
        odds = np.exp(weight * scaled)
        misses.append(scaled @ odds / odds.sum() - scaled[row.right].item())
    assert np.mean(misses) + 0.04 * weight == pytest.approx(0, abs=1e-6)


def test_fitting_without_scipy_is_an_error_that_says_what_to_do(monkeypatch):
    """Only an environment for development has it."""
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    monkeypatch.delitem(sys.modules, "eval.bench.tuning.softmax")
    with pytest.raises(QaError, match="fitting weights needs scipy, which `make dev` installs"):
        import eval.bench.tuning.softmax  # noqa: F401
