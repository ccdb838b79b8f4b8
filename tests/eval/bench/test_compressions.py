"""The blind set of compressions is what its table says."""

from collections import Counter

from eval.bench.verification.compressions import load_compressions
from eval.training.data import load_pairs


def test_half_of_the_statements_are_true() -> None:
    """One hundred of each; every false one names what it lost, and no statement repeats its evidence."""
    rows = load_compressions()
    assert Counter(row.supported for row in rows) == {True: 100, False: 100}
    assert all((row.fault is None) is row.supported for row in rows)
    assert all(row.statement not in row.evidence and len(row.statement) < len(row.evidence) for row in rows)
    assert len({row.id for row in rows}) == 200


def test_nothing_of_it_is_trained_on() -> None:
    """No evidence and no statement of the set is among the hand-written training pairs."""
    trained = {text for pair in load_pairs() for text in (pair.evidence, pair.statement)}
    assert not trained & {text for row in load_compressions() for text in (row.evidence, row.statement)}
