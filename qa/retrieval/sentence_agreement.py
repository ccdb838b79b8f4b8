"""Compare the best sentences: agreement of several articles on an answer, cosine with neighbouring sentences. Pure."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np

from qa.types import Evidence, Vectors

MANY = 4.0  # articles with all of the question and the same answer; more of them add nothing
_NEIGHBOUR = 0.5  # the weight of a neighbour's vector; the sentence's own has 1
_GAP = 4  # characters between two sentences that follow each other: spaces, a blank line


@dataclass(frozen=True, slots=True)
class ComparedSentence:
    """What is compared of one sentence with the others."""

    article_id: str
    stems: Set[str]
    answers: Set[str]  # its stems that can be the answer: names or numbers that the question does not have
    own: float  # the share of the question's weight that it has


def measure_agreement(sentences: Sequence[ComparedSentence]) -> list[float]:
    """Return for each sentence how much other articles give the same answer, 0..1.

    An article counts by its sentence with most of the question, because a name that occurs everywhere answers nothing.
    """
    by_answer: dict[str, dict[str, float]] = {}
    for answer in set().union(*(sentence.answers for sentence in sentences)):
        votes = by_answer.setdefault(answer, {})
        for sentence in sentences:
            if answer in sentence.stems:
                votes[sentence.article_id] = max(sentence.own, votes.get(sentence.article_id, 0.0))
    agreement = []
    for sentence in sentences:
        others = (_votes_of_others(by_answer[answer], sentence.article_id) for answer in sentence.answers)
        agreement.append(min(max(others, default=0.0), MANY) / MANY)
    return agreement


def _votes_of_others(votes: dict[str, float], article_id: str) -> float:
    return sum(vote for other, vote in votes.items() if other != article_id)


def cosine_with_neighbours(question: Vectors, evidence: Sequence[Evidence], vectors: Sequence[Vectors]) -> list[float]:
    """Return the cosine of the question with the weighted sum of each sentence and its neighbours among the others."""
    cosines = []
    for sentence, own in zip(evidence, vectors, strict=True):
        mixed = own + _NEIGHBOUR * sum(
            (vector for other, vector in zip(evidence, vectors, strict=True) if _are_adjacent(sentence, other)),
            start=np.zeros_like(own),
        )
        cosines.append(max(0.0, float(question @ mixed) / (float(np.linalg.norm(mixed)) or 1.0)))
    return cosines


def _are_adjacent(a: Evidence, b: Evidence) -> bool:
    if a.source.article_id != b.source.article_id:
        return False
    return 0 <= b.span.start - a.span.end < _GAP or 0 <= a.span.start - b.span.end < _GAP
