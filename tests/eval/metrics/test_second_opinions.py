"""Our metrics against second implementations: ir-measures for rankings, scipy and numpy for statistics."""

import random

import ir_measures
import numpy as np
import pytest
from ir_measures import AP, RR, R, Success, nDCG
from scipy import stats as scipy_stats

from eval.bench.verification.support_scores import auroc, balanced
from eval.metrics import retrieval
from eval.metrics.behaviour import percentile, risk_coverage_area
from eval.metrics.span import Place, span_scores
from eval.metrics.stats import bca, paired_permutation

K = 10
OURS = {
    Success @ 1: lambda ids, gold: retrieval.success_at(1, ids, gold),
    Success @ 4: lambda ids, gold: retrieval.success_at(4, ids, gold),
    Success @ K: lambda ids, gold: retrieval.success_at(K, ids, gold),
    R @ K: lambda ids, gold: retrieval.recall_at(K, ids, gold),
    RR @ K: lambda ids, gold: retrieval.reciprocal_rank(K, ids, gold),
    AP @ K: lambda ids, gold: retrieval.average_precision(K, ids, gold),
    nDCG @ K: lambda ids, gold: retrieval.ndcg(K, ids, gold),
}


def rankings(seed, queries=40):
    """Return (query, chunk hits, relevant ids): some rankings empty, some long, articles repeated."""
    draw = random.Random(seed)
    for number in range(queries):
        pool = [f"d{place:02}" for place in range(30)]
        hits = [(draw.choice(pool), draw.random()) for _ in range(draw.choice([0, 3, 12, 60]))]
        yield f"q{number}", hits, set(draw.sample(pool, draw.randint(1, 14)))


@pytest.mark.parametrize("seed", range(5))
def test_rankings_agree_with_ir_measures(seed):
    """Each metric of each query, empty rankings included, equals trec_eval's on the collapsed run."""
    found = list(rankings(seed))
    qrels = [ir_measures.Qrel(query, article_id, 1) for query, _, gold in found for article_id in gold]
    run, ours = [], {}
    for query, hits, gold in found:
        ids = retrieval.collapse((article_id, score, ()) for article_id, score in hits)
        run += [ir_measures.ScoredDoc(query, article_id, float(len(ids) - rank)) for rank, article_id in enumerate(ids)]
        for measure, mark in OURS.items():
            ours[query, str(measure)] = mark(ids, gold)
    theirs = {
        (result.query_id, str(result.measure)): result.value for result in ir_measures.iter_calc(list(OURS), qrels, run)
    }
    assert theirs.keys() == ours.keys()
    for key, value in ours.items():
        assert value == pytest.approx(theirs[key], abs=1e-9), key


def sums(values):
    return np.array([(value, 1.0) for value in values])


@pytest.mark.parametrize("n", [8, 40, 200])
@pytest.mark.parametrize("kind", ["binary", "skewed"])
def test_intervals_agree_with_scipy(n, kind):
    """The BCa interval of a mean of independent items, but for the draws."""
    rng = np.random.default_rng(n)
    values = (rng.random(n) < 0.7).astype(float) if kind == "binary" else rng.exponential(size=n)
    found = scipy_stats.bootstrap((values,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(1))
    low, high = bca(sums(values))
    width = found.confidence_interval.high - found.confidence_interval.low
    assert low == pytest.approx(found.confidence_interval.low, abs=0.06 * width)
    assert high == pytest.approx(found.confidence_interval.high, abs=0.06 * width)


@pytest.mark.parametrize("seed", range(4))
def test_exact_permutation_agrees_with_scipy(seed):
    """Up to twelve pairs every swap is counted: the p is the same figure."""
    rng = np.random.default_rng(seed)
    base, new = rng.random(9), rng.random(9)
    found = scipy_stats.permutation_test(
        (base, new),
        lambda base, new: np.mean(new) - np.mean(base),
        permutation_type="samples",
        vectorized=False,
        n_resamples=np.inf,
    )
    assert paired_permutation(sums(base), sums(new)) == pytest.approx(found.pvalue)


def test_drawn_permutation_agrees_with_scipy():
    """Beyond twelve pairs the p is drawn: the same within its error."""
    rng = np.random.default_rng(5)
    base = (rng.random(60) < 0.8).astype(float)
    new = (rng.random(60) < 0.65).astype(float)
    found = scipy_stats.permutation_test(
        (base, new),
        lambda base, new, axis: np.mean(new, axis=axis) - np.mean(base, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=20_000,
        rng=np.random.default_rng(1),
    )
    assert paired_permutation(sums(base), sums(new)) == pytest.approx(found.pvalue, abs=0.02)


def test_percentiles_agree_with_numpy():
    """Linear interpolation, which is numpy's default."""
    values = np.random.default_rng(3).random(37).tolist()
    for share in (0, 1, 50, 95, 99, 100):
        assert percentile(values, share) == pytest.approx(float(np.percentile(values, share)))


@pytest.mark.parametrize("seed", range(3))
def test_the_area_of_a_support_score_agrees_with_scipy(seed):
    """AUROC is Mann and Whitney's U over all pairs; scores of one digit tie often."""
    draw = np.random.default_rng(seed)
    marks = (draw.random(60) < 0.4).astype(float)
    scores = np.round(draw.random(60) + 0.3 * marks, 1)
    found = scipy_stats.mannwhitneyu(scores[marks == 1], scores[marks == 0])
    assert auroc(scores, marks) == pytest.approx(found.statistic / (marks.sum() * (60 - marks.sum())))


def test_balanced_accuracy_by_hand():
    """Three of four supported and one of two others are classified right: .625. A constant verdict gives a half."""
    scores, marks = np.array([0.9, 0.8, 0.7, 0.1, 0.6, 0.2]), np.array([1.0, 1, 1, 1, 0, 0])
    assert balanced(scores, marks, 0.5) == (3 / 4 + 1 / 2) / 2
    assert balanced(scores, marks, 0.0) == 0.5
    assert balanced(-scores, marks, -0.65) == (1 / 4 + 0 / 2) / 2


@pytest.mark.parametrize("seed", range(5))
def test_span_scores_agree_with_sets_of_characters(seed):
    """Unions of ranges give the same measures as sets of single code points."""
    draw = random.Random(seed)

    def places():
        starts = [draw.randrange(40) for _ in range(draw.randint(1, 6))]
        return [Place(draw.choice("ab"), start, start + draw.randint(1, 15)) for start in starts]

    cited, gold = places(), places()
    ours = span_scores(cited, [gold])
    mine, theirs = (
        {(place.article_id, at) for place in found for at in range(place.start, place.end)} for found in (cited, gold)
    )
    both = len(mine & theirs)
    assert ours.recall == pytest.approx(both / len(theirs))
    assert ours.precision == pytest.approx(both / len(mine))
    assert ours.iou == pytest.approx(both / len(mine | theirs))
    assert ours.f1 == pytest.approx(2 * both / (len(mine) + len(theirs)))


def test_the_risk_coverage_area_agrees_with_numpy():
    """Without ties it is the mean of the running mean of errors."""
    draw = np.random.default_rng(1)
    wrong = draw.random(50) < 0.3
    running = np.cumsum(wrong) / np.arange(1, 51)
    marks = [(1 - place / 50, bool(is_wrong)) for place, is_wrong in enumerate(wrong)]
    assert risk_coverage_area(marks) == pytest.approx(float(running.mean()))
