"""Find what the articles state differently: who says which, and whether one is merely newer. Pure.

A false conflict costs more trust than a missed one. Two values are held against each other only when both were aligned
with the question (`claims`) and no reading of either allows the other (`values.agree`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from qa.conflicts import posts
from qa.conflicts.claims import Claim, claims
from qa.conflicts.target import target
from qa.conflicts.values import Measure, agree
from qa.query.analysis import Asked
from qa.retrieval.sentence_ranker import Ranked
from qa.text import stemming
from qa.types import Evidence

ConflictKind = Literal["contradiction", "update"]

MAX_SIDES = 4  # more of them, and it is not one thing that was aligned
# What is aligned by its words and is yet another thing is mostly much larger, much older, or fits much worse. With
# these bounds 580 questions over real news raise 8 alarms instead of 25, of which 2 contradictions instead of 12
# (docs/conflicts.md).
_NEAR = 0.5
_NEAR_OWN = 0.8  # an outlet's own other figure is mostly of another thing, unless it says that it is the newer one
_TIMES = 5.0
_RECENT_DAYS = 60
_REPRINT = 0.85  # share of words from which two sentences are one, printed twice
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


def find(asked: Asked, ranked: Ranked) -> list[Disagreement]:
    """Return what the ranked sentences state differently about what is asked; contradictions first."""
    if not ranked.evidence:
        return []
    found: list[Disagreement] = []
    wanted = target(asked)
    if wanted is not None:
        made = claims(asked, wanted, ranked)
        # A time of day comes with its day: "6 p.m. on Saturday" and "noon yesterday" are one disagreement, not two.
        for key in sorted(dict.fromkeys(map(_key, made)), key=lambda key: key[0] != "clock"):
            if key[0] == "date" and any(other.about.startswith(_LABELS["clock"]) for other in found):
                continue
            about = f"{_LABELS[key[0]]}: {wanted.about}"
            disagreement = _disagreement(about, [claim for claim in made if _key(claim) == key])
            if disagreement is not None:
                found.append(disagreement)
    held = posts.posts(asked, ranked)
    if held is not None and len(held[1]) > 1:
        about, groups = held
        outlets = {evidence.source.outlet for group in groups for _, evidence in group}
        sides = tuple(Side(group[0][0], _printed_once([evidence for _, evidence in group])) for group in groups)
        found.append(Disagreement(about, "contradiction" if len(outlets) > 1 else "update", sides))
    return sorted(found, key=lambda disagreement: disagreement.kind != "contradiction")


def _key(claim: Claim) -> tuple[Measure, str, str]:
    return claim.value.measure, claim.value.unit, claim.rate


def _disagreement(about: str, made: Sequence[Claim]) -> Disagreement | None:
    """Sort claims of one measure into sides; None when all agree."""
    kept = _best_of_articles(_one_matter(made))
    sides: list[list[Claim]] = []
    for claim in sorted(kept, key=lambda claim: claim.former):
        place = next((side for side in sides if all(agree(claim.value, other.value) for other in side)), None)
        if place is None:
            place = next((side for side in sides if any(agree(claim.value, other.value) for other in side)), None)
        if place is None:
            sides.append([claim])
        else:
            place.append(claim)
    # A figure that is only ever compared with is one side of an update, never of a contradiction.
    if not 2 <= len(sides) <= MAX_SIDES or not any(not claim.former for claim in kept):
        return None
    return Disagreement(about, _kind(sides), tuple(_side(side) for side in sides))


def _one_matter(made: Sequence[Claim]) -> list[Claim]:
    """Return the claims that can be of one thing with the one that fits best: as near, as large, as recent."""
    best = max(made, key=lambda claim: (not claim.former, claim.fit))
    corrected = {claim.evidence.source.article_id for claim in made if claim.former}
    return [
        claim
        for claim in made
        if claim is best
        or (
            claim.fit >= _least(claim, best, corrected) * best.fit
            and (claim.value.measure in ("date", "clock") or _as_large(claim.value.low, best.value.low))
            and (
                _days_apart(claim, best) <= _RECENT_DAYS
                or not corrected.isdisjoint({claim.evidence.source.article_id, best.evidence.source.article_id})
            )
        )
    ]


def _least(claim: Claim, best: Claim, corrected: set[str]) -> float:
    is_newer_figure = (
        claim.evidence.source.article_id in corrected
        or _MOVING.search(claim.evidence.text)
        or _MOVING.search(best.evidence.text)
    )
    return _NEAR if is_newer_figure or claim.outlet != best.outlet else _NEAR_OWN


def _as_large(a: float, b: float) -> bool:
    return max(a, b) <= _TIMES * min(a, b)


def _days_apart(a: Claim, b: Claim) -> int:
    if not (a.day and b.day):
        return 0
    return abs((date.fromisoformat(a.day) - date.fromisoformat(b.day)).days)


def _best_of_articles(made: Sequence[Claim]) -> list[Claim]:
    """Return of each article the claim that fits best, and what it says was said before.

    Where an article gives several values that fit alike, the one that another article gives too is meant.
    """
    kept: list[Claim] = []
    current = [claim for claim in made if not claim.former]
    for article in dict.fromkeys(claim.evidence.source.article_id for claim in current):
        best = max(claim.fit for claim in current if article in _printed_by(claim))
        own = [claim for claim in current if claim.evidence.source.article_id == article and claim.fit > best - 0.01]
        others = [claim for claim in current if article not in _printed_by(claim)]
        shared = [claim for claim in own if any(agree(claim.value, other.value) for other in others)]
        kept += (shared or own)[:1]
    return kept + [claim for claim in made if claim.former]


def _printed_by(claim: Claim) -> set[str]:
    """Return the articles that print the sentence, reprints included."""
    return {claim.evidence.source.article_id, *(source.article_id for source in claim.evidence.reprints)}


def _kind(sides: Sequence[Sequence[Claim]]) -> ConflictKind:
    """Tell a contradiction from an update: it takes two outlets whose last word differs."""
    claimed = [(number, claim) for number, side in enumerate(sides) for claim in side if not claim.former]
    last: dict[str, str] = {}
    for _, claim in claimed:
        last[claim.outlet] = max(last.get(claim.outlet, ""), claim.day)
    standing = [(number, claim) for number, claim in claimed if claim.day == last[claim.outlet]]
    for number, claim in standing:
        for other_number, other in standing:
            if number < other_number and not _superseded(claim, other):
                return "contradiction"
    return "update"


def _superseded(a: Claim, b: Claim) -> bool:
    """Tell whether one of two standing claims of different days is a later state of a moving figure."""
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


def _side(claimed: Sequence[Claim]) -> Side:
    return Side(claimed[0].shown, _printed_once([claim.evidence for claim in claimed]))


def _printed_once(sentences: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Return the sentences, each once however often it was printed."""
    kept: list[Evidence] = []
    seen: list[set[str]] = []
    for sentence in sentences:
        words = set(stemming.words(sentence.text))
        if any(len(words & other) >= _REPRINT * max(1, min(len(words), len(other))) for other in seen):
            continue
        seen.append(words)
        kept.append(sentence)
    return tuple(kept)
