"""A statement read beside one cited sentence, and the grammar that both are read with. Pure.

There is no parser: clauses are told by their conjunctions, commas and auxiliaries. What is not clear is no discrepancy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from qa.text import english, stemming
from qa.verification.aligned_statement import AlignedStatement
from qa.verification.alignment import Alignment
from qa.verification.tokens import CLAIMING, Token


def lexicon(words: str) -> frozenset[str]:
    """Return the words of a list."""
    return frozenset(words.split())


def stem_lexicon(words: str) -> frozenset[str]:
    """Return the stems of a list, which are the keys of all forms of its words."""
    return frozenset(stemming.stems(words))


COORDINATORS = lexicon("and or but nor yet")
SUBORDINATORS = lexicon(
    "while whereas as after before because so though although when since until till if unless once whenever wherever"
    " than where"
)
RELATIVES = lexicon("who whom whose which that what")
CONNECTORS = COORDINATORS | SUBORDINATORS
PREPOSITIONS = lexicon(
    "about above across after against ahead along alongside amid among around at away before behind below beneath"
    " beside besides between beyond by despite down during for from in inside into like near of off on onto opposite"
    " out outside over past per round since through throughout to toward towards under underneath until till unlike"
    " up upon via with within without"
)
_PHRASE_ENDS = CONNECTORS | PREPOSITIONS | RELATIVES
BE = lexicon("is are was were be been being am")
HAVE = lexicon("has have had having")
AUXILIARIES = BE | HAVE | lexicon("do does did will would shall should can could may might must ought")
_NO_VERBS = lexicon(
    "hundred shed bed sled seed need speed indeed breed deed feed weed reed creed greed sacred naked wicked united"
)
_PLAIN_VERBS = lexicon(  # past forms that are also the base form, or that the list of irregular verbs lacks
    "cut hit put set let shut quit spread burst cost hurt split beat broke blew froze felt left read withdrew"
    " withdrawn undertook overcame arose arisen bred bled clung crept dug fed flung knelt leapt lit slid slung spun"
    " sprang stuck stung strode strove swung wept woke woven wove wrung forbade forbidden foresaw forgave forgiven"
    " mistook overthrew overthrown upheld withheld withstood rebuilt resold undid redid rewrote lain bent learnt"
    " dreamt dealt sped fled"
)
_IRREGULAR_BASES = frozenset(english.IRREGULAR_VERBS.values())


@dataclass(frozen=True)
class Reading:
    """A statement and one of the sentences it cites."""

    aligned: AlignedStatement
    alignment: Alignment

    @property
    def sentence(self) -> Sequence[Token]:
        """Return the words of the cited sentence."""
        return self.alignment.sentence

    @property
    def statement(self) -> Sequence[Token]:
        """Return the words of the statement."""
        return self.alignment.statement

    @cached_property
    def stated_keys(self) -> frozenset[str]:
        """Return the keys of the statement's words."""
        return frozenset(token.key for token in self.statement)

    @cached_property
    def sentence_keys(self) -> frozenset[str]:
        """Return the keys of the sentence's words."""
        return frozenset(token.key for token in self.sentence)

    @cached_property
    def moved_keys(self) -> frozenset[str]:
        """Return the keys of the statement's words that have no match in this sentence."""
        pairs = zip(self.statement, self.alignment.in_sentence, strict=True)
        return frozenset(token.key for token, position in pairs if position is None)

    def is_kept(self, position: int) -> bool:
        """Tell whether the statement has the word of the sentence, in its place or moved."""
        return position in self.alignment.in_statement or self.sentence[position].key in self.moved_keys

    def place(self, position: int) -> int | None:
        """Return where the statement has the word of the sentence, if it took the word from this sentence."""
        at = self.alignment.in_statement.get(position)
        return at if at is not None and self.is_source_of(at) else None

    def is_source_of(self, at: int) -> bool:
        """Tell whether the words around this one of the statement come from this sentence, not from another"
        " cited one."""
        return len(self.aligned.alignments) == 1 or self.alignment is max(
            self.aligned.alignments,
            key=lambda other: (other.matches_around(at), other.matched_share(), _count_neighbours(other)),
        )

    def added_before(self, at: int, reach: int) -> list[Token]:
        """Return the words before this one of the statement, so many at most, that are not the sentence's."""
        return [
            self.statement[step] for step in range(max(0, at - reach), at) if self.alignment.in_sentence[step] is None
        ]


def _count_neighbours(alignment: Alignment) -> int:
    """Return how many neighbours of the statement are neighbours in the sentence too."""
    return sum(second is not None and first == second - 1 for first, second in pairwise(alignment.in_sentence))


def is_claiming(token: Token) -> bool:
    """Tell whether a word claims something: it is no function word."""
    return token.kind in CLAIMING


def is_noun_like(token: Token) -> bool:
    """Tell whether a word may be the noun of a phrase: a name, or a word that is no verb by its form."""
    return token.kind in ("name", "unit") or (token.kind == "word" and not is_verb_like(token))


def is_verb_like(token: Token) -> bool:
    """Tell whether a word looks like a finite verb or participle."""
    bare = token.bare
    if bare in AUXILIARIES or token.kind == "modal":
        return True
    if token.kind not in ("word", "denial", "filler") or (token.shown[:1].isupper() and not token.opens_sentence):
        return False
    if bare in english.IRREGULAR_VERBS or bare in _PLAIN_VERBS:
        return not token.after_article
    if bare.endswith("s") and bare[:-1] in _IRREGULAR_BASES:
        return not token.after_article
    return bare.endswith("ed") and len(bare) > 3 and bare not in _NO_VERBS and not token.after_article


def clause_end(words: Sequence[Token], start: int, reach: int = 40) -> int:
    """Return where the clause that begins here ends: before a break, a conjunction or the end."""
    for position in range(start, min(len(words), start + reach)):
        token = words[position]
        if position > start and (token.after_break or token.bare in COORDINATORS or token.bare in SUBORDINATORS):
            return position
    return min(len(words), start + reach)


def phrase_end(words: Sequence[Token], start: int) -> int:
    """Return where the noun phrase that begins here ends: before a preposition, a verb, a break or a conjunction."""
    position = start
    while position < len(words):
        token = words[position]
        if position > start and (
            token.after_break
            or token.bare in _PHRASE_ENDS
            or is_verb_like(token)
            or (token.bare in ("close", "next", "according", "due", "prior") and _precedes_to(words, position))
        ):
            break
        position += 1
    return position


def _precedes_to(words: Sequence[Token], position: int) -> bool:
    return position + 1 < len(words) and words[position + 1].bare == "to"
