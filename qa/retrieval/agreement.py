"""What the best sentences say of each other: names that several articles give, and how near a neighbour is. Pure."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np

from qa.types import Evidence, Vectors

MANY = 4.0  # articles that hold all of the question and give the same answer: more say no more
_NEIGHBOUR = 0.5  # what a neighbour's vector counts, of the sentence's own
_GAP = 4  # characters between two sentences that follow each other: spaces, a blank line


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence as the others see it."""

    article_id: str
    stems: Set[str]
    answers: Set[str]  # the stems in it that can be the answer: new names, or new numbers
    own: float  # the share of the question that it holds


def agreed(sentences: Sequence[Said]) -> list[float]:
    """Return how much other articles give the same answer as each sentence, 0..1.

    An article counts by its sentence that holds most of the question: a name that stands everywhere answers nothing.
    """
    by_answer: dict[str, dict[str, float]] = {}
    for answer in set().union(*(one.answers for one in sentences)):
        votes = by_answer.setdefault(answer, {})
        for one in sentences:
            if answer in one.stems:
                votes[one.article_id] = max(one.own, votes.get(one.article_id, 0.0))
    found = []
    for one in sentences:
        others = (_but(by_answer[answer], one.article_id) for answer in one.answers)
        found.append(min(max(others, default=0.0), MANY) / MANY)
    return found


def _but(votes: dict[str, float], article_id: str) -> float:
    return sum(vote for other, vote in votes.items() if other != article_id)


def besides(question: Vectors, evidence: Sequence[Evidence], vectors: Sequence[Vectors]) -> list[float]:
    """Return the cosine of the question with each sentence and its neighbours among them, taken together."""
    found = []
    for one, own in zip(evidence, vectors, strict=True):
        mixed = own + _NEIGHBOUR * sum(
            (vector for other, vector in zip(evidence, vectors, strict=True) if _follows(one, other)),
            start=np.zeros_like(own),
        )
        found.append(max(0.0, float(question @ mixed) / (float(np.linalg.norm(mixed)) or 1.0)))
    return found


def _follows(one: Evidence, other: Evidence) -> bool:
    if one.source.article_id != other.source.article_id:
        return False
    return 0 <= other.span.start - one.span.end < _GAP or 0 <= one.span.start - other.span.end < _GAP
