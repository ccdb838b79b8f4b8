"""Intervals and paired tests against cases worked by hand."""

import math

import numpy as np
import pytest

from eval.metrics.stats import bca, cluster_sums, compare, detectable_change, holm, paired_permutation, ratio


def sums(*values):
    return np.array([(value, 1.0) for value in values])


def marks(*values):
    return {f"q{number}": (float(value), 1.0) for number, value in enumerate(values)}


def own_clusters(marks_by_item):
    return {item: item for item in marks_by_item}


def test_ratio_is_a_mean_or_a_precision():
    """The sum of numerators over the sum of denominators; NaN if the latter is 0."""
    assert ratio([(1, 1), (0, 1), (0.5, 1)]) == 0.5
    assert ratio([(1, 1), (0, 0), (0, 1)]) == 0.5  # an item that claimed nothing does not count
    assert math.isnan(ratio([(0, 0)]))


def test_clusters_are_summed_in_the_order_of_their_names():
    """Items of one article are one row."""
    found = cluster_sums({"q1": (1, 1), "q2": (0, 1), "q3": (1, 1)}, {"q1": "b", "q2": "a", "q3": "b"})
    assert found.tolist() == [[0, 1], [2, 2]]


def test_interval_holds_the_mean_and_narrows_with_n():
    """Nine of ten right: the interval is skewed to the left, and about half as wide with four times the items."""
    few = bca(sums(*[1] * 9, 0))
    many = bca(sums(*([1] * 9 + [0]) * 4))
    assert few[0] < 0.9 < few[1] <= 1
    assert 0.9 - few[0] > few[1] - 0.9
    assert 0.4 < (many[1] - many[0]) / (few[1] - few[0]) < 0.7


def test_interval_of_one_value_is_that_value_and_of_one_cluster_none():
    """Constant marks have an interval of width 0; a single cluster has none."""
    assert bca(sums(1, 1, 1)) == (1, 1)
    assert bca(sums(0.5)) is None


def test_clusters_widen_the_interval():
    """Ten questions about two articles are not ten articles."""
    items = [1] * 5 + [0] * 5
    apart = bca(sums(*items))
    together = bca(cluster_sums(marks(*items), {f"q{number}": str(number // 5) for number in range(10)}))
    assert together[1] - together[0] > apart[1] - apart[0]


def test_permutation_of_few_clusters_is_exact():
    """Five items that all fell: of 32 swaps two are as extreme, all and none."""
    assert paired_permutation(sums(1, 1, 1, 1, 1), sums(0, 0, 0, 0, 0)) == 2 / 32


def test_permutation_finds_no_difference_if_there_is_none():
    """Equal runs, and a rise that a fall balances, have p = 1."""
    assert paired_permutation(sums(1, 0, 1), sums(1, 0, 1)) == 1
    assert paired_permutation(sums(1, 0), sums(0, 1)) == 1


def test_permutation_of_many_clusters_is_sampled_and_never_zero():
    """The sampled p counts the observed swap too."""
    p = paired_permutation(sums(*[1] * 60), sums(*[0] * 60))
    assert p == pytest.approx(1 / 10_001)


def test_compare_pairs_items_and_gives_the_change():
    """Items that are scored in only one run are left out."""
    base, new = marks(*[1] * 20), marks(*[1] * 10, *[0] * 10)
    del new["q19"]
    found = compare(base, new, own_clusters(base))
    assert (found.n, found.base, found.new) == (19, 1, 10 / 19)
    assert found.low < found.change < found.high < 0
    assert found.p < 0.01
    assert compare(base, {}, own_clusters(base)) is None


def test_compare_swaps_whole_clusters():
    """Twenty questions about one article that all fell are one observation."""
    base, new = marks(*[1] * 20), marks(*[0] * 20)
    assert compare(base, new, dict.fromkeys(base, "one")).p == 1


@pytest.mark.parametrize(("n", "points"), [(76, 0.14), (231, 0.082), (580, 0.052)])
def test_smallest_detectable_change(n, points):
    """The values that the docstring gives for three sizes."""
    assert detectable_change(n) == pytest.approx(points, abs=0.005)


def test_holm_by_hand():
    """Three p values .01, .03 and .04 become .03, .06 and .06: never smaller than the one before."""
    assert holm({"a": 0.03, "b": 0.01, "c": 0.04}) == pytest.approx({"b": 0.03, "a": 0.06, "c": 0.06})
    assert holm({"a": 0.6, "b": 0.9}) == {"a": 1, "b": 1}
    assert holm({}) == {}


def test_holm_lies_between_no_adjustment_and_bonferroni():
    """An adjusted p is never below the raw one and never above Bonferroni's."""
    p_values = {"a": 0.004, "b": 0.03, "c": 0.02, "d": 0.6}
    adjusted = holm(p_values)
    assert all(p <= adjusted[name] <= min(1, 4 * p) for name, p in p_values.items())
