"""Metrics of a ranking of articles, with binary relevance. Pure. Defined as in trec_eval and ir-measures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence, Set


def collapse(hits: Iterable[tuple[str, float, Sequence[str]]]) -> list[str]:
    """Return article ids ranked by their best chunk, from chunks (id, score, reprints); reprints follow their hit.

    Ties are broken by id, not by the order in the file.
    """
    best: dict[str, tuple[float, str, int]] = {}
    for article_id, score, reprints in hits:
        for offset, listed_id in enumerate((article_id, *reprints)):
            sort_key = (-score, article_id, offset)
            best[listed_id] = min(sort_key, best.get(listed_id, sort_key))
    return sorted(best, key=lambda listed_id: (best[listed_id], listed_id))


def success_at(k: int, ranking: Sequence[str], relevant: Set[str]) -> float:
    """Return 1 if a relevant article is among the first k. ir-measures: Success@k."""
    return float(any(article_id in relevant for article_id in ranking[:k]))


def recall_at(k: int, ranking: Sequence[str], relevant: Set[str]) -> float:
    """Return the share of the relevant articles that are among the first k. ir-measures: R@k."""
    return len(set(ranking[:k]) & relevant) / _count(relevant)


def reciprocal_rank(k: int, ranking: Sequence[str], relevant: Set[str]) -> float:
    """Return 1 / the rank of the first relevant article among the first k, else 0. ir-measures: RR@k."""
    return next((1 / rank for rank, article_id in enumerate(ranking[:k], start=1) if article_id in relevant), 0.0)


def average_precision(k: int, ranking: Sequence[str], relevant: Set[str]) -> float:
    """Return the sum of precisions at relevant articles of the first k, over all relevant ones. ir-measures: AP@k."""
    found, total = 0, 0.0
    for rank, article_id in enumerate(_unique(ranking)[:k], start=1):
        if article_id in relevant:
            found += 1
            total += found / rank
    return total / _count(relevant)


def ndcg(k: int, ranking: Sequence[str], relevant: Set[str]) -> float:
    """Return the discounted cumulative gain of the first k over that of the ideal order. ir-measures: nDCG@k."""
    gain = sum(
        1 / math.log2(rank + 1)
        for rank, article_id in enumerate(_unique(ranking)[:k], start=1)
        if article_id in relevant
    )
    return gain / sum(1 / math.log2(rank + 1) for rank in range(1, min(k, _count(relevant)) + 1))


def all_evidence_at(k: int, ranking: Sequence[str], sets: Iterable[Set[str]]) -> float:
    """Return 1 if all articles of one sufficient set are among the first k. Source: the evidence of MultiHop-RAG."""
    return float(any(evidence <= set(ranking[:k]) for evidence in sets if evidence))


def set_f1(found: Set[str], relevant: Set[str]) -> float:
    """Return the F1 of a set of articles; 0 if it is empty.

    Source: the citation F1 of Summary of a Haystack (Laban et al., 2024), over a whole answer.
    """
    return 2 * len(found & relevant) / (len(found) + _count(relevant))


def _unique(ranking: Sequence[str]) -> list[str]:
    # An article that is listed twice would count twice and push the metric above 1.
    return list(dict.fromkeys(ranking))


def _count(relevant: Set[str]) -> int:
    if not relevant:
        raise ValueError("no relevant article to look for")
    return len(relevant)
