"""A statement laid along the sentences it cites: what the checks of `qa.verification.discrepancies` read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from qa.verification import lexicon
from qa.verification.alignment import Alignment
from qa.verification.tokens import CLAIMING, Token

CLOSE = 0.6  # from here on a statement repeats its source, and a word in another's place is a changed word


@dataclass(frozen=True, slots=True)
class Departure:
    """One thing that a statement says otherwise."""

    reason: str
    hard: bool
    shown: str = ""  # the word it is about


@dataclass(frozen=True, slots=True)
class Period:
    """A time phrase of a cited sentence and the days it means."""

    phrase: frozenset[str]  # keys
    first: date
    last: date


@dataclass(frozen=True)
class Case:
    """A statement beside what it cites."""

    statement: Sequence[Token]
    alignments: Sequence[Alignment]
    blind: Sequence[Alignment]  # the same, with any name for any other
    near: frozenset[str]  # keys of the words around the cited sentences, of titles and outlets
    days: frozenset[str]  # keys of the years of publication
    periods: Callable[[], Sequence[Period]]  # what the time phrases of the cited sentences mean

    @cached_property
    def keys(self) -> frozenset[str]:
        """Return the keys of all cited words."""
        return frozenset(token.key for one in self.alignments for token in one.sentence)

    @cached_property
    def close(self) -> bool:
        """Tell whether the statement repeats its sources rather than retells them."""
        claiming = [at for at, token in enumerate(self.statement) if token.kind in CLAIMING]
        words = [at for at in claiming if self.statement[at].kind == "word"]
        return any(
            sum(any(one.places[at] is not None for one in (*self.alignments, *self.blind)) for at in some)
            >= CLOSE * len(some)
            for some in (claiming, words)  # a long name that was put in weighs no more than a short one
            if len(some) >= min(3, len(claiming))
        )

    @cached_property
    def turned(self) -> bool:
        """Tell whether an active sentence was made passive, or a passive one active, with its names in their roles."""
        return any(
            turned and mine == theirs[::-1] for one in self.alignments for mine, theirs, turned in role_pairs(one)
        )

    def placed(self, at: int) -> bool:
        """Tell whether a word has its place in a cited sentence."""
        return any(one.places[at] is not None for one in self.alignments)

    def embedded(self, at: int) -> bool:
        """Tell whether the word before or behind has its place beside the word's place."""
        return any(
            (at > 0 and place > 0 and one.places[at - 1] == place - 1)
            or (at + 1 < len(one.places) and one.places[at + 1] == place + 1)
            for one in self.alignments
            if (place := one.places[at]) is not None
        )

    def strange(self, at: int) -> int:
        """Return how many claiming words without a place stand together here."""
        start = end = at
        while start and not self.placed(start - 1):
            start -= 1
        while end < len(self.statement) and not self.placed(end):
            end += 1
        return sum(token.kind in CLAIMING for token in self.statement[start:end])

    def home(self, at: int) -> Alignment:
        """Return the sentence that the words around come from."""
        return max(self.alignments, key=lambda one: (one.near(at), one.share()))

    def slot(self, at: int) -> list[Token]:
        """Return what its sentence says in the word's stead; nothing where the statement is no repetition."""
        return self.home(at).slot(at) if self.close else []

    def named_somewhere(self, key: str) -> bool:
        """Tell whether a cited word with this key has a capital: "the office" is no "Office"."""
        return any(token.key == key and token.shown[:1].isupper() for one in self.alignments for token in one.sentence)

    def moved(self, at: int) -> bool:
        """Tell whether the word stands elsewhere beside one of its neighbours."""
        return any(one.moved(at) for one in self.alignments)


def without_outlet(words: Sequence[Token], outlets: Sequence[Sequence[Token]]) -> list[Token]:
    """Leave out "Reuters reported that" and "according to Reuters", where Reuters is whom we cite."""
    out = set[int]()
    for at, token in enumerate(words):
        if token.bare in lexicon.SPEAKING:
            to = token.bare == "according" and at + 1 < len(words) and words[at + 1].bare == "to"
            for outlet in outlets:
                # As it stands, not by key: one key holds for "American" and for the USA of USA Today.
                own = [one.bare for one in outlet]
                for start in (at - len(own), at + 2 if to else at + 1):
                    if own and start >= 0 and [one.bare for one in words[start : start + len(own)]] == own:
                        out |= {at, *range(min(at, start), max(at + 1, start + len(own)))}
                        out |= (
                            {at + 1}
                            if start < at and words[at + 1 : at + 2] and words[at + 1].bare == "that"
                            else set()
                        )
    return [token for at, token in enumerate(words) if at not in out]


def named(slot: Sequence[Token], *kinds: str) -> str:
    """Return the words of the given kinds, for a reason to show."""
    return " ".join(token.shown for token in slot if token.kind in kinds)


def role_pairs(one: Alignment) -> Iterator[tuple[tuple[str, str], tuple[str, str], bool]]:
    """Yield the names around each verb in the statement and in the sentence, and whether its voice was turned."""
    for at, token in enumerate(one.statement):
        for place, other in enumerate(one.sentence) if token.kind == "word" else ():
            mine, theirs = _sides(one.statement, at), _sides(one.sentence, place)
            if other.key == token.key and all((*mine, *theirs)) and mine[0] != mine[1]:
                yield mine, theirs, _passive(one.statement, at) != _passive(one.sentence, place)


def _sides(words: Sequence[Token], at: int) -> tuple[str, str]:
    before = next((one.key for one in reversed(words[max(0, at - 4) : at]) if one.kind == "name"), "")
    after = next((one.key for one in words[at + 1 : at + 5] if one.kind == "name"), "")
    return before, after


def _passive(words: Sequence[Token], at: int) -> bool:
    helped = any(one.bare in ("was", "were", "been", "being", "is", "are", "be") for one in words[max(0, at - 3) : at])
    return helped and any(one.bare == "by" for one in words[at + 1 : at + 4])
