"""Check denials, possibilities, opposites and roles of a statement against what it cites. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qa.text import english
from qa.verification import lexicon
from qa.verification.alignment import Alignment
from qa.verification.case import Case, Departure, named, role_pairs
from qa.verification.tokens import CLAIMING, Token

_GOVERNED = 4  # how far from its "not" the denied word may stand, in words
_STANDS_IN = 3  # how many claiming words may stand for a pronoun: a noun, not a clause
_AUXILIARIES = frozenset("do does did is are was were has have had can could will would should".split())
_PREFIXES = ("un", "in", "im", "il", "ir", "dis", "non", "mis", "anti")


def _governed(words: Sequence[Token], at: int) -> int | None:
    """Return where the word stands that a "not" or a "may" is about."""
    for place in range(at + 1, min(len(words), at + 1 + _GOVERNED)):
        if words[place].kind in CLAIMING:
            return place
    return None


def check_negation(case: Case, at: int) -> Iterator[Departure]:
    """Yield a denial that the cited text does not make of the same word."""
    governed = _governed(case.statement, at)
    for one in case.alignments:
        place = one.places[governed] if governed is not None else None
        around = one.sentence[max(0, place - _GOVERNED) : place] if place is not None else one.sentence
        first = place - len(around) if place is not None else 0
        free = [
            step
            for step, token in enumerate(around, first)
            if token.kind == "negation"
            and step not in one.back
            and (place is None or _governed(one.sentence, step) == place)
        ]
        if free and not (case.close and place is None):
            return
    yield Departure(f"negation not in cited text: {case.statement[at].shown}", True, case.statement[at].shown)


def check_modal(case: Case, at: int) -> Iterator[Departure]:
    """Yield a plan or possibility that the cited text does not speak of as one."""
    own = case.statement[at]
    if case.keys & lexicon.FUTURE[own.key] and not case.close:
        return
    slot = case.slot(at)
    if any(token.key in lexicon.FUTURE[own.key] or token.bare in lexicon.FUTURE[own.key] for token in slot):
        return
    yield Departure(f"not said as {own.shown!r} in cited text", False, own.shown)


def check_word(case: Case, at: int) -> Iterator[Departure]:
    """Yield why any other word without a place is wrong: the contrary, another, or one too many."""
    own, slot = case.statement[at], case.slot(at)
    claimed = [token for token in slot if token.kind in CLAIMING and token.kind != "name"]
    opposite = next((token for token in slot if opposed(own, token)), None)
    if opposite is not None:
        yield Departure(f"opposite of cited text: {own.shown} for {opposite.shown}", True, own.shown)
        return
    if own.kind == "filler":
        number = [token for token in slot if token.kind == "number"]
        if number and own.key == "#1":
            yield Departure(f"altered: {own.shown} for {number[0].shown}", True, own.shown)
        elif own.bare in lexicon.QUANTIFIERS and own.key not in case.keys:
            yield Departure(f"not in cited text: {own.shown}", False, own.shown)
        elif own.shown[0].isupper() and not own.opens and own.shown != "I":
            yield from _check_capital(case, own, named(slot, "name"))
        return
    names = named(slot, "name")
    if own.shown[0].isupper() and names:
        yield Departure(f"altered: {own.shown} for {names}", True, own.shown)
        return
    if own.kind == "denial" and case.close and not case.moved(at):
        yield Departure(f"not said as {own.shown!r} in cited text", False, own.shown)
        return
    if own.key in case.keys:
        if claimed and not case.moved(at):
            yield Departure(f"altered: {own.shown} for {claimed[0].shown}", False, own.shown)
        return
    alike = lexicon.ALIKE.get(own.key, frozenset())
    if alike & (frozenset(token.key for token in slot) if slot else case.keys):
        return
    if not case.close and not lexicon.OPPOSITES.get(own.key, frozenset()).isdisjoint(case.keys):
        yield Departure(f"opposite of cited text: {own.shown}", False, own.shown)
    elif claimed:
        yield Departure(f"altered: {own.shown} for {claimed[0].shown}", False, own.shown)
    elif case.close and not (
        own.key in case.near and not names and _only_pronouns(slot) and case.strange(at) <= _STANDS_IN
    ):
        yield Departure(f"not in cited text: {own.shown}", False, own.shown)


def _only_pronouns(slot: Sequence[Token]) -> bool:
    return bool(slot) and all(token.bare in english.PRONOUNS for token in slot)


def _check_capital(case: Case, own: Token, instead: str) -> Iterator[Departure]:
    """Yield why a capital in the middle of a sentence is wrong: it makes a name of a word that is none."""
    pronoun = own.bare in english.PRONOUNS  # "He" may also begin a quotation
    if instead:
        yield Departure(f"altered: {own.shown} for {instead}", not pronoun, own.shown)
    elif not pronoun or own.key not in case.keys:
        yield Departure(f"not in this place in cited text: {own.shown}", False, own.shown)


def opposed(own: Token, other: Token) -> bool:
    """Tell whether two words say the contrary, by the list or by a prefix: legal, illegal."""
    if other.key in lexicon.OPPOSITES.get(own.key, ()):
        return True
    shorter, longer = sorted((own.bare, other.bare), key=len)
    return len(shorter) > 3 and any(longer == prefix + shorter for prefix in _PREFIXES)


def find_lost(case: Case, one: Alignment) -> Iterator[Departure]:
    """Yield what the sentence denies or doubts and the statement, with the same words, does not."""
    for at, token in enumerate(one.sentence):
        if token.kind not in ("negation", "modal", "denial") or at in one.back:
            continue
        governed = _governed(one.sentence, at)
        place = one.back.get(governed) if governed is not None else None
        if place is None:
            place = _gap(one, at)
        if place is None or (place < len(case.statement) and case.home(place) is not one):
            continue
        before = range(max(0, place - _GOVERNED), place)
        if any(_keeps(token, case.statement[step]) for step in before if one.places[step] is None):
            continue
        hard = token.kind == "negation" and case.close
        what = {"negation": "a negation", "modal": "a possibility", "denial": "a reservation"}[token.kind]
        yield Departure(f"the cited text holds {what} that the statement lacks: {token.shown}", hard, token.shown)


def _gap(one: Alignment, at: int) -> int | None:
    """Return where the word would stand in the statement, if it alone is missing there."""
    before = one.back.get(at - 1) if at else -1
    after = one.back.get(at + 1) if at + 1 < len(one.sentence) else len(one.statement)
    if after is None and before == len(one.statement) - 1 and one.statement[before].bare in _AUXILIARIES:
        after = len(one.statement)  # "many do", cut off before the "not" of "many don't"
    return after if before is not None and after is not None and before < after <= before + 2 else None


def _keeps(lost: Token, other: Token) -> bool:
    if lost.kind == "modal":
        return other.key in lexicon.FUTURE[lost.key] or other.bare in lexicon.FUTURE[lost.key]
    return other.kind == lost.kind or (lost.kind == "negation" and other.kind == "denial")


def find_swapped_roles(one: Alignment) -> Iterator[Departure]:
    """Yield a pair of names that stand on each other's side of the same verb, unless active became passive."""
    for mine, theirs, turned in role_pairs(one):
        if mine == (theirs if turned else theirs[::-1]):
            yield Departure(f"roles swapped: {mine[0]}, {mine[1]}", True, mine[0])


def find_exchanged_words(one: Alignment) -> Iterator[Departure]:
    """Yield two words that changed places in an otherwise literal statement: who bit whom.

    Only a lone exchange counts, word for word: a retelling moves phrases, and "bread and butter" may be turned.
    """
    mine, theirs = one.statement, one.sentence
    for start in range(len(theirs) - len(mine) + 1):
        other = [at for at, token in enumerate(mine) if token.key != theirs[start + at].key]
        if len(other) != 2 or any(mine[at].kind != "word" for at in other):
            continue
        first, last = other
        turned = mine[first].key == theirs[start + last].key and mine[last].key == theirs[start + first].key
        if turned and any(token.kind in CLAIMING for token in mine[first + 1 : last]):
            yield Departure(f"words exchanged: {mine[first].shown}, {mine[last].shown}", True, mine[first].shown)
