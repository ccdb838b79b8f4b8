"""What a sentence claims about the thing a question asks for: aligned by the words around each value. Pure.

"14 injured", "17 people were hurt" and "a 58-year-old bridge" hold three numbers; only the first two answer how many
were injured. A value counts when it is of the kind asked for, is said of what the question counts, and stands nearer to
the question's words than any other value of its kind does.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from qa.conflicts import synonyms
from qa.conflicts.target import IDLE, PEOPLE, Target
from qa.conflicts.values import ORDINAL, Value, values
from qa.query.analysis import Asked
from qa.retrieval.sentence_ranker import Features, Ranked
from qa.text import stemming
from qa.text.english import CAPITAL, CAPITALISED, COUNTED_WORD, MARKS
from qa.types import Evidence

CLOSE = 0.55  # a sentence takes part when it scores this share of the best
# The share of the question's words that must stand at the value; more where no name tells the story.
FIT, FIT_UNNAMED = 0.4, 0.5
MAX_SENTENCES = 40
_DOUBT = 0.6  # what a forecast or a proposal weighs beside a statement
_APART = 0.4  # what a word counts that stands in the sentence but not at the value
_REACH = 12  # words; a clause break counts as three

# Alike for what is counted, and for the verb of the question; as any other word "work" is no "job".
_EMPLOYED = frozenset(stemming.stems("job work employ employs employed employment employee hire worker post"))
_EMPLOYING = _EMPLOYED - frozenset(stemming.stems("worker employee post"))
_SOME_PEOPLE = frozenset(stemming.stems("children women men"))
_PRONOUN = re.compile(r"(?:It|They|This|These)\b")
_TOTAL = re.compile(r"\b(?:figure|number|total|toll|count|tally)\b(?! of)", re.IGNORECASE)
_NAME = re.compile(rf"\b{CAPITALISED}")
_SHORTEST_NAME = 4  # letters
_WORD = re.compile(COUNTED_WORD)
_BREAK = re.compile(r",(?!\d)|[;:()—–]|\b(?:and|but|while|when)\b")
_OTHER_TIME = re.compile(r"\b(?:after|before|since|until|till|ahead of)\b")  # beyond it something else happens
_RATE = re.compile(
    r"(?:[ -][a-z]+){0,3}? (?:an?|per|each|every|apiece) ?(second|minute|hour|day|week|month|year|night|person|head)\b"
    r"|(?:[ -][a-z]+){0,2}? (dai|week|month|year)ly\b",
    re.IGNORECASE,
)
# "MARROWBY, May 26 (Agency) -" and "said on Tuesday" date the report, not what it reports.
_DATELINE = re.compile(rf"^[{CAPITAL}][{CAPITAL}{MARKS} .,'’-]+, [^()]{{0,30}}\([^()]*\) ?[-–—] ")
_SAID_ON = re.compile(
    r"\b(?:said|says|told|announced|reported|according|statement|report|conference|interview)\b[^,;.]{0,30}\b(?:on )?$"
)
_SUPPOSED = re.compile(
    r"\b(?:if|could|might|project(?:s|ed|ing|ion)|predict\w*|forecast\w*|threshold|previous (?:high|record)|asked"
    r"|proposed|needed|would need)\b",
    re.IGNORECASE,
)
# The sentence reports what was said before it was put right, by the outlet itself or by others.
_EARLIER = re.compile(
    r"\breported (?:(?:\d[\d,.]* )?(?:in|on|last)|earlier|yesterday)\b|\b(?:initially|previously|originally|at first"
    r"|earlier (?:reports?|reported|said|estimates?|figures?)|had (?:said|put|reported|given|been put))\b"
    r"|\bcorrection\b|\ban earlier (?:article|version|report)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Claim:
    """One value in one sentence, and how well it stands where the question's words stand."""

    value: Value
    rate: str  # "a day" is another thing than in all
    evidence: Evidence
    fit: float
    former: bool  # the sentence itself says that this was before

    @property
    def shown(self) -> str:
        """Return the value as its article writes it, a time of day with the day beside it."""
        start, end = self.value.start, self.value.end
        if self.value.measure in ("date", "clock"):
            for other in values(self.evidence.text, self.evidence.source.published_at):
                beside = other.start - 4 <= end <= other.start or other.end <= start <= other.end + 4
                if other.measure in ("date", "clock") and beside:
                    start, end = min(start, other.start), max(end, other.end)
        return self.evidence.text[start:end].strip(" ,;-")

    @property
    def outlet(self) -> str:
        """Return who says it."""
        return self.evidence.source.outlet or self.evidence.source.article_id

    @property
    def day(self) -> str:
        """Return when, as an ISO day, or nothing."""
        return (self.evidence.source.published_at or "")[:10]


def claims(asked: Asked, wanted: Target, ranked: Ranked) -> list[Claim]:
    """Return what the ranked sentences claim of the target, in their order."""
    if len(wanted.focus | wanted.things | wanted.dimension) + len(asked.names) < 2:
        return []  # "when had it been fitted?" fits any story
    found = list(_claims(asked, wanted, ranked))
    if asked.names or not found:
        return found
    # Without a name in the question another story may hold its words as well: keep to the story of the best.
    story = _names(max(found, key=lambda claim: claim.fit).evidence)
    return [claim for claim in found if not (named := _names(claim.evidence)) or not story or story & named]


def _claims(asked: Asked, wanted: Target, ranked: Ranked) -> Iterator[Claim]:
    best = max(one.score for one in ranked.evidence)
    given = {word for word in stemming.words(asked.question) if any(char.isdigit() for char in word)}
    for one, features in list(zip(ranked.evidence, ranked.features, strict=True))[:MAX_SENTENCES]:
        if one.score < CLOSE * best or features.loose or not _of_the_story(asked, one, features):
            continue
        found = [value for value in values(one.text, one.source.published_at) if value.measure in wanted.measures]
        earlier = _EARLIER.search(one.text) is not None
        opening = _DATELINE.match(one.text)
        dateline = opening.end() if opening else 0
        if wanted.ordinals:
            found = [replace(value, unit="") if value.unit == ORDINAL else value for value in found]
        for value in found:
            if value.unit == ORDINAL or value.former or value.end <= dateline:
                continue
            if value.measure == "date" and _SAID_ON.search(one.text[: value.start]):
                continue
            if given and set(stemming.words(one.text[value.start : value.end])) <= given:
                continue  # the question gave it
            fit = _fit(asked, wanted, one, value, found)
            rate = _rate(one.text, value)
            if _SUPPOSED.search(one.text):
                fit *= _DOUBT
            if fit >= (FIT if asked.names else FIT_UNNAMED) and (not wanted.rate or rate == wanted.rate):
                yield Claim(value, rate, one, fit, earlier)


def _names(one: Evidence) -> set[str]:
    """Return the names in and around a sentence, as stems."""
    words = _NAME.findall(f"{one.source.title or ''} {one.context or one.text}")
    long = (word for word in words if len(unicodedata.normalize("NFC", word)) >= _SHORTEST_NAME)
    return set(stemming.stems(" ".join(long))) - IDLE


def _rate(sentence: str, value: Value) -> str:
    found = _RATE.match(sentence, value.end)
    unit = next((part.lower() for part in found.groups() if part), "") if found else ""
    return "day" if unit == "dai" else unit


def _of_the_story(asked: Asked, one: Evidence, features: Features) -> bool:
    """Tell whether the article holds every name of the question, that of its own outlet aside."""
    if not asked.names:
        return True
    outlet = set(stemming.stems(one.source.outlet or ""))
    return features.named >= sum(name not in outlet for name in asked.names) / len(asked.names) - 1e-9


def _fit(asked: Asked, wanted: Target, one: Evidence, value: Value, found: Sequence[Value]) -> float:
    """Return the share of the question's words that stand at the value, 0 when it is said of another thing."""
    earlier = _EARLIER.search(one.text) is not None
    at, apart = _around(one.text, value, [other for other in found if other.measure == value.measure])
    noun = _noun(one.text, value, found) if value.measure == "count" else frozenset()
    if value.measure == "count" and not noun and (earlier or _TOTAL.search(one.text)):
        # "The final figure is 19": what it is a figure of stands in the sentence beside.
        at = at | stemming.stem_set(one.context)
    if _PRONOUN.match(one.text):  # "It will cost": what "it" is stands in the sentence before
        apart = apart | stemming.stem_set(one.context)
    if wanted.dimension and value.measure == "size" and not wanted.dimension & at:
        return 0.0
    if value.measure in ("date", "clock") and wanted.verb and not _happens(asked, wanted, at):
        return 0.0
    score, weight = 0.0, float(len(wanted.focus))
    if wanted.dimension and value.measure == "size":
        score, weight = score + 1, weight + 1
    if wanted.things:
        if not _counts(wanted, noun, at) or synonyms.opposed(set(stemming.stems(wanted.about)), at):
            return 0.0
        if not wanted.things & PEOPLE:
            direct = any(synonyms.holds(noun, stem) for stem in wanted.things)
            score, weight = score + (2 if direct else 1.5), weight + 2
        elif wanted.verb and not _said(wanted, at, wanted.verb):
            return 0.0  # people are counted for many things in one story
    score += sum(1.0 if _said(wanted, at, stem) else _APART * synonyms.holds(apart, stem) for stem in wanted.focus)
    return score / weight if weight else 0.0


def _happens(asked: Asked, wanted: Target, at: frozenset[str]) -> bool:
    """Tell whether what is asked happens there: by its own verb, or by one like it and of something asked about."""
    if wanted.verb in at:
        return True
    about = (wanted.focus | set(asked.names)) - {wanted.verb}
    return synonyms.holds(at, wanted.verb) and (not about or any(synonyms.holds(at, stem) for stem in about))


def _counts(wanted: Target, noun: frozenset[str], at: frozenset[str]) -> bool:
    """Tell whether the value is a number of the things asked for."""
    if noun & wanted.things and noun - wanted.things and wanted.things - noun - at:
        return False  # silver coins are no gold coins
    if wanted.things & _SOME_PEOPLE and not wanted.things & noun:
        return False  # how many children were hurt is not how many people were
    if any(synonyms.holds(noun, stem) for stem in wanted.things):
        return True
    people = bool(wanted.things & PEOPLE)
    jobs = bool(wanted.things & _EMPLOYED)
    if noun & PEOPLE:  # "will employ 1,150 people": jobs
        return people or (jobs and bool(at & _EMPLOYING))
    if noun & _EMPLOYED:
        return jobs or wanted.verb in _EMPLOYED
    if noun:
        return people and bool(wanted.verb) and synonyms.holds(noun, wanted.verb)  # "14 injured"
    return any(synonyms.holds(at, stem) for stem in wanted.things | ({wanted.verb} - {""})) or (
        people and not wanted.verb
    )


def _around(sentence: str, value: Value, rivals: Sequence[Value]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the stems that stand nearest to this value of all in the sentence, and the others."""
    at: set[str] = set()
    apart: set[str] = set()
    for word in _WORD.finditer(sentence):
        if any(other.start <= word.start() < other.end for other in rivals):
            continue
        own = _distance(sentence, word, value)
        nearest = all(own <= _distance(sentence, word, other) for other in rivals if other is not value)
        (at if nearest and own <= _REACH else apart).update(stemming.stems(word.group()))
    return frozenset(at), frozenset(apart)


def _distance(sentence: str, word: re.Match[str], value: Value) -> int:
    between = sentence[word.end() : value.start] if word.start() < value.start else sentence[value.end : word.start()]
    return len(_WORD.findall(between)) + 3 * len(_BREAK.findall(between)) + 6 * len(_OTHER_TIME.findall(between))


def _noun(sentence: str, value: Value, found: Sequence[Value]) -> frozenset[str]:
    """Return the stems of the words right after a number, up to the first that is no part of its noun."""
    named = re.search(r"(\w+), $", sentence[: value.start])
    if named and sentence.startswith(" of them", value.end):  # "the coins, 3,200 of them"
        return frozenset(stemming.stems(named[1]))
    stems: list[str] = []
    for word in _WORD.finditer(sentence, value.end):
        gap = sentence[value.end if not stems else word.start() - 1 : word.start()]
        stem = stemming.stems(word.group())
        taken = any(other.start <= word.start() < other.end for other in found)
        if gap.strip(" -") or not stem or taken or len(stems) == 3 or stem[0] in IDLE:
            break
        stems += stem
        if sentence[word.end() : word.end() + 1] in (",", ";", ".", ":", ")"):
            break
    return frozenset(stems)


def _said(wanted: Target, stems: frozenset[str], stem: str) -> bool:
    employs = stem == wanted.verb and stem in _EMPLOYED and not stems.isdisjoint(_EMPLOYED)
    return employs or synonyms.holds(stems, stem)
