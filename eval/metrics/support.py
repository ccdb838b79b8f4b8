"""Citation recall and precision: do the citations of an answer support it? Pure. Source: ALCE (Gao et al., 2023).

The caller provides the support function: `support(places)` is 1 if the places together support the statement, 0 if not,
and between for a judge with three levels. Without a judge, places support a statement if they match a gold span.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eval.metrics.span import Place, matches_gold

SUPPORT_IOU = 0.3

Support = Callable[[Sequence[Place]], float]


def gold_support(gold: Sequence[tuple[Place, str]], answers: Sequence[str]) -> Support:
    """Return the support function without a judge: IoU of .3 with a gold span, or an answer's words within one."""

    def support(cited: Sequence[Place]) -> float:
        return float(any(matches_gold(cited, place, words, answers, SUPPORT_IOU) for place, words in gold))

    return support


def citation_recall(statements: Sequence[tuple[Sequence[Place], Support]]) -> float:
    """Return the share of statements that their citations together support; 0 if there are no statements."""
    if not statements:
        return 0.0
    return sum(support(cited) if cited else 0.0 for cited, support in statements) / len(statements)


def citation_precision(statements: Sequence[tuple[Sequence[Place], Support]]) -> float:
    """Return the share of citations whose statement is supported and that contribute to its support.

    A citation is useless if it supports nothing alone and the others support as much without it.
    """
    marks = [
        _contribution(place, [*cited[:at], *cited[at + 1 :]], support(cited), support)
        for cited, support in statements
        for at, place in enumerate(cited)
    ]
    return sum(marks) / len(marks) if marks else 0.0


def _contribution(place: Place, others: Sequence[Place], joint: float, support: Support) -> float:
    if not joint:
        return 0.0
    useless = not support([place]) and bool(others) and support(others) >= joint
    return 0.0 if useless else joint
