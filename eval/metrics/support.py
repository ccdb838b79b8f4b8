"""Whether the citations of an answer support it. Pure; what supports what is given. Source: ALCE (Gao et al., 2023).

`support(places)` is 1 where the places together support the statement, 0 where not, and between for a judge of three
levels. Without a judge it asks whether they meet a gold span.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eval.metrics.span import Place, meets

SUPPORT_IOU = 0.3

Support = Callable[[Sequence[Place]], float]


def gold_support(gold: Sequence[tuple[Place, str]], answers: Sequence[str]) -> Support:
    """Return the judgement without a judge: IoU of .3 with a gold span, or the answer's words inside one."""

    def support(cited: Sequence[Place]) -> float:
        return float(any(meets(cited, place, words, answers, SUPPORT_IOU) for place, words in gold))

    return support


def citation_recall(statements: Sequence[tuple[Sequence[Place], Support]]) -> float:
    """Return the share of statements that their citations together support; 0 when nothing was said."""
    if not statements:
        return 0.0
    return sum(support(cited) if cited else 0.0 for cited, support in statements) / len(statements)


def citation_precision(statements: Sequence[tuple[Sequence[Place], Support]]) -> float:
    """Return the share of citations that count: their statement is supported and they are not useless.

    A citation is useless if it supports nothing alone and the others support as much without it.
    """
    marks = [
        _counts(place, [*cited[:at], *cited[at + 1 :]], support(cited), support)
        for cited, support in statements
        for at, place in enumerate(cited)
    ]
    return sum(marks) / len(marks) if marks else 0.0


def _counts(place: Place, others: Sequence[Place], whole: float, support: Support) -> float:
    if not whole:
        return 0.0
    useless = not support([place]) and bool(others) and support(others) >= whole
    return 0.0 if useless else whole
