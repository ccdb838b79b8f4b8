"""Tell which questions have one answer, of which kind: two answers to any other may both be true. Pure.

"Who designed the bridge?" has one; "who was injured?", "which companies bid?" and "who criticised the plan?" may have
many.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from qa.query.analysis import AnalysedQuestion
from qa.text import stemming
from qa.text.english import CAPITAL, CAPITALISED, IRREGULAR_VERBS

AnswerKind = Literal["name", "place", "place in order", "cause"]

_SECOND_QUESTION = re.compile(r"(?:\band\b|[,;?]) *(?:who|what|when|where|why|how|which)\b", re.IGNORECASE)
_MANY = re.compile(
    r"\b(?:one of|some of|any of|among|else|others?|another|examples?|such as|besides|except|each|every|both|various"
    r"|several|many|much|kinds|types|sorts|who(?:m)? (?:are|were)|who(?:['’]re)|what are|what were)\b",
    re.IGNORECASE,
)
# What several people may do or suffer in one event.
_SHARED_VERBS = (
    r"injured|hurt|wounded|killed|die[ds]?|arrested|detained|charged|attend\w*|criticis\w*|criticiz\w*"
    r"|condemn\w*|support\w*|oppos\w*|prais\w*|welcom\w*|back(?:s|ed)?|sponsor\w*|protest\w*|visit\w*|met|meets?|works?"
    r"|worked|plays?|played|lives?|lived|uses?|used|wants?|likes?|knows?|believes?|thinks?|agree\w*|votes?|voted|signs?"
    r"|signed|joins?|joined|invest\w*|helps?|helped|fund\w*|speaks?|spoke|spoken|talk\w*|testif\w*|appear\w*|stars?"
    r"|starred|compet\w*|perform\w*|sings?|sang|stands?|nominated|invited|blam\w*|affected|responsible|involved|member"
    r"|eligible|benefit\w*|lost|quits?|leaves?|left|resign\w*|owns?|saw|seen|survived|rescued|evacuated|qualified"
)
_SAYING_VERBS = (
    r"sa(?:y|ys|id)|tells?|told|warn\w*|call(?:s|ed)?|describ\w*|claim\w*|compar\w*|announc\w*|accus\w*|promis\w*|argu\w*"
    r"|den(?:y|ies|ied)|confirm\w*|ask(?:s|ed)?|demand\w*|urg\w*|insist\w*|express\w*|complain\w*|reject\w*"
)
_SHARED_DEED = re.compile(
    rf"\bwho(?:m)?\b(?:\W+\w+){{0,4}}?\W+(?:{_SHARED_VERBS})\b|\bwho (?:is|was) (?:\w+ )?(?:missing|dead)\b",
    re.IGNORECASE,
)
_SAYING = re.compile(rf"\bwho(?:m)?\b(?:\W+\w+){{0,2}}?\W+(?:{_SAYING_VERBS})\b", re.IGNORECASE)
_QUOTED = re.compile(r"[\"“”«»„]([^\"“”«»„]{6,})[\"“”«»„]")
_FOREMOST = re.compile(
    r"\b(?:first|second|third|fourth|fifth|last|the (?:most|largest|biggest|highest|oldest|youngest|fastest|longest"
    r"|best|worst|latest|earliest|only))\b",
    re.IGNORECASE,
)
_OPTIONS = re.compile(rf"({CAPITALISED}(?: {CAPITALISED})*),? or (?:the |an? )?({CAPITALISED}(?: {CAPITALISED})*)")
_PLACE_IN_ORDER = re.compile(
    r"\b(?:what|which) (?:place|position|rank)\b[^?]*\b(?:finish|come|came|end|rank|place[sd]?)", re.IGNORECASE
)
_CAUSE = re.compile(
    r"^\W*why\b|\bwhat (?:has |had )?(?:caused|triggered|sparked|led to|killed|started|destroyed)\b"
    r"|\bwhat (?:is|was) (?:the )?(?:(?:likely|main|probable) )?(?:cause|reason)\b"
    r"|\bwhat brought\b[^?]*\bdown\b"
    r"|\bhow did\b[^?]*\b(?:die|start|begin|happen|crash|sink|collapse)\b|\bwhat did\b[^?]*\bdie of\b",
    re.IGNORECASE,
)
_WHERE = re.compile(
    r"^\W*(?:from )?where (?:is|was|has|had|did|will"
    r"|does(?=.*\b(?:live|begin|start|end|rise|lie|stand|take place)\b))\b",
    re.IGNORECASE,
)
_MANY_EVENTS = re.compile(
    r"\b(?:protest|attack|demonstration|explosion|blast|fire|flood|raid|strike|storm|earthquake|outbreak|case|event"
    r"|meeting|match|game|concert|march|incident|crime|death|arrest|people|resident|worker)e?s?\b",
    re.IGNORECASE,
)
_WHO = re.compile(r"^\W*(?:(?:by|to|for|from|with) )?who(?:m|se|['’]s)?\b", re.IGNORECASE)
_NAME_OF = re.compile(
    r"\bwhat (?:is|was|will be) (?:the )?(?:[\w-]+ )?(?:name|title|capital|venue|destination|birthplace|nationality"
    r"|colou?r|location|winner|owner|author|maker)\b|\bwhat (?:is|was|will)\b[^?]*\b(?:called|named)\b",
    re.IGNORECASE,
)
_WHICH = re.compile(
    rf"\b(?:which|what)(?: (?:of the|of these|of its))?(?: two| three)? (?:(?:kind|type|sort|make|species) of )?"
    rf"(?P<noun>[a-z-]+)(?P<next> (?!was |is |has |does )(?-i:[a-z-]+s)\b(?! (?:the|an?|its|his|her|their)\b"
    rf"| (?-i:[{CAPITAL}])))?",
    re.IGNORECASE,
)
_AFTER_BARE_WHAT = frozenset("is was did does do has had have will would can could hit struck went the".split())
_PLURAL = re.compile(r"(?<![su]s)(?<!is)(?<!ews)(?<!ies)s$|ies$", re.IGNORECASE)
_PLACE_NOUN = re.compile(r"^(?:city|country|town|state|place|village|province|island|region|district|street|county)$")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question with one answer asks for."""

    kind: AnswerKind
    options: frozenset[str] = frozenset()  # words of the names that the question offers: "Ash or Berg"
    quoted: frozenset[str] = frozenset()  # stems of the quotation whose speaker is asked for
    form: frozenset[str] = frozenset()  # stems that name the kind of answer: "company" in "which company"


def find_asked(question: AnalysedQuestion) -> Asked | None:
    """Return what the question asks for, None when it may have several answers or asks for no name or thing."""
    text = question.text
    unquoted = _QUOTED.sub(" ", text)
    if _SECOND_QUESTION.search(unquoted) or _MANY.search(unquoted):
        return None
    offered = _OPTIONS.search(text)
    options = frozenset(stemming.words(" ".join(offered.groups()))) if offered else frozenset()
    if _PLACE_IN_ORDER.search(text):
        return Asked("place in order", form=frozenset(stemming.stems("place position rank")))
    if _CAUSE.search(text):
        return Asked("cause", form=frozenset(stemming.stems("cause reason")))
    if _WHERE.search(text):
        return None if _is_of_many_events(text) else Asked("place", options)
    if _WHO.search(text):
        return _asked_of_person(text, options)
    if _NAME_OF.search(text):
        return Asked("name", options, form=frozenset(stemming.stems("name title")))
    which = _WHICH.search(text)
    if which is None or _is_verb(which["noun"].lower()):
        return None
    several = _PLURAL.search(which["noun"]) or which["next"]
    if several and not re.search(r"\b(?:which|what) of\b|\b(?:two|three) ", text, re.IGNORECASE):
        return None
    noun = which["noun"].lower()
    kind: AnswerKind = "place" if _PLACE_NOUN.match(noun) else "name"
    return Asked(kind, options, form=frozenset(stemming.stems(f"{noun} kind type sort")))


def _asked_of_person(text: str, options: frozenset[str]) -> Asked | None:
    quoted = _QUOTED.search(text)
    if _SAYING.search(text):  # several people may say one thing, but not in one quotation
        return Asked("name", options, quoted=frozenset(stemming.stems(quoted[1]))) if quoted else None
    if _SHARED_DEED.search(text) and not _FOREMOST.search(text):
        return None
    return Asked("name", options)


def _is_verb(word: str) -> bool:
    """Tell whether the word after "what" is its verb: what happened, what brought the bridge down."""
    return word in _AFTER_BARE_WHAT or word in IRREGULAR_VERBS or word.endswith("ed")


def _is_of_many_events(text: str) -> bool:
    """Tell whether "where" is asked of several events: where did the protests begin."""
    return any(match.group().lower().endswith(("s", "people")) for match in _MANY_EVENTS.finditer(text))
