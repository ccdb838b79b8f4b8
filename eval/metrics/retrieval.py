"""Metrics of a ranking of articles. Pure. Definitions as in trec_eval, through ir-measures, with binary relevance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence, Set


def collapse(hits: Iterable[tuple[str, float, Sequence[str]]]) -> list[str]:
    """Return article ids from (id, score, reprints) of chunks, best chunk first, the reprints behind their hit.

    Hits of one score go by id, whatever their order in the file.
    """
    best: dict[str, tuple[float, str, int]] = {}
    for article_id, score, reprints in hits:
        for behind, one in enumerate((article_id, *reprints)):
            place = (-score, article_id, behind)
            best[one] = min(place, best.get(one, place))
    return sorted(best, key=lambda one: (best[one], one))


def success_at(k: int, ranking: Sequence[str], relevant: Set[str]) -> float:
    """Return 1 if a relevant article is among the first k. ir-measures: Success@k."""
    return float(any(one in relevant for one in ranking[:k]))


def recall_at(k: int, ranking: Sequence[str], relevant: Set[str]) -> float:
    """Return the share of the relevant articles that are among the first k. ir-measures: R@k."""
    return len(set(ranking[:k]) & relevant) / _count(relevant)


def reciprocal_rank(k: int, ranking: Sequence[str], relevant: Set[str]) -> float:
    """Return 1 / the rank of the first relevant article among the first k, else 0. ir-measures: RR@k."""
    return next((1 / rank for rank, one in enumerate(ranking[:k], start=1) if one in relevant), 0.0)


def average_precision(k: int, ranking: Sequence[str], relevant: Set[str]) -> float:
    """Return the precision at each relevant article of the first k, over all relevant ones. ir-measures: AP@k."""
    found, total = 0, 0.0
    for rank, one in enumerate(_unique(ranking)[:k], start=1):
        if one in relevant:
            found += 1
            total += found / rank
    return total / _count(relevant)


def ndcg(k: int, ranking: Sequence[str], relevant: Set[str]) -> float:
    """Return the discounted gain of the first k over that of the best order. ir-measures: nDCG@k."""
    gain = sum(1 / math.log2(rank + 1) for rank, one in enumerate(_unique(ranking)[:k], start=1) if one in relevant)
    return gain / sum(1 / math.log2(rank + 1) for rank in range(1, min(k, _count(relevant)) + 1))


def all_evidence_at(k: int, ranking: Sequence[str], sets: Iterable[Set[str]]) -> float:
    """Return 1 if all articles of one sufficient set are among the first k. Source: MultiHop-RAG's idea of evidence."""
    return float(any(one <= set(ranking[:k]) for one in sets if one))


def set_f1(found: Set[str], relevant: Set[str]) -> float:
    """Return the harmonic mean of the precision and recall of a set; 0 when nothing was found.

    Source: the citation F1 of Summary of a Haystack (Laban et al., 2024), over a whole answer.
    """
    return 2 * len(found & relevant) / (len(found) + _count(relevant))


def _unique(ranking: Sequence[str]) -> list[str]:
    # An article that is listed twice would be gained twice: a figure above 1.
    return list(dict.fromkeys(ranking))


def _count(relevant: Set[str]) -> int:
    if not relevant:
        raise ValueError("no relevant article to look for")
    return len(relevant)
