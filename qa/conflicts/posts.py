"""Posts and the people who hold them, where the question asks for one or the other. Pure.

Only what stands in apposition is read: "Ines Ash, the director of the authority" and "its director, Ines Ash". Who did
what is not compared: two articles that name two people are seldom at odds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from qa.query.analysis import Asked
from qa.retrieval.sentence_ranker import Ranked
from qa.text import stemming
from qa.text.english import CAPITAL, CAPITALISED, MARKS
from qa.types import Evidence

CLOSE = 0.4  # a sentence takes part when it scores this share of the best

_NAMED = rf"(?P<name>{CAPITALISED}(?: [{CAPITAL}][{MARKS}]*\.)*(?: {CAPITALISED}){{1,3}})"
_NAME = rf"(?:(?:Dr|Mr|Mrs|Ms|Prof|Sir|Dame)\.? )?{_NAMED}"
_OWNER = r"(?P<owner>the |its |their |his |her |(?:the |our )?[\w ]{1,30}['’]s )"
_POST = r"(?P<post>[a-z][a-z-]+(?: [a-z][a-z-]+){0,3}?)"
_OF = r"(?: (?:of|at|for) (?P<of>(?:the )?[\w’'& -]{2,50}))?"
_PATTERNS = (
    re.compile(rf"{_NAME}, {_OWNER}?{_POST}{_OF}(?=[,.;]|$)"),
    re.compile(rf"(?i:{_OWNER}){_POST}{_OF}, {_NAME}(?=[,.;]|$)"),
)
_ASKS_POST = re.compile(r"\bwhat\b[^?]*\b(?:post|job|role|position|title|office)\b", re.IGNORECASE)
_ASKS_HOLDER = re.compile(
    r"^\W*who(?: is|['’]s| was) (?:the )?(?P<post>[^?]+?)(?: (?:of|at|for|in) (?P<of>[^?]*))?\W*$", re.IGNORECASE
)
_QUESTION_NAME = re.compile(
    rf"\b(?:(?:Dr|Mr|Mrs|Ms|Prof|Sir|Dame)\.? {CAPITALISED}|{CAPITALISED}(?= {CAPITALISED}))(?: {CAPITALISED})*"
)
# A deputy is another post than the one deputised for; one who held it before is no rival.
_TITLE = re.compile(r"(?:Dr|Mr|Mrs|Ms|Prof|Sir|Dame)\.?")
_RANKS = frozenset("deputy vice assistant acting interim associate".split())
_PAST = frozenset("former then ex late previous new incoming outgoing".split())
_NO_POST = frozenset(
    "who which whose where and but with said says was is had has in on at to when while as from".split()
)
_SAME_LAST, _SAME_FIRST = 0.8, 0.5  # likeness of spelling


@dataclass(frozen=True, slots=True)
class Holder:
    """One person in one post, as one sentence says."""

    name: str
    post: str
    of: str  # the body it is a post of, as far as the sentence says
    evidence: Evidence


def posts(asked: Asked, ranked: Ranked) -> tuple[str, list[list[tuple[str, Evidence]]]] | None:
    """Return what is asked and its answers, sorted by which are the same; None when no post or holder is asked for."""
    best = max(one.score for one in ranked.evidence)
    near = [
        (one, features)
        for one, features in zip(ranked.evidence, ranked.features, strict=True)
        if one.score >= CLOSE * best and not features.loose
    ]
    name = _QUESTION_NAME.search(re.sub(r"['’]s\b", "", asked.question))
    if _ASKS_POST.search(asked.question) and name:
        found = [one for sentence, _ in near for one in _holders(sentence) if _same_person(one.name, name.group())]
        return f"post: {name.group()}", _grouped([(one.post, one.evidence) for one in found], _same_post)
    who = _ASKS_HOLDER.search(asked.question)
    if who and not any(letter.isupper() for letter in who["post"]):
        wanted = who["post"].removeprefix("current ")
        found = [
            one
            for sentence, features in near
            if features.named >= 1
            for one in _holders(sentence)
            if _same_post(one.post, wanted) and _same_body(one.of, who["of"] or "")
        ]
        return f"name: {wanted}", _grouped([(one.name, one.evidence) for one in found], _same_name)
    return None


def _holders(sentence: Evidence) -> Iterator[Holder]:
    for pattern in _PATTERNS:
        for found in pattern.finditer(sentence.text):
            words = found["post"].split()
            bare = not (found["owner"] or found["of"]) and not sentence.text.startswith(",", found.end("post"))
            if bare:  # "Ines Ash, faces questions."
                continue
            if _NO_POST.isdisjoint(words) and _PAST.isdisjoint(words):
                post = found["post"]
                of = found["of"] or ""
                # "head of archaeology" is one post; "director of the museum" is "director", and where.
                if of and of[0].islower() and not of.startswith("the "):
                    post = f"{post} of {of}"
                owner = (found["owner"] or "").lower()
                # "Norlund Ferries and its director": whose it is stands before.
                body = sentence.text[: found.start()] if owner.strip() in ("its", "their") else owner
                yield Holder(found["name"], post, f"{body}{of}", sentence)


def _same_person(found: str, wanted: str) -> bool:
    """Tell whether two names are one, a letter aside; "Ask" in "Ask Ines Ash" opens its sentence."""
    *first, last = found.split()
    given, family = wanted.split()[0], wanted.split()[-1]
    if _likeness(last, family) < _SAME_LAST:
        return False
    return _TITLE.fullmatch(given) is not None or any(_likeness(one, given) >= _SAME_FIRST for one in first)


def _likeness(a: str, b: str) -> float:
    return SequenceMatcher(None, stemming.fold(a), stemming.fold(b), autojunk=False).ratio()


def _same_post(a: str, b: str) -> bool:
    one, other = set(stemming.stems(a)), set(stemming.stems(b))
    ranks = set(stemming.stems(" ".join(_RANKS)))
    return (one & ranks) == (other & ranks) and (one <= other or other <= one)


def _same_body(found: str, wanted: str) -> bool:
    """Tell whether a post is one of the body that is asked about: some word of it must stand there."""
    return not wanted or bool(
        set(stemming.stems(found)) & (set(stemming.stems(wanted)) - set(stemming.stems("the of and for")))
    )


def _same_name(a: str, b: str) -> bool:
    one, other = set(stemming.words(a)), set(stemming.words(b))
    return one <= other or other <= one or (a.split()[-1] == b.split()[-1] and a[0] == b[0])


def _grouped(
    found: Sequence[tuple[str, Evidence]], same: Callable[[str, str], bool]
) -> list[list[tuple[str, Evidence]]]:
    groups: list[list[tuple[str, Evidence]]] = []
    for value, evidence in found:
        place = next((group for group in groups if same(group[0][0], value)), None)
        if place is None:
            groups.append([(value, evidence)])
        else:
            place.append((value, evidence))
    return groups
