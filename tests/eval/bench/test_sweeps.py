"""The sweep of fusion weights, on a few candidates written out."""

from eval.bench.tuning.sweeps import Probe, by_weights, marks, variants
from qa.indexes.protocols import Candidate
from qa.query.analysis import analyse
from qa.retrieval.fusion import WEIGHTS, Weights
from qa.retrieval.retriever import LegHits


def probe(words: list[int], near: list[int], right: set[int]) -> Probe:
    """Return a question for which each leg found these articles, best first, all of one day."""
    legs = [tuple(Candidate((n, 1, 3), 100, 1 - at / 10) for at, n in enumerate(leg)) for leg in (words, near)]
    return Probe("gold", LegHits(analyse("What?"), legs[0], legs[1], 100, None, ()), frozenset(right))


def test_a_mark_is_the_reciprocal_rank_of_the_first_right_article() -> None:
    """An article counts once, however many of its chunks are found; beyond the tenth the score is 0."""
    chunks = tuple(Candidate((n, 1, at), 100, 1 - at / 10) for at, n in enumerate((1, 1, 2)))
    twice = Probe("gold", LegHits(analyse("What?"), chunks, (), 100, None, ()), frozenset({2}))
    probes = [twice, probe([1, 2, 3], [], {1, 3}), probe(list(range(12)), [], {10}), probe([1], [], set())]
    assert list(marks(probes, by_weights(WEIGHTS))) == [1 / 2, 1, 0, 0]


def test_weights_decide_which_leg_is_believed() -> None:
    """If one leg has no weight, the order is that of the other."""
    both = [probe([1, 2], [2, 1], {2})]
    assert list(marks(both, by_weights(Weights(words=1, meaning=0, lead=0)))) == [1 / 2]
    assert list(marks(both, by_weights(Weights(words=0, meaning=1, lead=0)))) == [1]


def test_every_variant_orders_all_that_was_found() -> None:
    """No variant loses a candidate, even when a leg is empty."""
    for order in variants().values():
        for words, near in (([1, 2, 3], [3, 4]), ([1], []), ([], [4]), ([], [])):
            assert {place[0] for place in order(probe(words, near, set()).found)} == {*words, *near}
