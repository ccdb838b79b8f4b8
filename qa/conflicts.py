"""Find what the articles state differently: aligned values, who says which, and whether one is merely newer. Pure.

A false conflict costs more trust than a missed one. Two values are held against each other only when they are of one
measure and unit, both stand where the question's own words stand, and no reading of either allows the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from qa import text
from qa.evidence import Features, Ranked
from qa.questions import Asked
from qa.values import Measure, Value, agree, values
from qa.types import Evidence

ConflictKind = Literal["contradiction", "update"]

CLOSE = 0.55  # a sentence takes part when it scores this share of the best
MAX_SENTENCES = 40


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


# Question forms, first match decides: what is measured, and the words that name the thing counted.
_STOP = r"(?=\b(?:do|does|did|is|are|was|were|has|have|had|will|would|can|could|should|may|the|of|in|on|at|for|to)\b|[?,]|$)"
_WANTED: tuple[tuple[re.Pattern[str], frozenset[Measure]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), frozenset(measures))  # type: ignore[arg-type]
    for pattern, measures in (
        (r"\bhow old\b|\bage of\b|\b(?:what|which) age\b", ("age",)),
        (r"\b(?:what|which|at what) time\b", ("clock",)),
        (r"^\W*when\b|\b(?:what|which) (?:day|date|month|year|quarter|season)\b|\bsince when\b", ("date", "clock")),
        (r"\bhow long\b|\bfor how\b", ("duration", "size")),
        (r"\bhow many (?:seconds|minutes|hours|days|weeks|months|years)\b", ("duration",)),
        (rf"\bhow many (?P<thing>(?:tonnes|tons|litres|metres|kilometres|hectares|miles|feet) of .*?){_STOP}", ("size",)),
        (r"\bhow many (?:euros|dollars|pounds)\b", ("money",)),
        (rf"\bhow many (?P<thing>.*?){_STOP}", ("count",)),
        (r"\bhow (?:deep|high|tall|wide|far|heavy|fast|hot|cold)\b", ("size",)),
        (r"\b(?:what|which) (?:share|percentage|percent|proportion|rate|fraction)\b", ("percent",)),
        (rf"\bhow much (?P<thing>.*?){_STOP}", ("money", "percent", "size")),
        (r"\bhow (?:large|big)\b", ("money", "size", "count", "percent")),
        (r"\b(?:what|which)\b[^?]*\b(?:price|cost|value|budget|fine|sum|salary|loan|revenue|profit)\b", ("money",)),
        (r"\b(?:what|which)\b[^?]*\b(?:depth|height|length|width|weight|distance|area|temperature|speed)\b", ("size",)),
        (r"\bwhat\b[^?]*\b(?P<thing>population)\b", ("count",)),
        (rf"\bwhat\b[^?]*\b(?:number|total|count|toll) of (?P<thing>.*?){_STOP}", ("count",)),
    )
)
_LABELS: dict[Measure, str] = {
    "count": "number", "money": "amount", "percent": "share", "duration": "length of time", "size": "size",
    "age": "age", "date": "date", "clock": "time of day",
}  # fmt: skip
_LEAD = re.compile(
    r"^\W*(?:at |in |on |by |for |since )?(?:what|which|how|when|who)\b(?:'s)?(?: (?:many|much|long|old|deep|high|large|big|far"
    r"|tall|wide|heavy|time|year|day|date|share|percentage|is|was|are|were|will|did|does|do|has|have|had|should|it))*\s*",
    re.IGNORECASE,
)
# One of these beside the figure says which side of the thing is measured; they may not be mixed.
_DIMENSIONS = (
    "deep depth down below beneath seabed",
    "long length",
    "tall high height elevation altitude",
    "wide width broad radius diameter",
    "far distance away coast detour",
    "heavy weigh weighs weighed weight",
)
# Words for one thing that count as one here, beside those of `questions`.
_ALIKE = (
    "invest investment spend spent spending cost costs pay paid",
    "job work employ employs employed employment hire worker post",
    "injure injured injuring hurt wounded injuries casualties",
    "start begin open opens started",
    "issue issued impose imposed announce announced",
    "find found bring brought recover recovered raise raised discover discovered salvage",
    "carry carried transport transported",
    "kill killed die died dead death fatality",
    "collapse collapsed fell gave",
)
_PEOPLE = frozenset(
    text.stems("people person persons passengers residents workers employees patients men women children students guests")
)
_VAGUE = frozenset(text.stems("figure number total toll count tally now put revised raised estimate again"))
_IDLE = frozenset(
    text.stems("the a an of in on at to for and or by with from that which it its is was were are be been has have had"
               " will would said says say he she they his her their this as but not no get gets who there")
)  # fmt: skip
_WORD = re.compile(r"\w[\w’'.-]*")
_CLAUSE = re.compile(r"[,;:()—–]|\b(?:and|but|while|when|after|before)\b")
# The sentence reports what was said earlier: by the outlet itself, or before it was put right.
_EARLIER = re.compile(
    r"\breported (?:in|on|last|that day|earlier|yesterday)\b|\b(?:initially|previously|originally|at first"
    r"|earlier (?:reports?|reported|said|estimates?|figures?)|had (?:said|put|reported|given|been put))\b"
    r"|\bcorrection\b|\ban (?:earlier|article on|article in)\b|\bthis newspaper reported\b",
    re.IGNORECASE,
)
# The sentence says that its figure moves, or that it is the newest.
_MOVING = re.compile(
    r"\b(?:so far|at last count|by (?:then|now)|as of|had risen|has risen|rose to|rises to|raised|now|final|in the end"
    r"|ended at|in all|latest|revised|at least|more than|climbed|and counting)\b",
    re.IGNORECASE,
)
_FIT = 0.5  # the share of the question's words that must stand at the value


@dataclass(frozen=True, slots=True)
class _Target:
    """What the question asks for."""

    measures: frozenset[Measure]
    things: frozenset[str]  # stems of what is counted
    focus: frozenset[str]  # stems of what is said of it, names left out
    dimension: frozenset[str]  # of a size: depth, or length, or ...
    about: str


@dataclass(frozen=True, slots=True)
class _Claim:
    """One value in one sentence, and how well it stands where the question's words stand."""

    value: Value
    evidence: Evidence
    fit: float
    matched: frozenset[str]
    former: bool

    @property
    def shown(self) -> str:
        return self.evidence.text[self.value.start : self.value.end].strip(" .,;-")

    @property
    def outlet(self) -> str:
        return self.evidence.source.outlet or self.evidence.source.article_id

    @property
    def day(self) -> str:
        return (self.evidence.source.published_at or "")[:10]


def find(asked: Asked, ranked: Ranked) -> list[Disagreement]:
    """Return what the ranked sentences state differently about what is asked, most certain first."""
    target = _target(asked)
    if target is None or not ranked.evidence:
        return []
    claims = list(_claims(asked, target, ranked))
    found: list[Disagreement] = []
    for measure, unit in dict.fromkeys((one.value.measure, one.value.unit) for one in claims):
        alike = [one for one in claims if (one.value.measure, one.value.unit) == (measure, unit)]
        one = _disagreement(f"{_LABELS[measure]}: {target.about}", _best_of_articles(alike))
        if one is not None:
            found.append(one)
    return found


def _target(asked: Asked) -> _Target | None:
    for pattern, measures in _WANTED:
        found = pattern.search(asked.question)
        if found:
            break
    else:
        return None
    thing = found.groupdict().get("thing") or ""
    things = frozenset(text.stems(thing)) - _IDLE
    own = set(asked.stems) - set(asked.names) - things - _IDLE - frozenset(text.stems("time year day date month"))
    dimension: frozenset[str] = frozenset()
    if "size" in measures:
        for group in _DIMENSIONS:
            stems = frozenset(text.stems(group))
            if stems & set(text.stems(asked.question)):
                dimension, own = stems, own - stems
    about = _LEAD.sub("", asked.question).rstrip("? ") or asked.question
    return _Target(measures, things, frozenset(own), dimension, about)


def _claims(asked: Asked, target: _Target, ranked: Ranked) -> Iterator[_Claim]:
    best = ranked.evidence[0].score
    for one, features in list(zip(ranked.evidence, ranked.features, strict=True))[:MAX_SENTENCES]:
        if one.score < CLOSE * best or features.loose or (asked.names and features.named < 1):
            continue
        found = [value for value in values(one.text, one.source.published_at) if value.measure in target.measures]
        said = {word for word in text.words(asked.question) if any(char.isdigit() for char in word)}
        for value in found:
            if set(text.words(one.text[value.start : value.end])) <= said:
                continue  # the question gave it
            rivals = [other for other in found if other is not value and other.measure == value.measure]
            fit, matched = _fit(target, one, value, rivals)
            if fit >= _FIT:
                yield _Claim(value, one, fit, matched, value.former or bool(_EARLIER.search(one.text)))
