"""Lay a statement along one sentence, word by word. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from qa.verification.tokens import CLAIMING, Token


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where the words of a statement stand in a sentence, in the same order."""

    statement: Sequence[Token]
    sentence: Sequence[Token]
    places: tuple[int | None, ...]  # of each word of the statement
    back: dict[int, int]  # and the other way round

    def share(self) -> float:
        """Return the share of the statement's claiming words that have a place."""
        claiming = [
            place is not None
            for token, place in zip(self.statement, self.places, strict=True)
            if token.kind in CLAIMING
        ]
        return sum(claiming) / len(claiming) if claiming else 1.0

    def slot(self, at: int) -> list[Token]:
        """Return the words that stand in the sentence where this word of the statement should."""
        before = next((self.places[i] for i in range(at - 1, -1, -1) if self.places[i] is not None), -1)
        after = next((p for p in self.places[at + 1 :] if p is not None), len(self.sentence))
        return list(self.sentence[(-1 if before is None else before) + 1 : after])

    def near(self, at: int) -> int:
        """Return how many of the six words around have a place."""
        return sum(place is not None for place in self.places[max(0, at - 3) : at + 4])

    def moved(self, at: int) -> bool:
        """Tell whether a word without a place stands elsewhere with what ties it in: "in" Moscow, "to" 9 percent.

        The other half of a name, or the unit of a number, ties nothing in.
        """
        own = self.statement[at].key
        return any(
            token.key == own and place not in self.back and (self._tied(at, place, -1) or self._tied(at, place, 1))
            for place, token in enumerate(self.sentence)
        )

    def _tied(self, at: int, place: int, step: int) -> bool:
        here, there = at + step, place + step
        while 0 <= here < len(self.statement) and 0 <= there < len(self.sentence):
            mine = self.statement[here]
            if mine.key != self.sentence[there].key:
                return False
            if mine.kind not in ("name", "number", "unit", "month", "weekday"):
                return True
            here, there = here + step, there + step
        return False


def exchanged(seeing: Alignment, blind: Alignment) -> tuple[str, str] | None:
    """Return a name and the other that stands in its place, where the statement is otherwise the sentence.

    Two names that changed places break a diff into pieces that each look like words moved about. Blind to names, it
    finds more of the sentence again, with the wrong name in each place.
    """
    if len(blind.back) <= len(seeing.back):
        return None
    for at, place in enumerate(blind.places):
        if place is not None and seeing.statement[at].kind == "name":
            mine, theirs = _run(seeing.statement, at), _run(seeing.sentence, place)
            if not (
                {one.key for one in mine} <= {one.key for one in theirs}
                or {one.key for one in theirs} <= {one.key for one in mine}
            ):
                return " ".join(one.shown for one in mine), " ".join(one.shown for one in theirs)
    return None


def _run(words: Sequence[Token], at: int) -> Sequence[Token]:
    """Return the names that stand together here."""
    start = end = at
    while start and words[start - 1].kind == "name":
        start -= 1
    while end < len(words) and words[end].kind == "name":
        end += 1
    return words[start:end]


def align(statement: Sequence[Token], sentence: Sequence[Token], *, blind: bool = False) -> Alignment:
    """Match the longest common runs first, as a diff does; a blind alignment takes any name for any other."""
    theirs, mine = (
        ["" if blind and one.kind == "name" else one.key for one in words] for words in (sentence, statement)
    )
    matcher = SequenceMatcher(None, theirs, mine, autojunk=False)
    places: list[int | None] = [None] * len(statement)
    for block in matcher.get_matching_blocks():
        for step in range(block.size):
            places[block.b + step] = block.a + step
    return Alignment(statement, sentence, tuple(places), {p: i for i, p in enumerate(places) if p is not None})
