"""Find conflicts between articles: what they state differently, and whether one figure is merely newer. Pure.

A false conflict costs more trust than a missed one. Two values are compared only when both are claims about what the
question asks for (`claims`), and they conflict only when no reading of either allows the other (`values.agree`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from qa.conflicts import posts, short_answers
from qa.conflicts.claims import RECENT_DAYS, Claim, find_claims
from qa.conflicts.target import find_target
from qa.conflicts.values import Measure, agree
from qa.query.analysis import AnalysedQuestion
from qa.retrieval.sentence_ranker import Ranked
from qa.text import stemming
from qa.types import Evidence

ConflictKind = Literal["contradiction", "update"]

MAX_SIDES = 4  # with more of them the claims are not about one thing
# A claim with the question's words about yet another thing is mostly much larger, much older, or fits much worse. With
# these bounds 580 questions over real news raise 8 alarms instead of 25, of which 2 contradictions instead of 12
# (docs/conflicts.md).
_LEAST_FIT = 0.5
_LEAST_FIT_SAME_OUTLET = (
    0.8  # another figure of one outlet is mostly of another thing, unless it says that it is the newer one
)
_MOST_TIMES = 5.0
_REPRINT = 0.85  # with this share of words in common, two sentences are one, printed twice
_LABELS: dict[Measure, str] = {
    "count": "number",
    "money": "amount",
    "percent": "share",
    "duration": "length of time",
    "size": "size",
    "age": "age",
    "date": "date",
    "clock": "time of day",
}
# The sentence says that its figure moves, or that it is the newest.
_MOVING = re.compile(
    r"\b(?:so far|at last count|by (?:then|now)|as of|ha[sd] risen|rose to|rises to|climbed to|raised|now|final"
    r"|in the end|ended at|in all|latest|revised|updated|and counting)\b",
    re.IGNORECASE,
)
# The sentence gives the level of something that is measured again and again.
_LEVEL = re.compile(
    r"\b(?:average|record (?:high|low)|reached|topped|surpassed"
    r"|(?:fell|rose|dropped|climbed|soared) (?:to|below|above|past)|stood at|currently)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the values, with the sentences that give it, best first."""

    value: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One thing that the articles state differently."""

    about: str
    kind: ConflictKind
    sides: tuple[Side, ...]


def find(question: AnalysedQuestion, ranked: Ranked) -> list[Disagreement]:
    """Return the disagreements of the ranked sentences about what the question asks for; contradictions first."""
    if not ranked.evidence:
        return []
    disagreements: list[Disagreement] = []
    target = find_target(question)
    if target is not None:
        claims = find_claims(question, target, ranked)
        # A time of day comes with its day: "6 p.m. on Saturday" and "noon yesterday" are one disagreement, not two.
        for key in sorted(dict.fromkeys(map(_key, claims)), key=lambda key: key[0] != "clock"):
            if key[0] == "date" and any(other.about.startswith(_LABELS["clock"]) for other in disagreements):
                continue
            about = f"{_LABELS[key[0]]}: {target.about}"
            disagreement = _compare(about, [claim for claim in claims if _key(claim) == key])
            if disagreement is not None:
                disagreements.append(disagreement)
    stated_posts = posts.find_posts(question, ranked)
    if stated_posts is not None and len(stated_posts[1]) > 1:
        about, groups = stated_posts
        outlets = {evidence.source.outlet for group in groups for _, evidence in group}
        sides = tuple(Side(group[0][0], _printed_once([evidence for _, evidence in group])) for group in groups)
        disagreements.append(Disagreement(about, "contradiction" if len(outlets) > 1 else "update", sides))
    if not disagreements:
        disagreements += _of_short_answers(question, ranked)
    return sorted(disagreements, key=lambda disagreement: disagreement.kind != "contradiction")


def _of_short_answers(question: AnalysedQuestion, ranked: Ranked) -> list[Disagreement]:
    """Return what no rule covers: the names, places, places in order and causes that the reader finds."""
    compared = short_answers.compare(question, ranked)
    if compared is None or len(compared.sides) > MAX_SIDES:
        return []
    sides = tuple(Side(side[0].shown, _printed_once([claim.evidence for claim in side])) for side in compared.sides)
    return [Disagreement(compared.about, compared.kind, sides)]


def _key(claim: Claim) -> tuple[Measure, str, str]:
    return claim.value.measure, claim.value.unit, claim.rate


def _compare(about: str, claims: Sequence[Claim]) -> Disagreement | None:
    """Sort claims of one measure into sides; None when all agree."""
    kept = _best_of_articles(_of_one_matter(claims))
    sides: list[list[Claim]] = []
    for claim in sorted(kept, key=lambda claim: claim.former):
        side_of_claim = next((side for side in sides if all(agree(claim.value, other.value) for other in side)), None)
        if side_of_claim is None:
            side_of_claim = next(
                (side for side in sides if any(agree(claim.value, other.value) for other in side)), None
            )
        if side_of_claim is None:
            sides.append([claim])
        else:
            side_of_claim.append(claim)
    # An earlier figure may be one side of an update, but never of a contradiction.
    if not 2 <= len(sides) <= MAX_SIDES or not any(not claim.former for claim in kept):
        return None
    return Disagreement(about, _kind_of(sides), tuple(_side(side) for side in sides))


def _of_one_matter(claims: Sequence[Claim]) -> list[Claim]:
    """Return the claims that can be about the same thing as the best one: similar in fit, size and day."""
    best = max(claims, key=lambda claim: (not claim.former, claim.fit))
    corrected = {claim.evidence.source.article_id for claim in claims if claim.former}
    return [
        claim
        for claim in claims
        if claim is best
        or (
            claim.fit >= _least_fit(claim, best, corrected) * best.fit
            and (claim.value.measure in ("date", "clock") or _as_large(claim.value.low, best.value.low))
            and (
                _days_apart(claim, best) <= RECENT_DAYS
                or not corrected.isdisjoint({claim.evidence.source.article_id, best.evidence.source.article_id})
            )
        )
    ]


def _least_fit(claim: Claim, best: Claim, corrected: set[str]) -> float:
    is_newer_figure = (
        claim.evidence.source.article_id in corrected
        or _MOVING.search(claim.evidence.text)
        or _MOVING.search(best.evidence.text)
    )
    return _LEAST_FIT if is_newer_figure or claim.outlet != best.outlet else _LEAST_FIT_SAME_OUTLET


def _as_large(a: float, b: float) -> bool:
    return max(a, b) <= _MOST_TIMES * min(a, b)


def _days_apart(a: Claim, b: Claim) -> int:
    if not (a.day and b.day):
        return 0
    return abs((date.fromisoformat(a.day) - date.fromisoformat(b.day)).days)


def _best_of_articles(claims: Sequence[Claim]) -> list[Claim]:
    """Return the best claim of each article, and every earlier figure that an article reports.

    Where several values of an article fit equally well, the one that another article gives too is taken.
    """
    kept: list[Claim] = []
    current = [claim for claim in claims if not claim.former]
    for article_id in dict.fromkeys(claim.evidence.source.article_id for claim in current):
        best = max(claim.fit for claim in current if article_id in _printed_by(claim))
        own = [claim for claim in current if claim.evidence.source.article_id == article_id and claim.fit > best - 0.01]
        others = [claim for claim in current if article_id not in _printed_by(claim)]
        shared = [claim for claim in own if any(agree(claim.value, other.value) for other in others)]
        kept += (shared or own)[:1]
    return kept + [claim for claim in claims if claim.former]


def _printed_by(claim: Claim) -> set[str]:
    """Return the ids of the articles that have the sentence, reprints included."""
    return {claim.evidence.source.article_id, *(source.article_id for source in claim.evidence.reprints)}


def _kind_of(sides: Sequence[Sequence[Claim]]) -> ConflictKind:
    """Distinguish a contradiction from an update: it takes two outlets whose latest claims differ."""
    claims = [(number, claim) for number, side in enumerate(sides) for claim in side if not claim.former]
    last: dict[str, str] = {}
    for _, claim in claims:
        last[claim.outlet] = max(last.get(claim.outlet, ""), claim.day)
    latest = [(number, claim) for number, claim in claims if claim.day == last[claim.outlet]]
    for number, claim in latest:
        for other_number, other in latest:
            if number < other_number and not _superseded(claim, other):
                return "contradiction"
    return "update"


def _superseded(a: Claim, b: Claim) -> bool:
    """Tell whether one of two latest claims, of different days, is a later state of a moving figure."""
    if not (a.day and b.day) or a.day == b.day:
        return False
    if _LEVEL.search(a.evidence.text) or _LEVEL.search(b.evidence.text):
        return True
    if a.value.measure != "count":
        return False
    early, late = (a, b) if a.day < b.day else (b, a)
    grown = late.value.low >= early.value.low
    provisional = early.value.bound == "over" or _MOVING.search(early.evidence.text) is not None
    return grown and (provisional or _MOVING.search(late.evidence.text) is not None)


def _side(claims: Sequence[Claim]) -> Side:
    return Side(claims[0].shown, _printed_once([claim.evidence for claim in claims]))


def _printed_once(sentences: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Return the sentences without near-duplicates."""
    kept: list[Evidence] = []
    seen: list[set[str]] = []
    for sentence in sentences:
        words = set(stemming.words(sentence.text))
        if any(len(words & other) >= _REPRINT * max(1, min(len(words), len(other))) for other in seen):
            continue
        seen.append(words)
        kept.append(sentence)
    return tuple(kept)
