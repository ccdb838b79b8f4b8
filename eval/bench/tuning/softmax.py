"""Fit the odds of sentences being the answer against there being none: a softmax over sentences and "none". Pure."""

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
_HOLD_ORDER = 4.0  # as _RIDGE, for the order of sentences
_HOLD = 0.01


@dataclass(frozen=True, slots=True)
class Rows:
    """The sentences of one question that may answer it: a row of features each, and whether it does."""

    set: int
    answerable: bool
    names: tuple[str, ...]
    values: Array  # shape (sentences, features)
    right: NDArray[np.bool_]

    @property
    def teaches(self) -> bool:
        """Tell whether it can be learnt from: there are sentences, and one answers if any should."""
        return len(self.values) > 0 and (not self.answerable or bool(self.right.any()))


@dataclass(frozen=True, slots=True)
class Fitted:
    """Weights of features as they are, and the constant."""

    names: tuple[str, ...]
    weights: Array
    constant: float


def rows_of(
    asked: AnalysedQuestion, ranked: Ranked, proves: Callable[[Evidence], bool], number: int, answerable: bool
) -> Rows:
    """Return what one question teaches."""
    found = eligible(asked, ranked)
    features = [terms(one) for _, one in found]
    names = tuple(features[0]) if features else ()
    values = np.array([list(one.values()) for one in features], dtype=float).reshape(len(features), len(names))
    return Rows(number, answerable, names, values, np.array([proves(one) for one, _ in found], dtype=bool))


def named(fitted: Fitted) -> dict[str, float]:
    """Return the weights by name."""
    return dict(zip(fitted.names, map(float, fitted.weights), strict=True)) | {"constant": fitted.constant}


def share(fitted: Fitted, one: Rows) -> float:
    """Return how likely it is by these weights that the likeliest sentence answers."""
    return float(1 / (1 + np.exp(-_best(fitted, one)))) if len(one.values) else 0.0


def _best(fitted: Fitted, one: Rows) -> float:
    return float((one.values @ fitted.weights).max() + fitted.constant)


def cross_validate(rows: Sequence[Rows], seed: int = 0) -> Array:
    """Return for each question the share by weights that were fitted without its fold."""
    fold = np.random.default_rng(seed).integers(0, FOLDS, len(rows))
    shares = np.zeros(len(rows))
    for number in range(FOLDS):
        fitted = fit([one for one, its in zip(rows, fold, strict=True) if its != number])
        for at in map(int, np.flatnonzero(fold == number)):
            shares[at] = share(fitted, rows[at])
    return shares


def fit(rows: Sequence[Rows]) -> Fitted:
    """Return weights whose best sentence is as sure as it should be; each set and label weighs the same.

    They are learnt as a softmax over the sentences and "none", then stretched so that the best sentence alone says how
    likely an answer is: in a large store many sentences have small odds by chance, and their sum would tell its size.
    """
    raw = _fit_sentences([one for one in rows if one.teaches], none=0.0, ridge=_RIDGE)
    asked = [one for one in rows if len(one.values)]
    best = np.array([_best(raw, one) for one in asked])
    # Never quite 0 or 1 (Platt, 1999): where all can be told apart no slope would be steep enough.
    answerable = np.clip([float(one.answerable) for one in asked], 1 / (len(asked) + 2), 1 - 1 / (len(asked) + 2))
    weight = _balance(asked) / _TOTAL

    def loss(stretch: Array) -> tuple[float, Array]:  # of a logistic regression, held a little to a slope of 1
        log_odds, off = stretch[0] * best + stretch[1], stretch - (1, 0)
        miss = weight * (expit(log_odds) - answerable)
        value = weight @ (np.logaddexp(0, log_odds) - answerable * log_odds) + _HOLD / 2 * off @ off
        return float(value), np.array([miss @ best, miss.sum()]) + _HOLD * off

    slope, shift = map(float, _least(loss, np.array([1.0, 0.0])))
    return Fitted(raw.names, raw.weights * slope, raw.constant * slope + shift)


def prefer(rows: Sequence[Rows]) -> Fitted:
    """Return weights by which a sentence that answers goes before those that do not; each set weighs the same."""
    return _fit_sentences(
        [one for one in rows if one.right.any() and not one.right.all()], none=-np.inf, ridge=_HOLD_ORDER
    )


def _fit_sentences(rows: Sequence[Rows], none: float, ridge: float) -> Fitted:
    """Fit a softmax over the sentences of each question and, with log odds of `none`, there being no answer."""
    counts = [len(one.values) for one in rows]
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(int)
    owner = np.repeat(np.arange(len(rows)), counts)
    values = np.vstack([one.values for one in rows])
    mean, spread = values.mean(axis=0), values.std(axis=0) + 1e-9
    scaled = np.hstack([(values - mean) / spread, np.ones((len(values), 1))])
    right = np.concatenate([one.right for one in rows])
    answerable = np.array([one.answerable for one in rows])
    weight = _balance(rows) / _TOTAL
    held = np.append(np.full(values.shape[1], ridge / _TOTAL), 0.0)
    chosen = right & answerable[owner]

    def loss(weights: Array) -> tuple[float, Array]:
        log_odds = scaled @ weights
        total = np.logaddexp(none, np.logaddexp.reduceat(log_odds, starts))
        hoped = np.where(answerable, np.logaddexp.reduceat(np.where(right, log_odds, -np.inf), starts), none)
        target = np.exp(np.where(chosen, log_odds - hoped[owner], -np.inf))
        slope = scaled.T @ ((np.exp(log_odds - total[owner]) - target) * weight[owner]) + held * weights
        return float(weight @ (total - hoped) + held @ weights**2 / 2), slope

    found = _least(loss, np.zeros(scaled.shape[1]))
    weights = found[:-1] / spread
    return Fitted(rows[0].names, weights, float(found[-1] - mean @ weights))


def _least(loss: Callable[[Array], tuple[float, Array]], start: Array) -> Array:
    """Return where a loss, given with its slope, is least. Raises QaError where that is not found."""
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 10_000, "ftol": 1e-14, "gtol": 1e-8})
    if not found.success:
        raise QaError(f"the weights did not settle: {found.message}")
    least: Array = found.x
    return least


def _balance(rows: Sequence[Rows]) -> Array:
    groups = [(one.set, one.answerable) for one in rows]
    return np.array([_TOTAL / groups.count(group) for group in groups])
