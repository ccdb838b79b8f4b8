"""Word alignment of a statement with one sentence, by a diff of their tokens. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from qa.verification.lexicon import NEUTRAL_SPEECH, PLACE_KEYS
from qa.verification.tokens import CLAIMING, Token


@dataclass(frozen=True, slots=True)
class Alignment:
    """Which words of a statement match which words of a sentence, in the same order."""

    statement: Sequence[Token]
    sentence: Sequence[Token]
    in_sentence: tuple[int | None, ...]  # the position in the sentence of each word of the statement
    in_statement: dict[int, int]  # and the other way round
    body: int = 0  # how many words of the sentence are its dateline, which nothing replaces

    def matched_share(self) -> float:
        """Return the share of the statement's claiming words that have a match."""
        claiming = [
            position is not None
            for token, position in zip(self.statement, self.in_sentence, strict=True)
            if token.kind in CLAIMING
        ]
        return sum(claiming) / len(claiming) if claiming else 1.0

    def slot(self, at: int) -> list[Token]:
        """Return the words that the sentence has where this word of the statement should be.

        Before the first match and after the last one these are no more words than the statement has there.
        """
        start, end, before, after = self._gap(at)
        if before is not None:
            return list(self.sentence[before + 1 : before + 1 + end - start if after is None else after])
        if after is not None:
            return list(self.sentence[max(self.body, after - (end - start)) : after])
        return list(self.sentence[self.body :])

    def open_end(self, at: int) -> list[Token]:
        """Return the words that the sentence has after its last match, where the word is after that too.

        For a word before the first match these are all its words: what begins a statement and is further on in the
        sentence is another subject, also where nothing had its place.
        """
        _, _, before, after = self._gap(at)
        if before is None:
            return list(self.sentence)
        return list(self.sentence[before + 1 :]) if after is None else []

    def _gap(self, at: int) -> tuple[int, int, int | None, int | None]:
        """Return where the unmatched words around a word begin and end, and the matches before and after them."""
        start = end = at
        while start and self.in_sentence[start - 1] is None:
            start -= 1
        while end < len(self.in_sentence) and self.in_sentence[end] is None:
            end += 1
        before = self.in_sentence[start - 1] if start else None
        return start, end, before, self.in_sentence[end] if end < len(self.in_sentence) else None

    def matches_around(self, at: int) -> int:
        """Return how many of this word and the six words around it have a match."""
        return sum(position is not None for position in self.in_sentence[max(0, at - 3) : at + 4])

    def claims_beside(self, at: int) -> set[int]:
        """Return which words that claim something, and are no names, are beside a matched word in both texts."""
        beside = set[int]()
        for step in (-1, 1):
            here, there = at, self.in_sentence[at]
            while there is not None and self._matches(here, there) and self.statement[here].kind in ("name", "filler"):
                here = _after_fillers(self.statement, here + step, step)
                there = _after_fillers(self.sentence, there + step, step)
            if there is not None and self._matches(here, there):
                beside.add(here)
        return beside

    def _matches(self, at: int, position: int) -> bool:
        return 0 <= at < len(self.statement) and self.in_sentence[at] == position

    def is_moved(self, at: int) -> bool:
        """Tell whether an unmatched word is elsewhere in the sentence with a neighbour: "in" Moscow, "to" 9 percent.

        The other half of a name, or the unit of a number, does not count as such a neighbour.
        """
        own = self.statement[at].key
        return any(
            token.key == own
            and position not in self.in_statement
            and (
                self._has_same_neighbour(at, position, -1)
                or self._has_same_neighbour(at, position, 1)
                or (token.kind == "word" and self._has_neighbour_across(at, position))
                or (token.kind == "name" and _speaks(self.statement, at) and _speaks(self.sentence, position))
            )
            for position, token in enumerate(self.sentence)
        )

    def _has_same_neighbour(self, at: int, position: int, step: int) -> bool:
        here, there = at + step, position + step
        if self.statement[at].kind == "word" and self._has_same_word_beyond(at, position, step):
            return True
        while 0 <= here < len(self.statement) and 0 <= there < len(self.sentence):
            neighbour = self.statement[here]
            if neighbour.key != self.sentence[there].key:
                return False
            if neighbour.kind not in ("name", "number", "unit", "month", "weekday"):
                return True
            here, there = here + step, there + step
        return False

    def _has_same_word_beyond(self, at: int, position: int, step: int) -> bool:
        """Tell whether the next word that is no filler is the same: "notice has been lifted", "notice was lifted"."""
        here, there = (
            _after_fillers(self.statement, at + step, step),
            _after_fillers(self.sentence, position + step, step),
        )
        if here < 0 or there < 0:
            return False
        own, other = self.statement[here], self.sentence[there]
        return own.kind == other.kind == "word" and own.key == other.key

    def _has_neighbour_across(self, at: int, position: int) -> bool:
        """Tell whether one text has "inactive accounts" and the other "accounts that are inactive"."""
        for step in (-1, 1):
            for words, here, others, there in (
                (self.statement, at, self.sentence, position),
                (self.sentence, position, self.statement, at),
            ):
                beside, across = here + step, _after_links(others, there - step, -step)
                if (
                    0 <= beside < len(words)
                    and across is not None
                    and words[beside].kind == others[across].kind == "word"
                    and words[beside].key == others[across].key
                ):
                    return True
        return False

    def is_object_made_subject(self, at: int) -> bool:
        """Tell whether the sentence says of somebody who did to the word what the statement says was done to it."""
        key, kind = self.statement[at].key, self.statement[at].kind
        verb = next(
            (
                place
                for place in range(at + 1, min(len(self.statement), at + 6))
                if self.statement[place].kind == "word" and self.in_sentence[place] is not None
            ),
            None,
        )
        if verb is None or not any(token.bare in PASSIVE for token in self.statement[at + 1 : verb]):
            return False
        position = self.in_sentence[verb] or 0
        if any(token.bare in PASSIVE for token in self.sentence[max(0, position - 3) : position]):
            return False
        for token in self.sentence[position + 1 : position + 1 + _OBJECT]:
            if token.key == key and token.kind == kind:
                return True
            origin = kind == "word" and token.key in PLACE_KEYS  # "the Chinese balloon"
            if token.kind not in ("word", "filler") and not origin:  # another is the object, or the word is denied
                return False
        return False


PASSIVE = frozenset("was were been being is are be".split())
_OBJECT = 5  # how far after its verb an object may be, in words
_LINKS = PASSIVE | frozenset("that which who whose has have had of".split())


def _after_fillers(words: Sequence[Token], at: int, step: int) -> int:
    """Return the next position whose word is no filler; -1 where there is none."""
    while 0 <= at < len(words) and words[at].kind == "filler":
        at += step
    return at if at < len(words) else -1


def _after_links(words: Sequence[Token], at: int, step: int) -> int | None:
    """Return the next position after words like "that are"; None where none of these is first."""
    start = at
    while 0 <= at < len(words) and words[at].bare in _LINKS:
        at += step
    return at if at != start and 0 <= at < len(words) else None


def _speaks(words: Sequence[Token], at: int) -> bool:
    """Tell whether the name is beside a word of speech that has no name on its other side."""
    for step in (-1, 1):
        place = at
        while 0 <= place < len(words) and words[place].kind == "name":
            if step > 0 and place > at and words[place].opens_sentence:
                return False
            place += step
        beyond = place + step
        if 0 <= place < len(words) and words[place].bare in NEUTRAL_SPEECH:
            return not 0 <= beyond < len(words) or words[beyond].kind != "name"
    return False


def find_exchanged_names(
    alignment: Alignment, name_blind: Alignment, all_cited: Sequence[Alignment]
) -> tuple[str, str, bool] | None:
    """Return a name of the statement, the other name that the sentence has there, and whether all else is alike.

    Two names that changed places break a diff into pieces that each look like words moved about. An alignment that is
    blind to names matches more of the sentence, with the wrong name in each position. It also pairs names that have
    nothing to do with each other, so a word beside the pair must match too; otherwise it is a hint that two sentences
    were made one. `all_cited` are the alignments with all cited sentences: a capital that opens the statement and is in
    none of them may be no name.
    """
    if len(name_blind.in_statement) <= len(alignment.in_statement):
        return None
    hint: tuple[str, str, bool] | None = None
    names = {token.key for each in all_cited for token in each.sentence if token.kind == "name"}
    for at, position in enumerate(name_blind.in_sentence):
        own = alignment.statement[at]
        if position is None or own.kind != "name" or (own.opens_sentence and own.key not in names):
            continue
        if _is_agent(alignment.sentence, own.key) and not _is_agent(alignment.statement, own.key):
            continue  # "dropped by Klee" made "Klee dropped"
        if alignment.is_object_made_subject(at):
            continue
        stated, cited = _name_run(alignment.statement, at), _name_run(alignment.sentence, position)
        stated_keys, cited_run_keys = ({token.key for token in run} for run in (stated, cited))
        if stated_keys <= cited_run_keys or cited_run_keys <= stated_keys:
            continue
        anchors, others = name_blind.claims_beside(at), [each for each in all_cited if each is not alignment]
        shown = " ".join(token.shown for token in stated), " ".join(token.shown for token in cited)
        if anchors and not any(anchors & each.claims_beside(at) for each in others):
            return *shown, True
        if others and not any(each.in_sentence[at] is not None for each in others if each.claims_beside(at)):
            hint = hint or (*shown, False)
    return hint


def _is_agent(words: Sequence[Token], name: str) -> bool:
    """Tell whether a name, by key, is after "by"; the other parts of the name may be between."""
    return any(
        token.bare == "by" and name in (part.key for part in _name_run(words, at + 1))
        for at, token in enumerate(words[:-1])
        if words[at + 1].kind == "name"
    )


def _name_run(words: Sequence[Token], at: int) -> Sequence[Token]:
    """Return the adjacent names of which this one is a part."""
    start = end = at
    while start and words[start - 1].kind == "name":
        start -= 1
    while end < len(words) and words[end].kind == "name":
        end += 1
    return words[start:end]


def align(
    statement: Sequence[Token], sentence: Sequence[Token], *, name_blind: bool = False, body: int = 0
) -> Alignment:
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
    return Alignment(statement, sentence, tuple(in_sentence), in_statement, body)
