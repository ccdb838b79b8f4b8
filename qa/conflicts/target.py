"""What a question wants measured: the kind of value, what is counted, and what is said of it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from qa.conflicts.values import Measure
from qa.query.analysis import Asked
from qa.text import stemming
from qa.text.english import CAPITAL, CURRENCY_FORMS, IDLE_WORDS, IN_NAME, MINUTES, SIZE_FORMS

# Question forms, first match decides: what is measured, and the words that name the thing counted.
_END = (
    r"(?=\b(?:do|does|did|is|are|was|were|has|have|had|will|would|can|could|should|may|the|of|in|on|at|for|to)\b"
    r"|[?,]|$)"
)
_WANTED: tuple[tuple[str, tuple[Measure, ...]], ...] = (
    (r"\bhow old\b|\bage of\b|\b(?:what|which) age\b(?! group)", ("age",)),
    (r"\b(?:what|which) time\b", ("clock",)),
    (r"^\W*when\b|\b(?:what|which) (?:day|date|month|year|quarter|season)\b|\bsince when\b", ("date", "clock")),
    (r"\bhow long\b|\bfor how\b", ("duration", "size")),
    (rf"\bhow many (?:{'|'.join(MINUTES)})s\b", ("duration",)),
    (rf"\bhow many (?:{'|'.join(SIZE_FORMS)})\b(?: of (?P<thing>\w+))?", ("size",)),
    (rf"\bhow many (?:{'|'.join(CURRENCY_FORMS)})\b", ("money",)),
    (rf"\bhow many (?P<thing>.*?){_END}", ("count",)),
    (r"\bhow (?:deep|high|tall|wide|far|heavy|fast|hot|cold)\b", ("size",)),
    (r"\bwhat\b[^?]*\b(?:turnout|unemployment|inflation)\b", ("percent",)),
    (r"\b(?:what|which) (?:share|percentage|percent|proportion|rate|fraction)\b", ("percent",)),
    (r"\b(?:what|which)\b[^?]*\b(?:size|amount) of\b", ("money", "size", "count", "percent")),
    (rf"\bhow much (?P<thing>.*?){_END}", ("money", "percent", "size")),
    (r"\bhow (?:large|big)\b", ("money", "size", "count", "percent")),
    (r"\b(?:what|which)\b[^?]*\b(?:price|cost|value|budget|fine|sum|salary|loan|revenue|profit)\b", ("money",)),
    (r"\b(?:what|which)\b[^?]*\b(?:depth|height|length|width|weight|distance|area|temperature|speed)\b", ("size",)),
    (r"\bwhat\b[^?]*\b(?P<thing>population)\b", ("count",)),
    (rf"\b(?:number|total|count|toll) of (?P<thing>.*?){_END}", ("count",)),
)
_PATTERNS = tuple((re.compile(pattern, re.IGNORECASE), frozenset(measures)) for pattern, measures in _WANTED)
_LEAD = re.compile(
    r"^\W*(?:at |in |on |by |for |since )?(?:what|which|how|when|who)\b(?:'s)?(?: (?:many|much|long|old|deep|high|large"
    r"|big|far|tall|wide|heavy|time|year|day|date|share|is|was|are|were|will|did|does|do|has|have|had|should|could|can"
    r"|would|must|it)\b)*\s*",
    re.IGNORECASE,
)
# One of these beside a size says which side of the thing is measured; they are never mixed.
_DIMENSIONS = tuple(
    frozenset(stemming.stems(group))
    for group in (
        "deep depth down below beneath",
        "long length",
        "tall high height elevation altitude",
        "wide width broad radius diameter",
        "far distance away from detour",
        "heavy weigh weighs weighed weight",
        "area",
        "fast speed",
    )
)
PEOPLE = frozenset(
    stemming.stems(
        "people person persons passengers residents workers employees patients men women children students guests"
        " inhabitants"
    )
)
IDLE = frozenset(stemming.stems(" ".join(IDLE_WORDS)))
# What a person counted can be said to be: "the number of injured".
_STATES = frozenset(
    stemming.stems("injured hurt wounded killed dead missing arrested detained ill sick infected homeless")
)
# Units and the words of the question form: they stand in the value, not beside it.
_FORM = frozenset(
    stemming.stems(
        "time year day date month minute hour week second size amount number total money exactly precisely actually"
        " really"
    )
)
_STRESS = re.compile(r"\b(?:exactly|precisely|actually|really) ", re.IGNORECASE)
_DETERMINED = re.compile(r"(?:the|an?|its|their|his|her|this|that|these|those|all|any)\b", re.IGNORECASE)
_TURNED = re.compile(  # "did the bridge fall", "will the plant employ": the verb stands behind its subject
    rf"\b(?:did|does|do)\b|\b(?:will|would|can|could|has|have|had) (?:the|an?|its|it|they|he|she|(?-i:[{CAPITAL}]))",
    re.IGNORECASE,
)
_RATE = re.compile(
    r"\b(?:an?|per|each|every) (second|minute|hour|day|week|month|year|night)\b|\b(dai|week|month|year)ly\b|\b(annual)"
)

_NAMED = f"[{CAPITAL}][{IN_NAME}]*"  # a capital alone too: "in the U.S."
_PLACED = re.compile(  # "in Marrowby", and what follows a last "at the": neither holds the verb of the question
    rf"\b(?:in|of|at|on|for|from|by|to|with|near) (?:the )?(?-i:{_NAMED}(?: {_NAMED})*)"
    r"|\b(?:in|of|at|on|for|from|by|with|near|when|while|after|before|during)\b.*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Target:
    """What a question asks for."""

    measures: frozenset[Measure]
    things: frozenset[str]  # stems of what is counted
    focus: frozenset[str]  # stems of what is said of it, names left out
    verb: str  # the stem of the question's verb, as far as it can be told
    dimension: frozenset[str]  # of a size: depth, or length, or ...
    ordinals: bool  # "the 40th time" answers "how many times"
    rate: str  # "a day", where the question says so
    about: str


def target(asked: Asked) -> Target | None:
    """Return what the question wants measured, None when that is no value."""
    matches = ((pattern.search(asked.question), measures) for pattern, measures in _PATTERNS)
    found, measures = next(((found, measures) for found, measures in matches if found), (None, frozenset()))
    if found is None:
        return None
    counted = stemming.stems(found.groupdict().get("thing") or "")
    things = frozenset(counted) - IDLE
    if counted and counted[0] in PEOPLE:  # "how many people used the ferry": what follows is said of them
        things = frozenset(counted[:1])
    elif things and things <= _STATES:
        things = frozenset(stemming.stems("people"))
    own = set(asked.stems) - set(asked.names) - things - IDLE - _FORM - PEOPLE
    if "count" not in measures:  # "how much compensation": the word need not stand at the sum
        own, things = own | (things - _FORM), frozenset()
    dimension: frozenset[str] = frozenset()
    if "size" in measures:
        asks = set(stemming.stems(asked.question))
        dimension = next((group for group in _DIMENSIONS if group & asks), frozenset())
        own -= dimension
    about = _LEAD.sub("", _STRESS.sub("", asked.question)).rstrip("? ") or asked.question
    rate = _RATE.search(asked.question.lower())
    unit = next((part for part in rate.groups() if part), "") if rate else ""
    unit = {"dai": "day", "annual": "year"}.get(unit, unit)
    return Target(measures, things, frozenset(own), _verb(about, things, own), dimension, "time" in things, unit, about)


def _verb(about: str, things: frozenset[str], own: set[str]) -> str:
    """Return the stem of the question's verb: "" when it cannot be told.

    "How many people were hurt in" has it behind its subject, "when did the bridge fall" at its end, "when did Thessel
    Water issue the notice" between its subject and its object.
    """
    state = next((stem for stem in stemming.stems(about) if stem in _STATES), "") if things & PEOPLE else ""
    if state in own:
        return state
    plain = _PLACED.sub(" ", about)
    if not things:
        plain = _before_object(plain, own)
    stems = [stem for stem in stemming.stems(plain) if stem in own]
    if not stems:
        return ""
    return stems[0] if things & PEOPLE and not _TURNED.search(about) else stems[-1]


def _before_object(about: str, own: set[str]) -> str:
    """Return the subject and the verb of "Thessel Water issue the notice", as far as they can be told."""
    words = about.split()
    named = 0
    while named < len(words) and (words[named][0].isupper() or set(stemming.stems(words[named])) & PEOPLE):
        named += 1
    if 0 < named < len(words) and own.intersection(stemming.stems(words[named])):
        return " ".join(words[: named + 1])
    places = (place for place, word in enumerate(words) if place > 1 and _DETERMINED.fullmatch(word))
    before = " ".join(words[: next(places, len(words))])
    return before if own.intersection(stemming.stems(before)) else about
