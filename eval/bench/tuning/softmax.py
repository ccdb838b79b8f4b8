"""Fit a softmax over the sentences of a question and "no answer", from the features of each sentence. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qa import QaError
from qa.answering.extractive import eligible, terms
from qa.query.analysis import AnalysedQuestion
from qa.retrieval.sentence_ranker import Ranked
from qa.types import Evidence

try:
    from scipy.optimize import minimize
    from scipy.special import expit
except ModuleNotFoundError as exc:
    raise QaError("fitting weights needs scipy, which `make dev` installs") from exc

Array = NDArray[np.float64]
FOLDS = 10
_RIDGE = 0.5  # on standardised features, where each set and label weighs _TOTAL
_TOTAL = 100.0
_ORDER_RIDGE = 4.0  # as _RIDGE, for the ranking of sentences
_STRETCH_RIDGE = 0.01  # pulls the stretch of `fit` towards slope 1, shift 0


@dataclass(frozen=True, slots=True)
class Rows:
    """The candidate sentences of one question: a row of features each, and whether it answers."""

    set: int
    answerable: bool
    names: tuple[str, ...]
    values: Array  # shape (sentences, features)
    right: NDArray[np.bool_]

    @property
    def is_informative(self) -> bool:
        """Tell whether weights can be fitted on it: it has sentences and, if answerable, a right one among them."""
        return len(self.values) > 0 and (not self.answerable or bool(self.right.any()))


@dataclass(frozen=True, slots=True)
class Fitted:
    """The weights of the unscaled features, and the constant."""

    names: tuple[str, ...]
    weights: Array
    constant: float


def rows_of(
    question: AnalysedQuestion, ranked: Ranked, proves: Callable[[Evidence], bool], number: int, answerable: bool
) -> Rows:
    """Return the training rows of one question."""
    candidates = eligible(question, ranked)
    features = [terms(found) for _, found in candidates]
    names = tuple(features[0]) if features else ()
    values = np.array([list(row.values()) for row in features], dtype=float).reshape(len(features), len(names))
    return Rows(
        number, answerable, names, values, np.array([proves(sentence) for sentence, _ in candidates], dtype=bool)
    )


def weights_by_name(fitted: Fitted) -> dict[str, float]:
    """Return the weights by name."""
    return dict(zip(fitted.names, map(float, fitted.weights), strict=True)) | {"constant": fitted.constant}


def answer_probability(fitted: Fitted, row: Rows) -> float:
    """Return the probability, by these weights, that the likeliest sentence answers."""
    return float(1 / (1 + np.exp(-_best_log_odds(fitted, row)))) if len(row.values) else 0.0


def _best_log_odds(fitted: Fitted, row: Rows) -> float:
    return float((row.values @ fitted.weights).max() + fitted.constant)


def cross_validate(rows: Sequence[Rows], seed: int = 0) -> Array:
    """Return the answer probability of each question by weights fitted without its fold."""
    fold = np.random.default_rng(seed).integers(0, FOLDS, len(rows))
    probabilities = np.zeros(len(rows))
    for number in range(FOLDS):
        fitted = fit([row for row, row_fold in zip(rows, fold, strict=True) if row_fold != number])
        for at in map(int, np.flatnonzero(fold == number)):
            probabilities[at] = answer_probability(fitted, rows[at])
    return probabilities


def fit(rows: Sequence[Rows]) -> Fitted:
    """Return weights that calibrate the best sentence of a question; each set and label weighs the same.

    They are fitted as a softmax over the sentences and "no answer", then rescaled (Platt) so that the best sentence
    alone gives the probability of an answer: in a large store many sentences have small odds by chance, and their sum
    would grow with the store.
    """
    raw = _fit_sentences([row for row in rows if row.is_informative], none=0.0, ridge=_RIDGE)
    answered = [row for row in rows if len(row.values)]
    best = np.array([_best_log_odds(raw, row) for row in answered])
    # Targets are never quite 0 or 1 (Platt, 1999): with separable data the slope would grow without bound.
    answerable = np.clip(
        [float(row.answerable) for row in answered], 1 / (len(answered) + 2), 1 - 1 / (len(answered) + 2)
    )
    weight = _balance(answered) / _TOTAL

    def loss(stretch: Array) -> tuple[float, Array]:  # logistic regression with a weak pull to slope 1
        log_odds, from_identity = stretch[0] * best + stretch[1], stretch - (1, 0)
        miss = weight * (expit(log_odds) - answerable)
        value = (
            weight @ (np.logaddexp(0, log_odds) - answerable * log_odds)
            + _STRETCH_RIDGE / 2 * from_identity @ from_identity
        )
        return float(value), np.array([miss @ best, miss.sum()]) + _STRETCH_RIDGE * from_identity

    slope, shift = map(float, _minimise(loss, np.array([1.0, 0.0])))
    return Fitted(raw.names, raw.weights * slope, raw.constant * slope + shift)


def fit_order(rows: Sequence[Rows]) -> Fitted:
    """Return weights that rank right sentences before the others; each set weighs the same."""
    return _fit_sentences(
        [row for row in rows if row.right.any() and not row.right.all()], none=-np.inf, ridge=_ORDER_RIDGE
    )


def _fit_sentences(rows: Sequence[Rows], none: float, ridge: float) -> Fitted:
    """Fit a softmax over the sentences of each question and "no answer", whose log odds are `none`."""
    counts = [len(row.values) for row in rows]
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(int)
    owner = np.repeat(np.arange(len(rows)), counts)
    values = np.vstack([row.values for row in rows])
    mean, spread = values.mean(axis=0), values.std(axis=0) + 1e-9
    scaled = np.hstack([(values - mean) / spread, np.ones((len(values), 1))])
    right = np.concatenate([row.right for row in rows])
    answerable = np.array([row.answerable for row in rows])
    weight = _balance(rows) / _TOTAL
    ridges = np.append(np.full(values.shape[1], ridge / _TOTAL), 0.0)
    chosen = right & answerable[owner]

    def loss(weights: Array) -> tuple[float, Array]:
        log_odds = scaled @ weights
        total = np.logaddexp(none, np.logaddexp.reduceat(log_odds, starts))
        target_total = np.where(answerable, np.logaddexp.reduceat(np.where(right, log_odds, -np.inf), starts), none)
        target = np.exp(np.where(chosen, log_odds - target_total[owner], -np.inf))
        slope = scaled.T @ ((np.exp(log_odds - total[owner]) - target) * weight[owner]) + ridges * weights
        return float(weight @ (total - target_total) + ridges @ weights**2 / 2), slope

    solution = _minimise(loss, np.zeros(scaled.shape[1]))
    weights = solution[:-1] / spread
    return Fitted(rows[0].names, weights, float(solution[-1] - mean @ weights))


def _minimise(loss: Callable[[Array], tuple[float, Array]], start: Array) -> Array:
    """Return the minimum of a loss that is given with its gradient. Raises QaError if it does not converge."""
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 10_000, "ftol": 1e-14, "gtol": 1e-8})
    if not found.success:
        raise QaError(f"the weights did not settle: {found.message}")
    least: Array = found.x
    return least


def _balance(rows: Sequence[Rows]) -> Array:
    groups = [(row.set, row.answerable) for row in rows]
    return np.array([_TOTAL / groups.count(group) for group in groups])
