"""Compare the best sentences with each other: names that several articles give, similarity with neighbours. Pure."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np

from qa.types import Evidence, Vectors

MANY = 4.0  # articles that hold all of the question and give the same answer: more of them add nothing
_NEIGHBOUR = 0.5  # what a neighbour's vector counts, of the sentence's own
_GAP = 4  # characters between two sentences that follow each other: spaces, a blank line


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence, as far as the others are compared with it."""

    article_id: str
    stems: Set[str]
    answers: Set[str]  # the stems in it that can be the answer: new names, or new numbers
    own: float  # the share of the question that it holds


def agreed(sentences: Sequence[Said]) -> list[float]:
    """Return how much other articles give the same answer as each sentence, 0..1.

    An article counts by its sentence that holds most of the question: a name that occurs everywhere answers nothing.
    """
    by_answer: dict[str, dict[str, float]] = {}
    for answer in set().union(*(sentence.answers for sentence in sentences)):
        votes = by_answer.setdefault(answer, {})
        for sentence in sentences:
            if answer in sentence.stems:
                votes[sentence.article_id] = max(sentence.own, votes.get(sentence.article_id, 0.0))
    found = []
    for sentence in sentences:
        others = (_without(by_answer[answer], sentence.article_id) for answer in sentence.answers)
        found.append(min(max(others, default=0.0), MANY) / MANY)
    return found


def _without(votes: dict[str, float], article_id: str) -> float:
    return sum(vote for other, vote in votes.items() if other != article_id)


def cosine_with_neighbours(question: Vectors, evidence: Sequence[Evidence], vectors: Sequence[Vectors]) -> list[float]:
    """Return the cosine of the question with each sentence and its neighbours among the sentences, taken together."""
    found = []
    for sentence, own in zip(evidence, vectors, strict=True):
        mixed = own + _NEIGHBOUR * sum(
            (vector for other, vector in zip(evidence, vectors, strict=True) if _are_adjacent(sentence, other)),
            start=np.zeros_like(own),
        )
        found.append(max(0.0, float(question @ mixed) / (float(np.linalg.norm(mixed)) or 1.0)))
    return found


def _are_adjacent(a: Evidence, b: Evidence) -> bool:
    if a.source.article_id != b.source.article_id:
        return False
    return 0 <= b.span.start - a.span.end < _GAP or 0 <= a.span.start - b.span.end < _GAP
