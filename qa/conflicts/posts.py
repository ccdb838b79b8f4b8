"""Find who holds which post, where the question asks for the post or for its holder. Pure.

Only appositions are read: "Ines Ash, the director of the authority" and "its director, Ines Ash". Who did what is not
compared: two articles that name two people seldom contradict each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from qa.query.analysis import AnalysedQuestion
from qa.retrieval.sentence_ranker import Ranked
from qa.text import stemming
from qa.text.english import CAPITAL, CAPITALISED, MARKS
from qa.types import Evidence

CLOSE = 0.4  # a sentence is read when it scores this share of the best

_BARE_NAME = rf"(?P<name>{CAPITALISED}(?: [{CAPITAL}][{MARKS}]*\.)*(?: {CAPITALISED}){{1,3}})"
_NAME = rf"(?:(?:Dr|Mr|Mrs|Ms|Prof|Sir|Dame)\.? )?{_BARE_NAME}"
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
_TITLE = re.compile(r"(?:Dr|Mr|Mrs|Ms|Prof|Sir|Dame)\.?")
# A deputy has another post than the one deputised for; a former holder is no rival.
_RANKS = frozenset("deputy vice assistant acting interim associate".split())
_PAST = frozenset("former then ex late previous new incoming outgoing".split())
_NEVER_IN_POST = frozenset(
    "who which whose where and but with said says was is had has in on at to when while as from".split()
)
_SAME_LAST, _SAME_FIRST = 0.8, 0.5  # likeness of spelling


@dataclass(frozen=True, slots=True)
class Holder:
    """One person in one post, as one sentence states it."""

    name: str
    post: str
    of: str  # the body that the post is in, as far as the sentence names it
    evidence: Evidence


def find_posts(question: AnalysedQuestion, ranked: Ranked) -> tuple[str, list[list[tuple[str, Evidence]]]] | None:
    """Return what the question asks for and its answers, grouped; None when it asks for no post and no holder."""
    best = max(sentence.score for sentence in ranked.evidence)
    close = [
        (sentence, features)
        for sentence, features in zip(ranked.evidence, ranked.features, strict=True)
        if sentence.score >= CLOSE * best and not features.loose
    ]
    name = _QUESTION_NAME.search(re.sub(r"['’]s\b", "", question.text))
    if _ASKS_POST.search(question.text) and name:
        holders = [
            holder
            for sentence, _ in close
            for holder in _find_holders(sentence)
            if _is_same_person(holder.name, name.group())
        ]
        return f"post: {name.group()}", _group([(holder.post, holder.evidence) for holder in holders], _is_same_post)
    asks_holder = _ASKS_HOLDER.search(question.text)
    if asks_holder and not any(letter.isupper() for letter in asks_holder["post"]):
        post = asks_holder["post"].removeprefix("current ")
        holders = [
            holder
            for sentence, features in close
            if features.named >= 1
            for holder in _find_holders(sentence)
            if _is_same_post(holder.post, post) and _is_same_body(holder.of, asks_holder["of"] or "")
        ]
        return f"name: {post}", _group([(holder.name, holder.evidence) for holder in holders], _is_same_name)
    return None


def _find_holders(sentence: Evidence) -> Iterator[Holder]:
    for pattern in _PATTERNS:
        for match in pattern.finditer(sentence.text):
            words = match["post"].split()
            bare = not (match["owner"] or match["of"]) and not sentence.text.startswith(",", match.end("post"))
            if bare:  # "Ines Ash, faces questions."
                continue
            if _NEVER_IN_POST.isdisjoint(words) and _PAST.isdisjoint(words):
                post = match["post"]
                of = match["of"] or ""
                # "head of archaeology" is one post; "director of the museum" is "director", and where.
                if of and of[0].islower() and not of.startswith("the "):
                    post = f"{post} of {of}"
                owner = (match["owner"] or "").lower()
                # "Norlund Ferries and its director": the body is named before.
                body = sentence.text[: match.start()] if owner.strip() in ("its", "their") else owner
                yield Holder(match["name"], post, f"{body}{of}", sentence)


def _is_same_person(stated: str, asked_for: str) -> bool:
    """Tell whether two names are the same but for a letter; "Ask" in "Ask Ines Ash" begins its sentence."""
    *first, last = stated.split()
    given, family = asked_for.split()[0], asked_for.split()[-1]
    if _similarity(last, family) < _SAME_LAST:
        return False
    return _TITLE.fullmatch(given) is not None or any(_similarity(word, given) >= _SAME_FIRST for word in first)


def _similarity(a: str, b: str) -> float:
    return SequenceMatcher(None, stemming.fold(a), stemming.fold(b), autojunk=False).ratio()


def _is_same_post(a: str, b: str) -> bool:
    words, other_words = set(stemming.stems(a)), set(stemming.stems(b))
    ranks = set(stemming.stems(" ".join(_RANKS)))
    return (words & ranks) == (other_words & ranks) and (words <= other_words or other_words <= words)


def _is_same_body(stated: str, asked_for: str) -> bool:
    """Tell whether a post is in the body that the question names: they must share a word."""
    return not asked_for or bool(
        set(stemming.stems(stated)) & (set(stemming.stems(asked_for)) - set(stemming.stems("the of and for")))
    )


def _is_same_name(a: str, b: str) -> bool:
    words, other_words = set(stemming.words(a)), set(stemming.words(b))
    return words <= other_words or other_words <= words or (a.split()[-1] == b.split()[-1] and a[0] == b[0])


def _group(
    values: Sequence[tuple[str, Evidence]], same: Callable[[str, str], bool]
) -> list[list[tuple[str, Evidence]]]:
    groups: list[list[tuple[str, Evidence]]] = []
    for value, evidence in values:
        group_of_value = next((group for group in groups if same(group[0][0], value)), None)
        if group_of_value is None:
            groups.append([(value, evidence)])
        else:
            group_of_value.append((value, evidence))
    return groups
