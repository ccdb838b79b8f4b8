"""Metrics of how an answer behaves: refusal, conflict, time, and the cost of running it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from eval.metrics.answer import contains, contains_apart

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def refused(answer: Mapping[str, Any]) -> bool:
    """Tell whether the answer is that the articles do not say: by its status, never by its words."""
    return bool(answer["status"] == "not_in_sources")


def risk_coverage(marks: Iterable[tuple[float, bool]]) -> list[tuple[float, float]]:
    """Return (coverage, risk) for (confidence, is it wrong), most confident first.

    Equal confidences enter together, their mistakes spread evenly, so that the order of the file cannot matter.
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


def wrong_included(said: str, wrong_answers: Sequence[str], right: Sequence[str] = ()) -> float:
    """Return 1 if a wrong answer stands in what was said, and not only inside a right one.

    Source: RAMDocs (Wang et al., 2025).
    """
    return float(any(contains_apart(said, one, right) for one in wrong_answers))


def conflict_strict(said: str, values: Sequence[Sequence[str]], wrong_answers: Sequence[str]) -> float:
    """Return 1 if every side's value is said and no wrong one. Source: the strict match of RAMDocs (Wang et al., 2025).

    A value is a list of the ways it may be written.
    """
    if not values:
        raise ValueError("a conflict without values")
    right = [spelling for value in values for spelling in value]
    return float(all(contains(said, one) for one in values) and not wrong_included(said, wrong_answers, right))


def conflict_flagged(answer: Mapping[str, Any]) -> bool:
    """Tell whether the answer says that its sources disagree: by its status or its list of conflicts."""
    return bool(answer["status"] == "conflicting" or answer.get("conflicts"))


def sides_cited(quotes: Sequence[str], values: Sequence[Sequence[str]]) -> float:
    """Return the share of the sides whose value stands in a quote that is cited."""
    return sum(any(contains(quote, one) for quote in quotes) for one in values) / len(values)


def dated_after(citations: Iterable[Mapping[str, Any]], as_of: str) -> list[str]:
    """Return the ids of cited articles that are dated after the day the question is asked on."""
    return [one["article_id"] for one in citations if one["published_at"] and one["published_at"][:10] > as_of[:10]]


def days_in(answers: Iterable[str]) -> set[str]:
    """Return the whole days that answers name, as ISO days: `2023-03-20`, `20 March 2023` or `March 20, 2023`."""
    found: set[str] = set()
    for answer in answers:
        words = answer.replace(",", " ").split()
        found.update(_DAY.findall(answer))
        for at in range(len(words) - 2):
            found.update(_written_day(" ".join(words[at : at + 3])))
    return found


def _written_day(words: str) -> list[str]:
    for form in ("%d %B %Y", "%B %d %Y", "%d %b %Y", "%b %d %Y"):
        try:
            return [datetime.strptime(words, form).date().isoformat()]
        except ValueError:
            continue
    return []


def dates_resolved(resolved: Iterable[str], answers: Iterable[str]) -> float:
    """Return the share of the days in the gold answers that a relative date was resolved to."""
    wanted = days_in(answers)
    if not wanted:
        raise ValueError("the gold answers name no day")
    return len(wanted & {one[:10] for one in resolved}) / len(wanted)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which a share of the values lies, with linear interpolation between neighbours."""
    ordered = sorted(values)
    place = share / 100 * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
