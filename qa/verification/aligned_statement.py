"""A statement aligned with the sentences it cites: what the checks of `qa.verification.discrepancies` read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from qa.verification import lexicon
from qa.verification.alignment import Alignment
from qa.verification.tokens import CLAIMING, Token

NEAR_COPY = 0.6  # the share of matched words from which on a statement repeats its source: others are changed words


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One thing that a statement says and the cited text does not."""

    reason: str
    hard: bool  # it alone makes the statement unsupported
    word: str = ""  # the word or words of the statement that it is about


@dataclass(frozen=True, slots=True)
class Period:
    """A time phrase of a cited sentence and the days it means."""

    phrase: frozenset[str]  # keys
    first: date
    last: date


@dataclass(frozen=True)
class AlignedStatement:
    """A statement, word by word, aligned with each sentence it cites."""

    statement: Sequence[Token]
    alignments: Sequence[Alignment]
    name_blind: Sequence[Alignment]  # the same alignments, taking any name for any other
    context_keys: frozenset[str]  # of the words around the cited sentences, of titles and outlets
    publication_years: frozenset[str]  # their keys
    periods: Callable[[], Sequence[Period]]  # what the time phrases of the cited sentences mean

    @cached_property
    def cited_keys(self) -> frozenset[str]:
        """Return the keys of all cited words."""
        return frozenset(token.key for alignment in self.alignments for token in alignment.sentence)

    @cached_property
    def is_near_copy(self) -> bool:
        """Tell whether the statement repeats its sources nearly word for word, rather than retelling them."""
        claiming = [at for at, token in enumerate(self.statement) if token.kind in CLAIMING]
        words = [at for at in claiming if self.statement[at].kind == "word"]
        both = (*self.alignments, *self.name_blind)
        return any(
            sum(any(alignment.in_sentence[at] is not None for alignment in both) for at in positions)
            >= NEAR_COPY * len(positions)
            for positions in (claiming, words)  # a long name that was put in weighs no more than a short one
            if len(positions) >= min(3, len(claiming))
        )

    @cached_property
    def changes_voice(self) -> bool:
        """Tell whether an active sentence was made passive, or a passive one active, with its names in their roles."""
        return any(
            turned and stated == cited[::-1]
            for alignment in self.alignments
            for stated, cited, turned in role_pairs(alignment)
        )

    def is_matched(self, at: int) -> bool:
        """Tell whether a word has a match in a cited sentence."""
        return any(alignment.in_sentence[at] is not None for alignment in self.alignments)

    def is_matched_with_neighbour(self, at: int) -> bool:
        """Tell whether the word before or after matches the word beside this word's match."""
        return any(
            (at > 0 and position > 0 and alignment.in_sentence[at - 1] == position - 1)
            or (at + 1 < len(alignment.in_sentence) and alignment.in_sentence[at + 1] == position + 1)
            for alignment in self.alignments
            if (position := alignment.in_sentence[at]) is not None
        )

    def count_unmatched(self, at: int) -> int:
        """Return how many claiming words are in the run of unmatched words around this one."""
        start = end = at
        while start and not self.is_matched(start - 1):
            start -= 1
        while end < len(self.statement) and not self.is_matched(end):
            end += 1
        return sum(token.kind in CLAIMING for token in self.statement[start:end])

    def nearest(self, at: int) -> Alignment:
        """Return the alignment with the sentence that the words around come from."""
        return max(self.alignments, key=lambda alignment: (alignment.matches_around(at), alignment.matched_share()))

    def slot(self, at: int) -> list[Token]:
        """Return what its sentence has in place of the word; nothing where the statement is a retelling."""
        return self.nearest(at).slot(at) if self.is_near_copy else []

    def is_capitalised_in_source(self, key: str) -> bool:
        """Tell whether a cited word with this key has a capital: "the office" is no "Office"."""
        return any(
            token.key == key and token.shown[:1].isupper()
            for alignment in self.alignments
            for token in alignment.sentence
        )

    def is_moved(self, at: int) -> bool:
        """Tell whether the word is elsewhere in a cited sentence, beside one of its neighbours."""
        return any(alignment.is_moved(at) for alignment in self.alignments)


def without_attribution(words: Sequence[Token], outlets: Sequence[Sequence[Token]]) -> list[Token]:
    """Leave out "Reuters reported that" and "according to Reuters", where Reuters is the cited outlet."""
    attribution = set[int]()
    for at, token in enumerate(words):
        if token.bare in lexicon.SPEECH_WORDS:
            to = token.bare == "according" and at + 1 < len(words) and words[at + 1].bare == "to"
            for outlet in outlets:
                # By its letters, not by key: one key holds for "American" and for the USA of USA Today.
                name = [word.bare for word in outlet]
                for start in (at - len(name), at + 2 if to else at + 1):
                    if name and start >= 0 and [word.bare for word in words[start : start + len(name)]] == name:
                        attribution |= {at, *range(min(at, start), max(at + 1, start + len(name)))}
                        attribution |= (
                            {at + 1}
                            if start < at and words[at + 1 : at + 2] and words[at + 1].bare == "that"
                            else set()
                        )
    return [token for at, token in enumerate(words) if at not in attribution]


def words_of_kind(words: Sequence[Token], *kinds: str) -> str:
    """Return the words of the given kinds as text, to be shown in a reason."""
    return " ".join(token.shown for token in words if token.kind in kinds)


def role_pairs(alignment: Alignment) -> Iterator[tuple[tuple[str, str], tuple[str, str], bool]]:
    """Yield the names around each verb in the statement and in the sentence, and whether its voice was turned."""
    for at, token in enumerate(alignment.statement):
        for position, other in enumerate(alignment.sentence) if token.kind == "word" else ():
            stated, cited = _names_around(alignment.statement, at), _names_around(alignment.sentence, position)
            if other.key == token.key and all((*stated, *cited)) and stated[0] != stated[1]:
                yield stated, cited, _is_passive(alignment.statement, at) != _is_passive(alignment.sentence, position)


def _names_around(words: Sequence[Token], at: int) -> tuple[str, str]:
    before = next((token.key for token in reversed(words[max(0, at - 4) : at]) if token.kind == "name"), "")
    after = next((token.key for token in words[at + 1 : at + 5] if token.kind == "name"), "")
    return before, after


def _is_passive(words: Sequence[Token], at: int) -> bool:
    auxiliaries = ("was", "were", "been", "being", "is", "are", "be")
    has_auxiliary = any(token.bare in auxiliaries for token in words[max(0, at - 3) : at])
    return has_auxiliary and any(token.bare == "by" for token in words[at + 1 : at + 4])
