"""Word alignment of a statement with one sentence, by a diff of their tokens. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from qa.verification.tokens import CLAIMING, Token


@dataclass(frozen=True, slots=True)
class Alignment:
    """Which words of a statement match which words of a sentence, in the same order."""

    statement: Sequence[Token]
    sentence: Sequence[Token]
    in_sentence: tuple[int | None, ...]  # the position in the sentence of each word of the statement
    in_statement: dict[int, int]  # and the other way round

    def matched_share(self) -> float:
        """Return the share of the statement's claiming words that have a match."""
        claiming = [
            position is not None
            for token, position in zip(self.statement, self.in_sentence, strict=True)
            if token.kind in CLAIMING
        ]
        return sum(claiming) / len(claiming) if claiming else 1.0

    def slot(self, at: int) -> list[Token]:
        """Return the words that the sentence has where this word of the statement should be."""
        before = next((self.in_sentence[i] for i in range(at - 1, -1, -1) if self.in_sentence[i] is not None), -1)
        after = next((p for p in self.in_sentence[at + 1 :] if p is not None), len(self.sentence))
        return list(self.sentence[(-1 if before is None else before) + 1 : after])

    def matches_around(self, at: int) -> int:
        """Return how many of this word and the six words around it have a match."""
        return sum(position is not None for position in self.in_sentence[max(0, at - 3) : at + 4])

    def is_moved(self, at: int) -> bool:
        """Tell whether an unmatched word is elsewhere in the sentence with a neighbour: "in" Moscow, "to" 9 percent.

        The other half of a name, or the unit of a number, does not count as such a neighbour.
        """
        own = self.statement[at].key
        return any(
            token.key == own
            and position not in self.in_statement
            and (self._has_same_neighbour(at, position, -1) or self._has_same_neighbour(at, position, 1))
            for position, token in enumerate(self.sentence)
        )

    def _has_same_neighbour(self, at: int, position: int, step: int) -> bool:
        here, there = at + step, position + step
        while 0 <= here < len(self.statement) and 0 <= there < len(self.sentence):
            neighbour = self.statement[here]
            if neighbour.key != self.sentence[there].key:
                return False
            if neighbour.kind not in ("name", "number", "unit", "month", "weekday"):
                return True
            here, there = here + step, there + step
        return False


def find_exchanged_names(alignment: Alignment, name_blind: Alignment) -> tuple[str, str] | None:
    """Return a name of the statement and the other name that the sentence has there, if all else is alike.

    Two names that changed places break a diff into pieces that each look like words moved about. An alignment that is
    blind to names matches more of the sentence, with the wrong name in each position.
    """
    if len(name_blind.in_statement) <= len(alignment.in_statement):
        return None
    for at, position in enumerate(name_blind.in_sentence):
        if position is not None and alignment.statement[at].kind == "name":
            stated, cited = _name_run(alignment.statement, at), _name_run(alignment.sentence, position)
            if not (
                {token.key for token in stated} <= {token.key for token in cited}
                or {token.key for token in cited} <= {token.key for token in stated}
            ):
                return " ".join(token.shown for token in stated), " ".join(token.shown for token in cited)
    return None


def _name_run(words: Sequence[Token], at: int) -> Sequence[Token]:
    """Return the adjacent names of which this one is a part."""
    start = end = at
    while start and words[start - 1].kind == "name":
        start -= 1
    while end < len(words) and words[end].kind == "name":
        end += 1
    return words[start:end]


def align(statement: Sequence[Token], sentence: Sequence[Token], *, name_blind: bool = False) -> Alignment:
    """Match the longest common runs first, as a diff does; a name-blind alignment takes any name for any other."""
    sentence_keys, statement_keys = (
        ["" if name_blind and token.kind == "name" else token.key for token in words] for words in (sentence, statement)
    )
    matcher = SequenceMatcher(None, sentence_keys, statement_keys, autojunk=False)
    in_sentence: list[int | None] = [None] * len(statement)
    for block in matcher.get_matching_blocks():
        for step in range(block.size):
            in_sentence[block.b + step] = block.a + step
    in_statement = {position: at for at, position in enumerate(in_sentence) if position is not None}
    return Alignment(statement, sentence, tuple(in_sentence), in_statement)
