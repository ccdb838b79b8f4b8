"""A score 0..1 of how likely cited sentences support a statement: for ranking and a threshold, never a verdict.

Similarity cannot see a changed number; `qa.verification.verify` decides. docs/verification.md has the weights and how
well they do. Pure but for the embedder that is passed in.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from qa.types import Embedder, Evidence
from qa.verification.aligned_statement import AlignedStatement
from qa.verification.alignment import Alignment
from qa.verification.discrepancies import find_discrepancies
from qa.verification.verify import align_statement, coverage, is_verbatim

# Fitted on WiCE and QAGS (development halves, equal weight), with and without an embedder; the last is the constant.
WEIGHTS = (0.95, 1.61, 0.65, -0.25, 2.65, 1.26, -4.54)
WEIGHTS_LEXICAL = (1.46, 2.82, 0.89, -0.17, -3.00)
_MOST_HARD = 3  # hard discrepancies counted at most
_CLAUSE = re.compile(r"[,;:()–—]|\b(?:and|but|while|which|who|that|after|before|when)\b")


@dataclass(frozen=True, slots=True)
class Features:
    """Measurements of a statement against its citations. The last two are 0 without an embedder."""

    covered: float  # share of the claiming words that the cited text has
    runs: float  # how long the word-for-word runs of one cited sentence are
    exact: float  # share of the names, numbers and dates that the cited text has
    discrepancies: float  # hard ones, three at most
    similar: float  # cosine with the cited sentences together
    clauses: float  # mean over the statement's clauses of the best cosine with a cited clause


def score(statement: str, cited: Sequence[Evidence], embedder: Embedder | None = None) -> float:
    """Return how likely the cited sentences support the statement. Raises EmbeddingFailed."""
    if not cited:
        return 0.0
    if is_verbatim(statement, cited):
        return 1.0
    values = astuple(features(statement, cited, embedder))
    weights = WEIGHTS_LEXICAL if embedder is None else WEIGHTS
    *slopes, constant = weights
    return 1 / (1 + math.exp(-constant - sum(weight * value for weight, value in zip(slopes, values, strict=False))))


def features(statement: str, cited: Sequence[Evidence], embedder: Embedder | None) -> Features:
    """Measure a statement against what it cites. Raises EmbeddingFailed."""
    aligned = align_statement(statement, cited)
    exact = [
        aligned.is_matched(at) or token.key in aligned.cited_keys
        for at, token in enumerate(aligned.statement)
        if token.kind in ("name", "number", "month", "weekday")
    ]
    similar, clauses = _similarities(statement, cited, embedder) if embedder is not None else (0.0, 0.0)
    return Features(
        coverage(aligned),
        _runs(max(aligned.alignments, key=Alignment.matched_share)),
        sum(exact) / len(exact) if exact else 1.0,
        float(_count_hard(aligned)),
        similar,
        clauses,
    )


def _count_hard(aligned: AlignedStatement) -> int:
    return min(_MOST_HARD, sum(discrepancy.hard for discrepancy in find_discrepancies(aligned)))


def _runs(alignment: Alignment) -> float:
    """Return the root of the summed squares of the runs, against the length: 1 for a verbatim statement."""
    total, run = 0, 0
    for at, position in enumerate(alignment.in_sentence):
        before = alignment.in_sentence[at - 1] if at else None
        run = 0 if position is None else run + 1 if before is not None and position == before + 1 else 1
        total += 2 * run - 1 if run else 0  # the squares grow by the odd numbers
    return math.sqrt(total) / max(1, len(alignment.in_sentence))


def _similarities(statement: str, cited: Sequence[Evidence], embedder: Embedder) -> tuple[float, float]:
    own, theirs = (
        _clauses(statement),
        [part for sentence in cited for part in (sentence.text, *_clauses(sentence.text))],
    )
    texts = [statement, " ".join(sentence.text for sentence in cited), *own, *theirs]
    unique = {
        words: position for position, words in enumerate(dict.fromkeys(texts))
    }  # a clause is often the whole sentence
    vectors = embedder.embed_texts(list(unique))[[unique[words] for words in texts]]
    similar = float(vectors[0] @ vectors[1])
    best = (vectors[2 : 2 + len(own)] @ vectors[2 + len(own) :].T).max(axis=1)
    return similar, float(best.mean())


def _clauses(sentence: str) -> list[str]:
    parts = [part.strip() for part in _CLAUSE.split(sentence)]
    return [part for part in parts if len(part.split()) > 1] or [sentence]
