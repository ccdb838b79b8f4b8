"""Metrics of refusal, risk and coverage, conflicts, wrong answers, dates and latency. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from eval.metrics.answer import contains, contains_outside

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def refused(answer: Mapping[str, Any]) -> bool:
    """Tell whether the answer is a refusal: by its status, never by its words."""
    return bool(answer["status"] == "not_in_sources")


def risk_coverage(marks: Iterable[tuple[float, bool]]) -> list[tuple[float, float]]:
    """Return the points (coverage, risk) of marks (confidence, is it wrong), most confident first.

    The errors of tied confidences are spread evenly, so that the order of the marks does not matter.
    Source: selective prediction (El-Yaniv and Wiener, 2010).
    """
    ordered = sorted(marks, key=lambda mark: -mark[0])
    points: list[tuple[float, float]] = []
    taken, wrong = 0, 0.0
    for _, tied in groupby(ordered, key=lambda mark: mark[0]):
        group = [is_wrong for _, is_wrong in tied]
        for _ in group:
            taken += 1
            wrong += sum(group) / len(group)
            points.append((taken / len(ordered), wrong / taken))
    return points


def risk_coverage_area(marks: Iterable[tuple[float, bool]]) -> float:
    """Return the area under the risk-coverage curve: the mean risk over all coverages; 0 is best."""
    points = risk_coverage(marks)
    if not points:
        raise ValueError("no confidence to order by")
    return sum(risk for _, risk in points) / len(points)


def wrong_included(answer_text: str, wrong_answers: Sequence[str], right: Sequence[str] = ()) -> float:
    """Return 1 if the answer contains a wrong answer that is not just part of a right one, else 0.

    Source: RAMDocs (Wang et al., 2025).
    """
    return float(any(contains_outside(answer_text, wrong_answer, right) for wrong_answer in wrong_answers))


def conflict_strict(answer_text: str, values: Sequence[Sequence[str]], wrong_answers: Sequence[str]) -> float:
    """Return 1 if the answer contains every side's value and no wrong answer, else 0.

    A value is a list of its accepted spellings. Source: the strict match of RAMDocs (Wang et al., 2025).
    """
    if not values:
        raise ValueError("a conflict without values")
    right = [spelling for value in values for spelling in value]
    complete = all(contains(answer_text, spellings) for spellings in values)
    return float(complete and not wrong_included(answer_text, wrong_answers, right))


def conflict_flagged(answer: Mapping[str, Any]) -> bool:
    """Tell whether the answer says that its sources disagree: by its status or its list of conflicts."""
    return bool(answer["status"] == "conflicting" or answer.get("conflicts"))


def sides_cited(quotes: Sequence[str], values: Sequence[Sequence[str]]) -> float:
    """Return the share of the sides whose value occurs in a cited quote."""
    return sum(any(contains(quote, spellings) for quote in quotes) for spellings in values) / len(values)


def dated_after(citations: Iterable[Mapping[str, Any]], as_of: str) -> list[str]:
    """Return the ids of cited articles published after the day on which the question is asked."""
    return [
        citation["article_id"]
        for citation in citations
        if citation["published_at"] and citation["published_at"][:10] > as_of[:10]
    ]


def days_in(answers: Iterable[str]) -> set[str]:
    """Return the full dates in answers (`2023-03-20`, `20 March 2023` or `March 20, 2023`) as ISO days."""
    days: set[str] = set()
    for answer in answers:
        words = answer.replace(",", " ").split()
        days.update(_DAY.findall(answer))
        for at in range(len(words) - 2):
            days.update(_written_day(" ".join(words[at : at + 3])))
    return days


def _written_day(words: str) -> list[str]:
    for form in ("%d %B %Y", "%B %d %Y", "%d %b %Y", "%b %d %Y"):
        try:
            return [datetime.strptime(words, form).date().isoformat()]
        except ValueError:
            continue
    return []


def dates_resolved(resolved: Iterable[str], answers: Iterable[str]) -> float:
    """Return the share of the days in the gold answers to which some relative date was resolved."""
    gold_days = days_in(answers)
    if not gold_days:
        raise ValueError("the gold answers name no day")
    return len(gold_days & {day[:10] for day in resolved}) / len(gold_days)


def percentile(values: Sequence[float], share: float) -> float:
    """Return a percentile (`share` in percent) of the values, with linear interpolation."""
    ordered = sorted(values)
    place = share / 100 * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
