"""Find what value a question asks for: its measure, what it counts, and the verb. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from qa.conflicts.values import Measure
from qa.query.analysis import AnalysedQuestion
from qa.text import stemming
from qa.text.english import CAPITAL, CURRENCY_FORMS, IN_NAME, MINUTES, NEVER_COUNTED_WORDS, SIZE_FORMS

# Forms of questions; the first that matches decides what is measured and which words name the thing counted.
_END = (
    r"(?=\b(?:do|does|did|is|are|was|were|has|have|had|will|would|can|could|should|may|the|of|in|on|at|for|to)\b"
    r"|[?,]|$)"
)
_QUESTION_FORMS: tuple[tuple[str, tuple[Measure, ...]], ...] = (
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
_PATTERNS = tuple((re.compile(pattern, re.IGNORECASE), frozenset(measures)) for pattern, measures in _QUESTION_FORMS)
_LEAD = re.compile(
    r"^\W*(?:at |in |on |by |for |since )?(?:what|which|how|when|who|where|why)\b(?:'s)?"
    r"(?: (?:many|much|long|old|deep|high|large|big|far|tall|wide|heavy|time|year|day|date|share|is|was|are|were|will"
    r"|did|does|do|has|have|had|should|could|can|would|must|it)\b)*\s*",
    re.IGNORECASE,
)
# One of these beside a size says which dimension is measured; they are never mixed.
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
NEVER_COUNTED = frozenset(stemming.stems(" ".join(NEVER_COUNTED_WORDS)))
# States of people, used as nouns in "the number of injured".
_STATES = frozenset(
    stemming.stems("injured hurt wounded killed dead missing arrested detained ill sick infected homeless")
)
# Units and words of the question form: an answer has them in its value, not near it.
_FORM_STEMS = frozenset(
    stemming.stems(
        "time year day date month minute hour week second size amount number total money exactly precisely actually"
        " really"
    )
)
_EMPHASIS = re.compile(r"\b(?:exactly|precisely|actually|really) ", re.IGNORECASE)
_DETERMINER = re.compile(r"(?:the|an?|its|their|his|her|this|that|these|those|all|any)\b", re.IGNORECASE)
_INVERTED = re.compile(  # "did the bridge fall", "will the plant employ": the verb comes after its subject
    rf"\b(?:did|does|do)\b|\b(?:will|would|can|could|has|have|had) (?:the|an?|its|it|they|he|she|(?-i:[{CAPITAL}]))",
    re.IGNORECASE,
)
_RATE = re.compile(
    r"\b(?:an?|per|each|every) (second|minute|hour|day|week|month|year|night)\b|\b(dai|week|month|year)ly\b|\b(annual)"
)

_NAME = f"[{CAPITAL}][{IN_NAME}]*"  # a capital alone too: "in the U.S."
_ADVERBIAL = re.compile(  # "in Marrowby", and what follows a last "at the": the verb of the question is in neither
    rf"\b(?:in|of|at|on|for|from|by|to|with|near) (?:the )?(?-i:{_NAME}(?: {_NAME})*)"
    r"|\b(?:in|of|at|on|for|from|by|with|near|when|while|after|before|during)\b.*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Target:
    """The value that a question asks for."""

    measures: frozenset[Measure]
    things: frozenset[str]  # stems of what is counted
    focus: frozenset[str]  # stems of the other content words, without names
    verb: str  # the stem of the question's verb, or "" where it cannot be found
    dimension: frozenset[str]  # of a size: depth, or length, or ...
    ordinals: bool  # "the 40th time" answers "how many times"
    rate: str  # "day" where the question asks for a figure a day, else ""
    about: str  # the question without its question words, to be shown


def find_target(question: AnalysedQuestion) -> Target | None:
    """Return the value that the question asks for, None when it asks for no value."""
    matches = ((pattern.search(question.text), measures) for pattern, measures in _PATTERNS)
    match, measures = next(((match, measures) for match, measures in matches if match), (None, frozenset()))
    if match is None:
        return None
    counted = stemming.stems(match.groupdict().get("thing") or "")
    things = frozenset(counted) - NEVER_COUNTED
    if counted and counted[0] in PEOPLE:  # "how many people used the ferry": the rest is about them
        things = frozenset(counted[:1])
    elif things and things <= _STATES:
        things = frozenset(stemming.stems("people"))
    focus = set(question.stems) - set(question.names) - things - NEVER_COUNTED - _FORM_STEMS - PEOPLE
    if "count" not in measures:  # "how much compensation": the word need not be next to the sum
        focus, things = focus | (things - _FORM_STEMS), frozenset()
    dimension: frozenset[str] = frozenset()
    if "size" in measures:
        question_stems = set(stemming.stems(question.text))
        dimension = next((group for group in _DIMENSIONS if group & question_stems), frozenset())
        focus -= dimension
    about = subject(question.text)
    rate = _RATE.search(question.text.lower())
    unit = next((part for part in rate.groups() if part), "") if rate else ""
    unit = {"dai": "day", "annual": "year"}.get(unit, unit)
    return Target(
        measures, things, frozenset(focus), _verb(about, things, focus), dimension, "time" in things, unit, about
    )


def subject(question: str) -> str:
    """Return a question without its question words, to be shown."""
    return _LEAD.sub("", _EMPHASIS.sub("", question)).rstrip("? ") or question


def _verb(about: str, things: frozenset[str], focus: set[str]) -> str:
    """Return the stem of the question's verb, "" when it cannot be found.

    "How many people were hurt in" has it after its subject, "when did the bridge fall" at its end, "when did Thessel
    Water issue the notice" between its subject and its object.
    """
    state = next((stem for stem in stemming.stems(about) if stem in _STATES), "") if things & PEOPLE else ""
    if state in focus:
        return state
    plain = _ADVERBIAL.sub(" ", about)
    if not things:
        plain = _before_object(plain, focus)
    stems = [stem for stem in stemming.stems(plain) if stem in focus]
    if not stems:
        return ""
    return stems[0] if things & PEOPLE and not _INVERTED.search(about) else stems[-1]


def _before_object(about: str, focus: set[str]) -> str:
    """Return the subject and the verb of "Thessel Water issue the notice", as far as they can be found."""
    words = about.split()
    after_name = 0
    while after_name < len(words) and (
        words[after_name][0].isupper() or set(stemming.stems(words[after_name])) & PEOPLE
    ):
        after_name += 1
    if 0 < after_name < len(words) and focus.intersection(stemming.stems(words[after_name])):
        return " ".join(words[: after_name + 1])
    positions = (position for position, word in enumerate(words) if position > 1 and _DETERMINER.fullmatch(word))
    before = " ".join(words[: next(positions, len(words))])
    return before if focus.intersection(stemming.stems(before)) else about
