"""Find what sentences claim about the thing a question asks for, by the words around each value. Pure.

"14 injured", "17 people were hurt" and "a 58-year-old bridge" have three numbers; only the first two answer how many
were injured. A value is a claim when it is of the kind that the question asks for, counts what the question counts, and
is nearer to the question's words than any other value of its kind.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from qa.conflicts import synonyms
from qa.conflicts.target import NEVER_COUNTED, PEOPLE, Target
from qa.conflicts.values import ORDINAL, Value, find_values
from qa.query.analysis import AnalysedQuestion
from qa.retrieval.sentence_ranker import Features, Ranked
from qa.text import stemming
from qa.text.english import CAPITAL, CAPITALISED, COUNTED_WORD, MARKS
from qa.types import Evidence

CLOSE = 0.55  # a sentence is read when it scores this share of the best
# The share of the question's words that must be near the value; more where no name identifies the story.
FIT, FIT_UNNAMED = 0.4, 0.5
MAX_SENTENCES = 40
RECENT_DAYS = 60  # claims of articles further apart are about two events
_SUPPOSED_WEIGHT = 0.6  # what a forecast or a proposal weighs, of a statement
_FAR_WEIGHT = 0.4  # what a word counts that is in the sentence but not near the value
_REACH = 12  # how far "near" a value reaches, in words; a clause break counts as three

# Synonyms as what is counted and as the verb of the question; as any other word "work" is not "job".
_EMPLOYED = frozenset(stemming.stems("job work employ employs employed employment employee hire worker post"))
_EMPLOYING = _EMPLOYED - frozenset(stemming.stems("worker employee post"))
_SOME_PEOPLE = frozenset(stemming.stems("children women men"))
_OPENING_PRONOUN = re.compile(r"(?:It|They|This|These)\b")
_TOTAL = re.compile(r"\b(?:figure|number|total|toll|count|tally)\b(?! of)", re.IGNORECASE)
_NAME = re.compile(rf"\b{CAPITALISED}")
_SHORTEST_NAME = 4  # letters
_WORD = re.compile(COUNTED_WORD)
_CLAUSE_BREAK = re.compile(r",(?!\d)|[;:()—–]|\b(?:and|but|while|when)\b")
_OTHER_TIME = re.compile(r"\b(?:after|before|since|until|till|ahead of)\b")  # words beyond it are of another event
_RATE = re.compile(
    r"(?:[ -][a-z]+){0,3}? (?:an?|per|each|every|apiece) ?(second|minute|hour|day|week|month|year|night|person|head)\b"
    r"|(?:[ -][a-z]+){0,2}? (dai|week|month|year)ly\b",
    re.IGNORECASE,
)
# "MARROWBY, May 26 (Agency) -" and "said on Tuesday" date the report, not what it reports.
_DATELINE = re.compile(rf"^[{CAPITAL}][{CAPITAL}{MARKS} .,'’-]+, [^()]{{0,30}}\([^()]*\) ?[-–—] ")
SAID_ON = re.compile(
    r"\b(?:said|says|told|announced|reported|according|statement|report|conference|interview)\b[^,;.]{0,30}\b(?:on )?$"
)
_SUPPOSED = re.compile(
    r"\b(?:if|could|might|project(?:s|ed|ing|ion)|predict\w*|forecast\w*|threshold|previous (?:high|record)|asked"
    r"|proposed|needed|would need)\b",
    re.IGNORECASE,
)
# The sentence reports an earlier figure that has been corrected, by the outlet itself or by others.
_EARLIER = re.compile(
    r"\breported (?:(?:\d[\d,.]* )?(?:in|on|last)|earlier|yesterday)\b|\b(?:initially|previously|originally|at first"
    r"|earlier (?:reports?|reported|said|estimates?|figures?)|had (?:said|put|reported|given|been put))\b"
    r"|\bcorrection\b|\ban earlier (?:article|version|report)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Claim:
    """One value in one sentence, and how well the words near it fit the question."""

    value: Value
    rate: str  # "day" for a figure a day, "" for a total
    evidence: Evidence
    fit: float
    former: bool  # the sentence itself says that this is an earlier figure

    @property
    def shown(self) -> str:
        """Return the value as its article writes it, a time of day with the day next to it."""
        start, end = self.value.start, self.value.end
        if self.value.measure in ("date", "clock"):
            for other in find_values(self.evidence.text, self.evidence.source.published_at):
                beside = other.start - 4 <= end <= other.start or other.end <= start <= other.end + 4
                if other.measure in ("date", "clock") and beside:
                    start, end = min(start, other.start), max(end, other.end)
        return self.evidence.text[start:end].strip(" ,;-")

    @property
    def outlet(self) -> str:
        """Return the outlet that claims it."""
        return self.evidence.source.publisher

    @property
    def day(self) -> str:
        """Return the day of publication in ISO form, or an empty string."""
        return self.evidence.source.day


def find_claims(question: AnalysedQuestion, target: Target, ranked: Ranked) -> list[Claim]:
    """Return what the ranked sentences claim of the target, in their order."""
    if len(target.focus | target.things | target.dimension) + len(question.names) < 2:
        return []  # "when had it been fitted?" fits any story
    claims = list(_each_claim(question, target, ranked))
    if question.names or not claims:
        return claims
    # Without a name in the question another story may have its words as well: keep to the story of the best claim.
    story = find_names(max(claims, key=lambda claim: claim.fit).evidence)
    return [claim for claim in claims if not (names := find_names(claim.evidence)) or not story or story & names]


def _each_claim(question: AnalysedQuestion, target: Target, ranked: Ranked) -> Iterator[Claim]:
    best = max(sentence.score for sentence in ranked.evidence)
    given_numbers = {word for word in stemming.words(question.text) if any(char.isdigit() for char in word)}
    for sentence, features in list(zip(ranked.evidence, ranked.features, strict=True))[:MAX_SENTENCES]:
        if sentence.score < CLOSE * best or features.loose or not has_question_names(question, sentence, features):
            continue
        candidates = [
            value
            for value in find_values(sentence.text, sentence.source.published_at)
            if value.measure in target.measures
        ]
        former = _EARLIER.search(sentence.text) is not None
        opening = _DATELINE.match(sentence.text)
        dateline = opening.end() if opening else 0
        if target.ordinals:
            candidates = [replace(value, unit="") if value.unit == ORDINAL else value for value in candidates]
        for value in candidates:
            if value.unit == ORDINAL or value.former or value.end <= dateline:
                continue
            if value.measure == "date" and SAID_ON.search(sentence.text[: value.start]):
                continue
            if given_numbers and set(stemming.words(sentence.text[value.start : value.end])) <= given_numbers:
                continue  # the number is the question's own
            fit = _measure_fit(question, target, sentence, value, candidates)
            rate = _read_rate(sentence.text, value)
            if _SUPPOSED.search(sentence.text):
                fit *= _SUPPOSED_WEIGHT
            if fit >= (FIT if question.names else FIT_UNNAMED) and (not target.rate or rate == target.rate):
                yield Claim(value, rate, sentence, fit, former)


def find_names(sentence: Evidence) -> set[str]:
    """Return the stems of the names in and around a sentence."""
    words = _NAME.findall(f"{sentence.source.title or ''} {sentence.context or sentence.text}")
    long = (word for word in words if len(unicodedata.normalize("NFC", word)) >= _SHORTEST_NAME)
    return set(stemming.stems(" ".join(long))) - NEVER_COUNTED


def _read_rate(sentence: str, value: Value) -> str:
    match = _RATE.match(sentence, value.end)
    unit = next((part.lower() for part in match.groups() if part), "") if match else ""
    return "day" if unit == "dai" else unit


def has_question_names(question: AnalysedQuestion, sentence: Evidence, features: Features) -> bool:
    """Tell whether the article has every name of the question; its own outlet's need not be there."""
    if not question.names:
        return True
    outlet = set(stemming.stems(sentence.source.outlet or ""))
    return features.named >= sum(name not in outlet for name in question.names) / len(question.names) - 1e-9


def _measure_fit(
    question: AnalysedQuestion, target: Target, sentence: Evidence, value: Value, found: Sequence[Value]
) -> float:
    """Return the share of the question's words that are near the value, 0 when it is a value of another thing."""
    former = _EARLIER.search(sentence.text) is not None
    near, far = _stems_at(sentence.text, value, [other for other in found if other.measure == value.measure])
    noun = _counted_noun(sentence.text, value, found) if value.measure == "count" else frozenset()
    if value.measure == "count" and not noun and (former or _TOTAL.search(sentence.text)):
        # "The final figure is 19": what it counts is in the sentence before or after.
        near = near | stemming.stem_set(sentence.context)
    if _OPENING_PRONOUN.match(sentence.text):  # "It will cost": the sentence before says what "it" is
        far = far | stemming.stem_set(sentence.context)
    if target.dimension and value.measure == "size" and not target.dimension & near:
        return 0.0
    if value.measure in ("date", "clock") and target.verb and not _names_event(question, target, near):
        return 0.0
    score, weight = 0.0, float(len(target.focus))
    if target.dimension and value.measure == "size":
        score, weight = score + 1, weight + 1
    if target.things:
        if not _is_number_of(target, noun, near) or synonyms.opposed(set(stemming.stems(target.about)), near):
            return 0.0
        if not target.things & PEOPLE:
            direct = any(synonyms.holds(noun, stem) for stem in target.things)
            score, weight = score + (2 if direct else 1.5), weight + 2
        elif target.verb and not _has_stem(target, near, target.verb):
            return 0.0  # one story counts people for many things
    score += sum(
        1.0 if _has_stem(target, near, stem) else _FAR_WEIGHT * synonyms.holds(far, stem) for stem in target.focus
    )
    return score / weight if weight else 0.0


def _names_event(question: AnalysedQuestion, target: Target, near: frozenset[str]) -> bool:
    """Tell whether the question's event is named: by its verb, or by a synonym beside another word of the question."""
    if target.verb in near:
        return True
    about = (target.focus | set(question.names)) - {target.verb}
    return synonyms.holds(near, target.verb) and (not about or any(synonyms.holds(near, stem) for stem in about))


def _is_number_of(target: Target, noun: frozenset[str], near: frozenset[str]) -> bool:
    """Tell whether the value counts the things that the question asks for."""
    if noun & target.things and noun - target.things and target.things - noun - near:
        return False  # silver coins are not gold coins
    if target.things & _SOME_PEOPLE and not target.things & noun:
        return False  # how many children were hurt is not how many people were
    if any(synonyms.holds(noun, stem) for stem in target.things):
        return True
    people = bool(target.things & PEOPLE)
    jobs = bool(target.things & _EMPLOYED)
    if noun & PEOPLE:  # "will employ 1,150 people": jobs
        return people or (jobs and bool(near & _EMPLOYING))
    if noun & _EMPLOYED:
        return jobs or target.verb in _EMPLOYED
    if noun:
        return people and bool(target.verb) and synonyms.holds(noun, target.verb)  # "14 injured"
    return any(synonyms.holds(near, stem) for stem in target.things | ({target.verb} - {""})) or (
        people and not target.verb
    )


def _stems_at(sentence: str, value: Value, rivals: Sequence[Value]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the stems that are nearer to this value than to any other of the sentence, and the rest."""
    near: set[str] = set()
    far: set[str] = set()
    for word in _WORD.finditer(sentence):
        if any(other.start <= word.start() < other.end for other in rivals):
            continue
        own = _distance(sentence, word, value)
        nearest = all(own <= _distance(sentence, word, other) for other in rivals if other is not value)
        (near if nearest and own <= _REACH else far).update(stemming.stems(word.group()))
    return frozenset(near), frozenset(far)


def _distance(sentence: str, word: re.Match[str], value: Value) -> int:
    between = sentence[word.end() : value.start] if word.start() < value.start else sentence[value.end : word.start()]
    return len(_WORD.findall(between)) + 3 * len(_CLAUSE_BREAK.findall(between)) + 6 * len(_OTHER_TIME.findall(between))


def _counted_noun(sentence: str, value: Value, found: Sequence[Value]) -> frozenset[str]:
    """Return the stems of the noun that follows a number, up to the first word that is not part of it."""
    named = re.search(r"(\w+), $", sentence[: value.start])
    if named and sentence.startswith(" of them", value.end):  # "the coins, 3,200 of them"
        return frozenset(stemming.stems(named[1]))
    stems: list[str] = []
    for word in _WORD.finditer(sentence, value.end):
        gap = sentence[value.end if not stems else word.start() - 1 : word.start()]
        stem = stemming.stems(word.group())
        taken = any(other.start <= word.start() < other.end for other in found)
        if gap.strip(" -") or not stem or taken or len(stems) == 3 or stem[0] in NEVER_COUNTED:
            break
        stems += stem
        if sentence[word.end() : word.end() + 1] in (",", ";", ".", ":", ")"):
            break
    return frozenset(stems)


def _has_stem(target: Target, stems: frozenset[str], stem: str) -> bool:
    employs = stem == target.verb and stem in _EMPLOYED and not stems.isdisjoint(_EMPLOYED)
    return employs or synonyms.holds(stems, stem)
