"""Metrics of citation spans: overlap with gold spans, hits, and citation validity. Pure.

Lengths are in code points. Overlapping places of an article are merged first, so that citing a sentence twice gains
nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.metrics.answer import contains, marker_numbers

HIT_IOU = 0.5


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A half-open range of code points in an article."""

    article_id: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class SpanScores:
    """Character-level overlap of the cited places with the gold ones."""

    recall: float
    precision: float
    iou: float
    f1: float


Ranges = dict[str, list[tuple[int, int]]]


def merge(places: Iterable[Place]) -> Ranges:
    """Return the union of the places: a sorted list of disjoint ranges for each article."""
    merged: Ranges = {}
    for place in sorted(places):
        ranges = merged.setdefault(place.article_id, [])
        if ranges and place.start <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], max(ranges[-1][1], place.end))
        else:
            ranges.append((place.start, place.end))
    return merged


def size(ranges: Ranges) -> int:
    """Return the number of code points in the ranges."""
    return sum(end - start for disjoint in ranges.values() for start, end in disjoint)


def shared(first: Ranges, second: Ranges) -> int:
    """Return the number of code points in the intersection."""
    return sum(
        max(0, min(end, other_end) - max(start, other_start))
        for article_id in first.keys() & second.keys()
        for start, end in first[article_id]
        for other_start, other_end in second[article_id]
    )


def span_scores(cited: Sequence[Place], gold_sets: Sequence[Sequence[Place]]) -> SpanScores:
    """Return recall, precision, IoU and F1 of characters against the best-matching gold set.

    Source: recall, precision and IoU of Chroma's chunking evaluation (Smith and Troynikov, 2024), per article; F1 is
    their harmonic mean. The gold set with the highest F1 counts; it also has the highest IoU: F1 = 2 IoU / (1 + IoU).
    """
    if not gold_sets or not all(gold_sets):
        raise ValueError("no gold span to measure against")
    scores = [_scores(merge(cited), merge(gold)) for gold in gold_sets]
    return max(scores, key=lambda score: (score.f1, score.recall))


def _scores(cited: Ranges, gold: Ranges) -> SpanScores:
    common = shared(cited, gold)
    if not common:
        return SpanScores(0.0, 0.0, 0.0, 0.0)
    recall, precision = common / size(gold), common / size(cited)
    iou = common / (size(cited) + size(gold) - common)
    return SpanScores(recall, precision, iou, 2 * recall * precision / (recall + precision))


def matches_gold(cited: Iterable[Place], gold: Place, gold_text: str, answers: Sequence[str], iou: float) -> bool:
    """Tell whether the places that overlap a gold span match it by IoU, or cover an answer within it.

    Places that do not overlap the gold span are ignored: they neither help nor hurt here.
    """
    overlapping = [place for place in cited if shared(merge([place]), merge([gold]))]
    if not overlapping:
        return False
    ranges = merge(overlapping)
    if _scores(ranges, merge([gold])).iou >= iou:
        return True
    for start, end in ranges[gold.article_id]:
        low, high = max(start, gold.start), min(end, gold.end)
        if low < high and contains(gold_text[low - gold.start : high - gold.start], answers):
            return True
    return False


def span_hit(cited: Sequence[Place], gold: Sequence[tuple[Place, str]], answers: Sequence[str]) -> float:
    """Return 1 if one cited place matches a gold span at IoU .5 or covers an answer within it, else 0.

    Source: the hit criterion of passage retrieval (an answer string in the passage), bound to the annotated place.
    """
    return float(
        any(
            matches_gold([cited_place], place, words, answers, HIT_IOU)
            for cited_place in cited
            for place, words in gold
        )
    )


def citation_faults(
    answer: Mapping[str, Any], texts: Mapping[tuple[str, int], str], retrieved: Iterable[str] | None
) -> dict[str, str]:
    """Return the fault of each invalid citation or marker, by its number.

    `texts` has article texts by (id, version); `retrieved` has the article ids retrieved for this request, None if
    unknown.
    """
    markers = marker_numbers(answer["answer"])
    used = set(markers)
    retrieved_ids = None if retrieved is None else set(retrieved)
    faults: dict[str, str] = {}
    numbers: set[int] = set()
    for citation in answer["citations"]:
        fault = _fault(citation, texts, retrieved_ids)
        if citation["number"] in numbers:
            fault = "two citations have this number"
        elif fault is None and citation["number"] not in used:
            fault = "the answer does not use it"
        numbers.add(citation["number"])
        if fault:
            faults[str(citation["number"])] = fault
    referenced = used | {number for statement in answer["statements"] for number in statement["citations"]}
    faults |= {str(number): "no such citation" for number in sorted(referenced - numbers)}
    first_uses = list(dict.fromkeys(markers))
    if first_uses != list(range(1, len(first_uses) + 1)):
        faults.setdefault("order", "numbers do not count up from 1 by first appearance")
    return faults


def _fault(
    citation: Mapping[str, Any], texts: Mapping[tuple[str, int], str], retrieved_ids: set[str] | None
) -> str | None:
    text = texts.get((citation["article_id"], citation["version"]))
    if text is None:
        return "no such article version"
    if not 0 <= citation["start"] < citation["end"] <= len(text):
        return "span outside the article"
    if hashlib.sha256(text.encode()).hexdigest() != citation["sha256"]:
        return "the article's hash is another"
    if text[citation["start"] : citation["end"]] != citation["quote"]:
        return "slice is not the quote"
    if retrieved_ids is not None and citation["article_id"] not in retrieved_ids:
        return "article was not retrieved for this request"
    return None


def citation_validity(
    answer: Mapping[str, Any], texts: Mapping[tuple[str, int], str], retrieved: Iterable[str] | None
) -> float:
    """Return the share of valid citations and markers; 0 for an answer that cites nothing.

    Source: the contract of this project, `article.text[start:end] == quote` for every citation.
    """
    faults = citation_faults(answer, texts, retrieved)
    checked = {str(citation["number"]) for citation in answer["citations"]} | faults.keys()
    return 1 - len(faults) / len(checked) if checked else 0.0
