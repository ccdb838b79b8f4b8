"""A statement aligned with the sentences it cites: what the checks of `qa.verification.discrepancies` read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import pairwise

from qa.text.english import NAME_TITLES
from qa.verification import lexicon
from qa.verification.alignment import PASSIVE, Alignment
from qa.verification.tokens import CLAIMING, Token

_BETWEEN = ("first", "also", "later", "initially", "earlier", "previously", "has", "had")  # "Reuters first reported"
_SCOPE = 4  # as in wording_checks: how far after its "no" the denied word may be
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


@dataclass(frozen=True, slots=True)
class Outlet:
    """A cited outlet by one of its names, and the keys of the day of the cited article: its month, day and year."""

    name: Sequence[Token]
    day: frozenset[str]


@dataclass(frozen=True, slots=True)
class ArticleContext:
    """The words around cited sentences."""

    beside: Sequence[Sequence[Token]]  # neighbouring sentences and titles
    outlets: Sequence[Outlet]
    article: Callable[[], Sequence[Sequence[Token]]]  # of the articles as much as is known

    def first_names(self, last: str) -> frozenset[str]:
        """Return the names that stand directly before a last name, all by key: of "Ms Moss" that of Vera Moss."""
        found = set[str]()
        for words in (*self.beside, *self.article()):
            for before, name in pairwise(words):
                if name.key == last and name.kind == before.kind == "name" and _may_be_first_name(before):
                    found.add(before.key)
        return frozenset(found)

    def measures(self, number: str, unit: str) -> bool:
        """Tell whether a number has this unit in a text beside, both by key; a word may be between them."""
        return any(
            here.key == number and unit in (there.key for there in words[at + 1 : at + 3])
            for words in self.beside
            for at, here in enumerate(words)
        )

    def denies(self, key: str) -> bool:
        """Tell whether a text beside denies the word with this key: "no deaths"."""
        for words in self.beside:
            for at, token in enumerate(words):
                if token.kind == "negation":
                    denied = next((word.key for word in words[at + 1 : at + 1 + _SCOPE] if word.kind in CLAIMING), None)
                    if denied == key:
                        return True
        return False

    def names_outlet(self, words: Sequence[Token], at: int) -> int | None:
        """Return where the name of a cited outlet ends that this word is part of."""
        for outlet in self.outlets:
            name = [token.bare for token in outlet.name]
            for start in range(max(0, at - len(name) + 1), at + 1):
                if name and [token.bare for token in words[start : start + len(name)]] == name:
                    return start + len(name)
        return None


def _is_name(token: Token, key: str) -> bool:
    return token.key == key and token.kind == "name" and not token.opens_sentence


def _may_be_first_name(token: Token) -> bool:
    """Tell whether a name before another one may be a first name: not "Minister", "Russian" or "CEO"."""
    is_acronym = len(token.shown) > 1 and token.shown.isupper()
    return not is_acronym and token.bare not in NAME_TITLES and token.key not in lexicon.PLACE_KEYS


@dataclass(frozen=True)
class AlignedStatement:
    """A statement, word by word, aligned with each sentence it cites."""

    statement: Sequence[Token]
    alignments: Sequence[Alignment]
    name_blind: Sequence[Alignment]  # the same alignments, taking any name for any other
    context_keys: frozenset[str]  # of the words around the cited sentences, of titles and outlets
    publication_years: frozenset[str]  # their keys
    periods: Callable[[], Sequence[Period]]  # what the time phrases of the cited sentences mean
    around: ArticleContext

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

    def open_end(self, at: int) -> list[Token]:
        """Return all that its sentence has before its first match or after its last one, if the word is there."""
        return self.nearest(at).open_end(at) if self.is_near_copy else []

    def is_common_word(self, own: Token) -> bool:
        """Tell whether a word has its capital only because it begins a sentence: no name, also before "said".

        It is a frequent word, or the articles have it without a capital and never as a name.
        """
        if not own.opens_sentence or own.kind != "name":
            return False
        cited = [alignment.sentence for alignment in self.alignments]
        if own.bare in lexicon.COMMON_OPENERS or own.bare.endswith(lexicon.NOUN_ENDINGS):
            return not any(_is_name(token, own.key) for words in cited for token in words)
        same = [
            token
            for words in (*cited, *self.around.beside, *self.around.article())
            for token in words
            if token.key == own.key
        ]
        return any(token.kind == "word" for token in same) and not any(_is_name(token, own.key) for token in same)

    def is_giving_outlet(self, at: int) -> bool:
        """Tell whether the name is the cited outlet's, which "put" or "gave" something that nobody in the text did."""
        end = self.around.names_outlet(self.statement, at)
        verbs = () if end is None else self.statement[end : end + 2]
        return any(token.bare in lexicon.GIVING_WORDS and token.key not in self.cited_keys for token in verbs)

    def is_name_of_source(self, words: Sequence[Token], at: int) -> bool:
        """Tell whether the word and a name beside it are a name somewhere in the cited text or around it."""
        texts = [*(alignment.sentence for alignment in self.alignments), *self.around.beside]
        pairs = {
            (before.key, name.key)
            for text in texts
            for before, name in pairwise(text)
            if before.kind == name.kind == "name"
        }
        before = (words[at - 1].key if at else "", words[at].key)
        return before in pairs or (words[at].key, words[at + 1].key if at + 1 < len(words) else "") in pairs

    def is_capitalised_in_source(self, key: str) -> bool:
        """Tell whether a cited word with this key has a capital: "the office" is no "Office"."""
        return any(
            token.key == key and token.shown[:1].isupper()
            for alignment in self.alignments
            for token in alignment.sentence
        )

    def is_moved(self, at: int) -> bool:
        """Tell whether the word is elsewhere in a cited sentence, beside one of its neighbours or as its object."""
        return any(
            alignment.is_moved(at) or (alignment.is_object_made_subject(at) and not self.is_matched(at))
            for alignment in self.alignments
        )


def without_attribution(
    words: Sequence[Token], outlets: Sequence[Outlet], cited_keys: frozenset[str] = frozenset()
) -> list[Token]:
    """Leave out "Reuters reported that" and "according to Reuters", where Reuters is the cited outlet.

    So is the day on which it did, if that is the day of the cited article: "Reuters reported on 12 March that"; and
    what it does by printing, "Reuters advised", if nobody in the cited text does so.
    """
    attribution = set[int]()
    for at, token in enumerate(words):
        prints = token.bare in lexicon.PRINTING_WORDS and token.key not in cited_keys
        if token.bare in lexicon.SPEECH_WORDS or prints:
            to = token.bare == "according" and at + 1 < len(words) and words[at + 1].bare == "to"
            for outlet in outlets:
                # By its letters, not by key: one key holds for "American" and for the USA of USA Today.
                name = [word.bare for word in outlet.name]
                before = at - 1 if at and words[at - 1].bare in _BETWEEN else at
                for start in (before - len(name), *(() if prints else (at + 2 if to else at + 1,))):
                    if name and start >= 0 and [word.bare for word in words[start : start + len(name)]] == name:
                        attribution |= {at, *range(min(at, start), max(at + 1, start + len(name)))}
                        attribution -= set(range(before, at))
                        if start < at:
                            day = _day_after(words, at + 1, outlet.day)
                            that = {day} if words[day : day + 1] and words[day].bare == "that" else set()
                            attribution |= {*range(at + 1, day), *that}
    return [token for at, token in enumerate(words) if at not in attribution]


def _day_after(words: Sequence[Token], at: int, day: frozenset[str]) -> int:
    """Return where a date ends that begins here and is the given day; here if none does."""
    end = at + 1 if words[at : at + 1] and words[at].bare in ("on", "in") else at
    start = end
    while end < len(words) and words[end].kind in ("number", "month", "weekday") and words[end].key in day:
        end += 1
    dated = any(token.kind == "month" for token in words[start:end])
    whole = end == len(words) or words[end].kind not in ("number", "month", "weekday", "unit")
    return end if dated and whole else at


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
    has_auxiliary = any(token.bare in PASSIVE for token in words[max(0, at - 3) : at])
    return has_auxiliary and any(token.bare == "by" for token in words[at + 1 : at + 4])
