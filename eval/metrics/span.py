"""Metrics of spans: where an answer points, against where the gold set points. Pure.

Lengths are code points. The places of one article are merged before they are measured, so that quoting a sentence twice
gains nothing.
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
    """How well the cited places cover the gold ones."""

    recall: float
    precision: float
    iou: float
    f1: float


Ranges = dict[str, list[tuple[int, int]]]


def merge(places: Iterable[Place]) -> Ranges:
    """Return the union of the places, an ordered list of disjoint ranges for each article."""
    merged: Ranges = {}
    for place in sorted(places):
        ranges = merged.setdefault(place.article_id, [])
        if ranges and place.start <= ranges[-1][1]:
            ranges[-1] = (ranges[-1][0], max(ranges[-1][1], place.end))
        else:
            ranges.append((place.start, place.end))
    return merged


def size(ranges: Ranges) -> int:
    """Return how many code points the ranges hold."""
    return sum(end - start for found in ranges.values() for start, end in found)


def shared(one: Ranges, other: Ranges) -> int:
    """Return how many code points both hold."""
    return sum(
        max(0, min(end, other_end) - max(start, other_start))
        for article_id in one.keys() & other.keys()
        for start, end in one[article_id]
        for other_start, other_end in other[article_id]
    )


def span_scores(cited: Sequence[Place], gold_sets: Sequence[Sequence[Place]]) -> SpanScores:
    """Return recall, precision, IoU and F1 of characters against the gold set that is met best.

    Source: recall, precision and IoU of Chroma's chunking evaluation (Smith and Troynikov, 2024), per article; F1 is
    their harmonic mean. The set of highest F1 counts, which is also the one of highest IoU: F1 = 2 IoU / (1 + IoU).
    """
    if not gold_sets or not all(gold_sets):
        raise ValueError("no gold span to measure against")
    scores = [_scores(merge(cited), merge(gold)) for gold in gold_sets]
    return max(scores, key=lambda one: (one.f1, one.recall))


def _scores(cited: Ranges, gold: Ranges) -> SpanScores:
    both = shared(cited, gold)
    if not both:
        return SpanScores(0.0, 0.0, 0.0, 0.0)
    recall, precision = both / size(gold), both / size(cited)
    iou = both / (size(cited) + size(gold) - both)
    return SpanScores(recall, precision, iou, 2 * recall * precision / (recall + precision))


def meets(cited: Iterable[Place], gold: Place, gold_text: str, answers: Sequence[str], iou: float) -> bool:
    """Tell whether the places that touch a gold span match it (IoU), or hold the answer's words inside it.

    Places that do not touch the gold span are left out: they neither help nor hurt here.
    """
    touching = [one for one in cited if shared(merge([one]), merge([gold]))]
    if not touching:
        return False
    ranges = merge(touching)
    if _scores(ranges, merge([gold])).iou >= iou:
        return True
    for start, end in ranges[gold.article_id]:
        low, high = max(start, gold.start), min(end, gold.end)
        if low < high and contains(gold_text[low - gold.start : high - gold.start], answers):
            return True
    return False


def span_hit(cited: Sequence[Place], gold: Sequence[tuple[Place, str]], answers: Sequence[str]) -> float:
    """Return 1 if one cited place matches a gold span at IoU .5 or covers the answer's words in it, else 0.

    Source: the hit criterion of passage retrieval (an answer string in the passage), held to the annotated place.
    """
    return float(any(meets([one], place, words, answers, HIT_IOU) for one in cited for place, words in gold))


def citation_faults(
    answer: Mapping[str, Any], texts: Mapping[tuple[str, int], str], looked: Iterable[str] | None
) -> dict[str, str]:
    """Return what is wrong with each citation or marker that cannot be trusted, by its number.

    `texts` holds articles by (id, version); `looked` the ids that were retrieved for this request, None if unknown.
    """
    markers = marker_numbers(answer["answer"])
    used = set(markers)
    seen = None if looked is None else set(looked)
    faults: dict[str, str] = {}
    numbers: set[int] = set()
    for one in answer["citations"]:
        fault = _fault(one, texts, seen)
        if one["number"] in numbers:
            fault = "two citations have this number"
        elif fault is None and one["number"] not in used:
            fault = "the answer does not use it"
        numbers.add(one["number"])
        if fault:
            faults[str(one["number"])] = fault
    said = used | {number for statement in answer["statements"] for number in statement["citations"]}
    faults |= {str(number): "no such citation" for number in sorted(said - numbers)}
    first_uses = list(dict.fromkeys(markers))
    if first_uses != list(range(1, len(first_uses) + 1)):
        faults.setdefault("order", "numbers do not count up from 1 by first appearance")
    return faults


def _fault(one: Mapping[str, Any], texts: Mapping[tuple[str, int], str], looked: set[str] | None) -> str | None:
    text = texts.get((one["article_id"], one["version"]))
    if text is None:
        return "no such article version"
    if not 0 <= one["start"] < one["end"] <= len(text):
        return "span outside the article"
    if hashlib.sha256(text.encode()).hexdigest() != one["sha256"]:
        return "the article's hash is another"
    if text[one["start"] : one["end"]] != one["quote"]:
        return "slice is not the quote"
    if looked is not None and one["article_id"] not in looked:
        return "article was not retrieved for this request"
    return None


def citation_validity(
    answer: Mapping[str, Any], texts: Mapping[tuple[str, int], str], looked: Iterable[str] | None
) -> float:
    """Return the share of citations and markers that hold; 0 for an answer that says something and cites nothing.

    Source: the contract of this project: `article.text[start:end] == quote`, for every citation.
    """
    faults = citation_faults(answer, texts, looked)
    named = {str(one["number"]) for one in answer["citations"]} | faults.keys()
    return 1 - len(faults) / len(named) if named else 0.0
