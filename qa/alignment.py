"""Lay a statement along one sentence, word by word. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from qa.facts import CLAIMING, Token


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where the words of a statement stand in a sentence, in the same order."""

    statement: Sequence[Token]
    sentence: Sequence[Token]
    places: tuple[int | None, ...]  # of each word of the statement
    back: dict[int, int]  # and the other way round

    def share(self) -> float:
        """Return the share of the statement's claiming words that have a place."""
        claiming = [place is not None for token, place in zip(self.statement, self.places, strict=True) if token.kind in CLAIMING]
        return sum(claiming) / len(claiming) if claiming else 1.0

    def slot(self, at: int) -> list[Token]:
        """Return the words that stand in the sentence where this word of the statement should."""
        before = next((self.places[i] for i in range(at - 1, -1, -1) if self.places[i] is not None), -1)
        after = next((p for p in self.places[at + 1 :] if p is not None), len(self.sentence))
        return list(self.sentence[(-1 if before is None else before) + 1 : after])

    def near(self, at: int) -> int:
        """Return how many of the six words around have a place."""
        return sum(place is not None for place in self.places[max(0, at - 3) : at + 4])

    def moved(self, at: int) -> int | None:
        """Return where a word without a place stands beside a neighbour that it has in the statement too."""
        own = self.statement[at].key
        for place, token in enumerate(self.sentence):
            if token.key == own and (self._meets(at, place, -1) or self._meets(at, place, 1)):
                return place
        return None

    def _meets(self, at: int, place: int, step: int) -> bool:
        here, there = at + step, place + step
        if not (0 <= here < len(self.statement) and 0 <= there < len(self.sentence)):
            return False
        return self.statement[here].key == self.sentence[there].key


def align(statement: Sequence[Token], sentence: Sequence[Token]) -> Alignment:
    """Match the longest common runs first, as a diff does."""
    matcher = SequenceMatcher(None, [one.key for one in sentence], [one.key for one in statement], autojunk=False)
    places: list[int | None] = [None] * len(statement)
    for block in matcher.get_matching_blocks():
        for step in range(block.size):
            places[block.b + step] = block.a + step
    return Alignment(statement, sentence, tuple(places), {p: i for i, p in enumerate(places) if p is not None})
