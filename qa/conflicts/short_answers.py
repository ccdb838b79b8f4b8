"""Compare the short answers that the reader finds in the articles: names, places, places in order, causes. Pure.

Numbers and days are compared by rules (`claims`). A short answer is compared only for a question that has one
answer (`single_answer`), and two of them conflict only when neither can be the other in other words
(`answer_identity`) and both sentences are about one event.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import Literal

from qa.conflicts import synonyms
from qa.conflicts.answer_identity import ShortAnswer, exclude, members, read_answer, relate
from qa.conflicts.claims import RECENT_DAYS, SAID_ON, find_names, has_question_names
from qa.conflicts.single_answer import Asked, find_asked
from qa.conflicts.target import find_target, subject
from qa.conflicts.values import find_values
from qa.query.analysis import AnalysedQuestion, is_content_word
from qa.retrieval.sentence_ranker import Ranked
from qa.text import stemming
from qa.text.english import CAPITALISED, EVENT_MARKS, SMALL
from qa.types import Evidence

# -1.0 and .2 find 22 of 26 development cases instead of 18, but three contradictions in the news of 2022 that are none
# (docs/conflicts.md).
LEAST_LOGIT = 0.0
LEAST_SHARE = 0.35  # how sure the reader is of the ends of the answer
_CLOSE_LOGIT = 4.0  # how far below the best a sentence may be
_LONGEST = 12  # words of a short answer
# The share of the question's words that a sentence must have; more where no name identifies the story.
_COVERED, _COVERED_UNNAMED = 0.6, 0.8
_FROM_CONTEXT = 0.5  # what a word counts that is only in a sentence beside it
_QUOTED = 0.6  # the share of a quotation's words that both sentences must have
_IDENTIFYING = 4  # words of a question that identify its story without a name
_EVENT_DAYS = 21  # between two articles on one event: another star retires six weeks later
_STATE_DAYS = 7  # who leads, or where something is, changes sooner than what happened
_SAME_DAYS = 1  # an outlet that counts from another day

_CAUSAL = frozenset(stemming.stems("cause caused reason lead led trigger triggered spark sparked bring brought"))
_STATE = re.compile(r"\b(?:is|leads|heads|runs|holds|tops|currently|now)\b", re.IGNORECASE)
_CLAUSE_BREAK = re.compile(r"[;:—–]|,(?!\d)|\bbut\b")
_DENIED = re.compile(
    r"\b(?:not|never|no (?:evidence|sign|proof)|den(?:y|ies|ied)|wrongly|falsely|incorrectly|mistakenly|false|wrong"
    r"|contrary to|refut\w+|myth|rumou?rs?|rather than|instead of|unlikely)\b|n[’']t\b",
    re.IGNORECASE,
)
_UNSURE = re.compile(r"\b(?:[Ii]f|could|might|may|perhaps|possibly|suspect\w*|alleg\w*|whether|reportedly|believed)\b")
_REVISES = re.compile(
    r"\b(?:correction|corrected|clarification|instead|now|moved|replaced|revised|updated|changed|switched|no longer"
    r"|earlier (?:article|version|report)|we (?:said|reported|wrote))\b",
    re.IGNORECASE,
)
_QUOTATION = re.compile(r"[\"“][^\"“”]*[\"”]")
_INNER_NAME = re.compile(rf"(?<=[{SMALL},;] ){CAPITALISED}")


@dataclass(frozen=True, slots=True)
class AnswerClaim:
    """The short answer of one article."""

    answer: ShortAnswer
    shown: str  # as the article writes it
    evidence: Evidence
    logit: float

    @property
    def outlet(self) -> str:
        """Return the outlet that claims it."""
        return self.evidence.source.publisher

    @property
    def day(self) -> str:
        """Return the day of publication in ISO form, or an empty string."""
        return self.evidence.source.day

    @property
    def revises(self) -> bool:
        """Tell whether its sentence says that something has changed."""
        return _REVISES.search(self.evidence.text) is not None


@dataclass(frozen=True, slots=True)
class Compared:
    """Short answers that exclude each other, those of one side together."""

    about: str
    kind: Literal["contradiction", "update"]
    sides: tuple[tuple[AnswerClaim, ...], ...]


def compare(question: AnalysedQuestion, ranked: Ranked) -> Compared | None:
    """Return how the articles' short answers to the question differ, None when they do not or may all be true."""
    asked = find_asked(question)
    if asked is None or (asked.kind != "place" and find_target(question) is not None):
        return None
    claims = _find_claims(question, asked, ranked)
    sides: list[list[AnswerClaim]] = []
    for claim in claims:
        relations = [[_relate(claim, other, asked, question) for other in side] for side in sides]
        same = next((side for side, found in zip(sides, relations, strict=True) if "same" in found), None)
        if same is not None:
            same.append(claim)
        elif all(relation == "different" for found in relations for relation in found):
            sides.append([claim])
    kind = _kind_of(sides)
    return None if kind is None else Compared(f"{asked.kind}: {subject(question.text)}", kind, tuple(map(tuple, sides)))


def _find_claims(question: AnalysedQuestion, asked: Asked, ranked: Ranked) -> list[AnswerClaim]:
    """Return the best claim of each article, the likeliest first."""
    pairs = list(zip(ranked.evidence, ranked.features, strict=True))
    best = max((features.reading.logit for _, features in pairs if features.reading), default=0.0)
    known = {
        word for sentence, _ in pairs for name in _INNER_NAME.findall(sentence.text) for word in stemming.words(name)
    }
    question_words = set(filter(is_content_word, stemming.words(question.text)))
    claims: list[AnswerClaim] = []
    for sentence, features in pairs:
        reading = features.reading
        if reading is None or reading.logit < max(LEAST_LOGIT, best - _CLOSE_LOGIT) or reading.share < LEAST_SHARE:
            continue
        if features.loose or not has_question_names(question, sentence, features):
            continue
        shown = sentence.text[reading.start : reading.end].strip(' .,;:-–—"“”')
        if not 0 < len(shown.split()) <= _LONGEST or not _states(sentence.text, reading.start, reading.end):
            continue
        if not _covers(question, asked, sentence, shown):
            continue
        answer = read_answer(sentence.text, reading.start, reading.end, asked, question_words, known)
        claims.append(AnswerClaim(answer, shown, sentence, reading.logit))
    kept: list[AnswerClaim] = []
    printed: set[str] = set()
    for claim in sorted(claims, key=lambda claim: -claim.logit):
        source = claim.evidence.source
        if source.article_id not in printed:
            kept.append(claim)
            printed |= {source.article_id, *(reprint.article_id for reprint in claim.evidence.reprints)}
    return kept


def _states(sentence: str, start: int, end: int) -> bool:
    """Tell whether the clause around the answer states it, and does not deny or suppose it."""
    breaks = [match.start() for match in _CLAUSE_BREAK.finditer(sentence)]
    first = max((at for at in breaks if at < start), default=0)
    last = min((at for at in breaks if at >= end), default=len(sentence))
    clause = _QUOTATION.sub(" ", sentence[first:last])
    return not (_DENIED.search(clause) or _UNSURE.search(clause))


def _covers(question: AnalysedQuestion, asked: Asked, sentence: Evidence, shown: str) -> bool:
    """Tell whether the sentence has the question's words, so that its answer is one to the whole question."""
    own, around = stemming.stem_set(sentence.text), stemming.stem_set(sentence.context)
    if asked.quoted and len(asked.quoted & own) < _QUOTED * len(asked.quoted):
        return False
    content = set(question.stems) - set(question.names) - asked.form - stemming.stem_set(shown)
    if asked.kind == "cause":
        content -= _CAUSAL
    if len(content) + len(question.names) < 2:
        return False
    covered = sum(
        1.0 if _holds(question, own, stem) else _FROM_CONTEXT * _holds(question, around, stem) for stem in content
    )
    return covered >= (_COVERED if question.names else _COVERED_UNNAMED) * len(content)


def _holds(question: AnalysedQuestion, stems: set[str], stem: str) -> bool:
    return synonyms.holds(stems, stem) or not stems.isdisjoint(question.related.get(stem, ()))


def _relate(a: AnswerClaim, b: AnswerClaim, asked: Asked, question: AnalysedQuestion) -> str:
    """Relate two claims as their answers are related; "unclear" when they may be about two events."""
    relation = relate(a.answer, b.answer, asked)
    if relation != "different":
        return relation
    own = a.outlet == b.outlet
    if not asked.options and not own and (_mentions(a, b.answer) or _mentions(b, a.answer)):
        return "unclear"
    return "different" if _is_one_event(a, b, question) else "unclear"


def _mentions(claim: AnswerClaim, answer: ShortAnswer) -> bool:
    """Tell whether a claim's sentence, its neighbours or its title have the other answer too."""
    evidence = claim.evidence
    words = set(stemming.words(f"{evidence.source.title or ''} {evidence.context} {evidence.text}"))
    return any(words.issuperset(item.names) for item in answer.items)


def _is_one_event(a: AnswerClaim, b: AnswerClaim, question: AnalysedQuestion) -> bool:
    most = _STATE_DAYS if _STATE.search(question.text) else _EVENT_DAYS
    revised = a.revises or b.revises
    if a.day and b.day:
        apart = abs((date.fromisoformat(a.day) - date.fromisoformat(b.day)).days)
        if apart > (RECENT_DAYS if revised else most):
            return False
    marks, other_marks = (members(frozenset(stemming.words(_without(claim))), EVENT_MARKS) for claim in (a, b))
    if exclude(marks, other_marks) or _on_other_days(a, b):
        return False
    if question.names or len(question.stems) >= _IDENTIFYING:
        return True
    # Without a name in the question both articles must have another name in common.
    return bool((find_names(a.evidence) & find_names(b.evidence)) - set(question.stems))


def _without(claim: AnswerClaim) -> str:
    return claim.evidence.text.replace(claim.shown, " ")


def _on_other_days(a: AnswerClaim, b: AnswerClaim) -> bool:
    """Tell whether both sentences date what they report, on days of which none can be the same."""
    days, other_days = (
        [
            (value.low, value.high)
            for value in find_values(claim.evidence.text, claim.day or None)
            if value.measure == "date" and not SAID_ON.search(claim.evidence.text[: value.start])
        ]
        for claim in (a, b)
    )
    return bool(days and other_days) and not any(
        low <= other_high + _SAME_DAYS and other_low <= high + _SAME_DAYS
        for low, high in days
        for other_low, other_high in other_days
    )


def _kind_of(sides: Sequence[Sequence[AnswerClaim]]) -> Literal["contradiction", "update"] | None:
    """Distinguish a contradiction, of two outlets' latest claims, from an update by a later article."""
    claims = [(number, claim) for number, side in enumerate(sides) for claim in side]
    last: dict[str, str] = {}
    for _, claim in claims:
        last[claim.outlet] = max(last.get(claim.outlet, ""), claim.day)
    kind: Literal["update"] | None = None
    for (number, claim), (other_number, other) in combinations(claims, 2):
        if number == other_number:
            continue
        later = max(claim, other, key=lambda each: each.day)
        dated = bool(claim.day and other.day) and claim.day != other.day
        if (
            dated and later.revises
        ):  # an outlet's other name is mostly of another event, unless it says that it is newer
            kind = "update"
        elif claim.outlet != other.outlet and all(each.day == last[each.outlet] for each in (claim, other)):
            return "contradiction"
    return kind
