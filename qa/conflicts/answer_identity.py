"""Tell whether two short answers are one answer in other words, two answers that exclude each other, or neither. Pure.

"Smith" is "Mr John Smith", "IAEA" is its long form, "A" is part of "A and B". A town does not exclude its country, a
person not the body that the person heads, and a thing excludes another only where a list says so: a wolf is no lynx.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Literal

from qa.conflicts.single_answer import Asked
from qa.text import stemming
from qa.text.english import (
    ARTICLES,
    CAPITAL,
    CAPITALISED,
    CAUSES,
    COUNTRIES,
    EXCLUSIVE,
    MONTHS,
    NAME_TITLES,
    ORDINALS,
    ORGANISATION_WORDS,
    VENUE_WORDS,
    WEEKDAYS,
)

Relation = Literal["same", "different", "unclear"]
Families = tuple[tuple[str, ...], ...]

_ALIKE, _ALIKE_FIRST = 0.75, 0.5  # likeness in spelling of two names, and of two forms of a first name
_SHORTEST_WORD = 4  # letters of a name that two answers may have in common by chance
_NICKNAMES = frozenset(
    map(
        frozenset,
        (("bob", "robert"), ("dick", "richard"), ("ted", "edward"), ("tony", "anthony"), ("sasha", "alexander")),
    )
)
_SEPARATOR = re.compile(r"[,;/]| and | & | with | or ")
_NAME_WORD = re.compile(rf"(?:{CAPITALISED}|\b[{CAPITAL}]\b)")
_ORDINAL_FIGURE = re.compile(r"(\d{1,3})(?:st|nd|rd|th)")
_SMALL_WORDS = frozenset("of the and for in on de la du von van der al".split())
_NEVER_NAMES = (
    frozenset(name.lower() for name in (*WEEKDAYS, *MONTHS))
    | NAME_TITLES
    | ARTICLES
    | frozenset(
        "in on at near by it he she they we his her their its this that after mount north south east west".split()
    )
)
_OPENING_NOUNS = frozenset(
    "nobody none someone somebody everyone everybody people parliament congress staff management nature children women"
    " men fishermen firemen policemen".split()
)
_CLASS_WORDS = ORGANISATION_WORDS | VENUE_WORDS
_AT = re.compile(r"\b(?:at|on|outside|inside|in front of|behind) (?:the |an? )?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Item:
    """One name of an answer: "Ash" and "Berg" are two items of "Ash and Berg"."""

    names: tuple[str, ...]  # folded words, without titles and the words of the question
    words: tuple[str, ...]  # all of its words

    @property
    def is_body(self) -> bool:
        """Tell whether one of its words says that it is an organisation."""
        return not ORGANISATION_WORDS.isdisjoint(self.words)


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    """A short answer in a form that can be compared."""

    items: tuple[Item, ...]  # those with a name
    things: frozenset[tuple[int, int]]  # its families of exclusive things, and which of each
    order: int | None  # 2 for "second" and "2nd"
    venue: bool  # of a place: a building or a street

    @property
    def names(self) -> frozenset[str]:
        """Return the words of all its names."""
        return frozenset(word for item in self.items for word in item.names)


def read_answer(sentence: str, start: int, end: int, asked: Asked, question: Set[str], known: Set[str]) -> ShortAnswer:
    """Return the answer `sentence[start:end]`; `question` are the content words of the question.

    `known` are words that are names elsewhere: one that opens its sentence has a capital in any case.
    """
    given = question - asked.options
    items: list[Item] = []
    at = start
    for part in _SEPARATOR.split(sentence[start:end]):
        found = [
            word
            for match in _NAME_WORD.finditer(part)
            for word in stemming.words(match.group())
            if word not in _NEVER_NAMES and word not in given
        ]
        opens = at == start == 0 and len(found) == 1
        if found and not (opens and _may_be_noun(found[0]) and found[0] not in known | asked.options):
            items.append(Item(tuple(found), tuple(stemming.words(part))))
        at += len(part)
    words = stemming.words(sentence[start:end])
    before = _AT.search(sentence[:start]) or _AT.search(f"{' '.join(words[:1])} ")
    return ShortAnswer(
        tuple(items),
        members(frozenset(words), CAUSES if asked.kind == "cause" else EXCLUSIVE),
        next((number for word in words if (number := read_ordinal(word)) is not None), None),
        asked.kind == "place" and (before is not None or not VENUE_WORDS.isdisjoint(words)),
    )


def _may_be_noun(word: str) -> bool:
    """Tell whether the one word with a capital that opens a sentence may be no name: "Thieves", "Police"."""
    return word.endswith("s") or word in ORGANISATION_WORDS or word in _OPENING_NOUNS


def relate(a: ShortAnswer, b: ShortAnswer, asked: Asked) -> Relation:
    """Tell whether two answers are the same, exclude each other, or cannot be compared."""
    if asked.kind == "place in order":
        if a.order is None or b.order is None:
            return "unclear"
        return "same" if a.order == b.order else "different"
    if asked.kind == "cause" or not (a.items or b.items):
        return _relate_things(a.things, b.things)
    if not (a.items and b.items):
        return "unclear"  # a role and a name
    if any(_is_same(own, other) for own in a.items for other in b.items):
        return "same"
    return "different" if _is_comparable(a, b, asked) else "unclear"


def members(words: Set[str], families: Families) -> frozenset[tuple[int, int]]:
    """Return which members of which families are among the words."""
    table = _table(families)
    return frozenset(place for word in words for place in table.get(word, ()))


def exclude(a: Set[tuple[int, int]], b: Set[tuple[int, int]]) -> bool:
    """Tell whether two sets of members have a family in common, but no member of it."""
    shared = {family for family, _ in a} & {family for family, _ in b}
    return any(
        {member for family, member in a if family == of}.isdisjoint(member for family, member in b if family == of)
        for of in shared
    )


def read_ordinal(word: str) -> int | None:
    """Return 2 for "second" and "2nd"."""
    figure = _ORDINAL_FIGURE.fullmatch(word)
    return int(figure[1]) if figure else ORDINALS.get(word)


@lru_cache(maxsize=4)
def _table(families: Families) -> dict[str, tuple[tuple[int, int], ...]]:
    table: dict[str, tuple[tuple[int, int], ...]] = {}
    for family, groups in enumerate(families):
        for member, group in enumerate(groups):
            for word in group.split():
                table[word] = (*table.get(word, ()), (family, member))
    return table


def _relate_things(a: frozenset[tuple[int, int]], b: frozenset[tuple[int, int]]) -> Relation:
    if a & b:
        return "same"
    return "different" if exclude(a, b) else "unclear"


def _is_comparable(a: ShortAnswer, b: ShortAnswer, asked: Asked) -> bool:
    if asked.options:
        return a.names <= asked.options and b.names <= asked.options
    if asked.kind == "place":
        countries = [any(" ".join(item.names) in COUNTRIES for item in answer.items) for answer in (a, b)]
        return a.venue == b.venue and countries[0] == countries[1]
    return any(item.is_body for item in a.items) == any(item.is_body for item in b.items)


def _is_same(a: Item, b: Item) -> bool:
    """Tell whether two names can be one: prefers yes."""
    own, other = set(a.names), set(b.names)
    if own <= other or other <= own or _is_acronym(a, b) or _is_acronym(b, a):
        return True
    short, long = sorted((a.names, b.names), key=len)
    long_words = [word for word in short if len(word) >= _SHORTEST_WORD]
    if long_words and all(any(_likeness(word, match) >= _ALIKE for match in long) for word in long_words):
        return True
    common = own & other
    if (a.is_body or b.is_body) and any(word not in ORGANISATION_WORDS for word in common):
        return True  # "Foster", "Foster and Partners"
    family, other_family = ([word for word in item.names[1:] if word not in _CLASS_WORDS] for item in (a, b))
    later = any(_likeness(word, match) >= _ALIKE for word in family for match in other_family)
    return later and _is_first_name(a.names[0], b.names[0])


def _is_first_name(a: str, b: str) -> bool:
    return a[0] == b[0] or _likeness(a, b) >= _ALIKE_FIRST or frozenset((a, b)) in _NICKNAMES


def _is_acronym(short: Item, long: Item) -> bool:
    if len(short.names) != 1 or len(long.words) < 2:
        return False
    initials = {
        "".join(word[0] for word in words)
        for words in (long.names, long.words, [word for word in long.words if word not in _SMALL_WORDS])
    }
    return short.names[0] in initials


def _likeness(a: str, b: str) -> float:
    return SequenceMatcher(None, a, b, autojunk=False).ratio()
