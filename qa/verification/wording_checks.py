"""Check negations, modal verbs, opposites and roles of a statement against what it cites. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qa.text import english
from qa.verification import lexicon
from qa.verification.aligned_statement import AlignedStatement, Discrepancy, role_pairs, words_of_kind
from qa.verification.alignment import Alignment
from qa.verification.tokens import CLAIMING, Token

_SCOPE = 4  # how far after its "not" the denied word may be, in words
_MOST_FOR_PRONOUN = 3  # how many claiming words may replace a pronoun: a noun, not a clause
_AUXILIARIES = frozenset("do does did is are was were has have had can could will would should".split())
_PREFIXES = ("un", "in", "im", "il", "ir", "dis", "non", "mis", "anti")


def _governed_word(words: Sequence[Token], at: int) -> int | None:
    """Return the position of the word that a "not" or a "may" governs."""
    for position in range(at + 1, min(len(words), at + 1 + _SCOPE)):
        if words[position].kind in CLAIMING:
            return position
    return None


def check_negation(aligned: AlignedStatement, at: int) -> Iterator[Discrepancy]:
    """Yield a negation that the cited text does not have of the same word."""
    denied = _governed_word(aligned.statement, at)
    for alignment in aligned.alignments:
        position = alignment.in_sentence[denied] if denied is not None else None
        scope = alignment.sentence[max(0, position - _SCOPE) : position] if position is not None else alignment.sentence
        first = position - len(scope) if position is not None else 0
        unmatched = [
            step
            for step, token in enumerate(scope, first)
            if token.kind == "negation"
            and step not in alignment.in_statement
            and (position is None or _governed_word(alignment.sentence, step) == position)
        ]
        if unmatched and not (aligned.is_near_copy and position is None):
            return
    yield Discrepancy(f"negation not in cited text: {aligned.statement[at].shown}", True, aligned.statement[at].shown)


def check_modal(aligned: AlignedStatement, at: int) -> Iterator[Discrepancy]:
    """Yield a plan or possibility that the cited text does not give as one."""
    own = aligned.statement[at]
    if aligned.cited_keys & lexicon.MODAL_EQUIVALENTS[own.key] and not aligned.is_near_copy:
        return
    slot = aligned.slot(at)
    if any(
        token.key in lexicon.MODAL_EQUIVALENTS[own.key] or token.bare in lexicon.MODAL_EQUIVALENTS[own.key]
        for token in slot
    ):
        return
    yield Discrepancy(f"not said as {own.shown!r} in cited text", False, own.shown)


def check_word(aligned: AlignedStatement, at: int) -> Iterator[Discrepancy]:
    """Yield why any other unmatched word is wrong: an opposite, another word, or an added one."""
    own, slot = aligned.statement[at], aligned.slot(at)
    claimed = [token for token in slot if token.kind in CLAIMING and token.kind != "name"]
    opposite = next((token for token in slot if are_opposites(own, token)), None)
    if opposite is not None:
        yield Discrepancy(f"opposite of cited text: {own.shown} for {opposite.shown}", True, own.shown)
        return
    if own.kind == "filler":
        number = [token for token in slot if token.kind == "number"]
        if number and own.key == "#1":
            yield Discrepancy(f"altered: {own.shown} for {number[0].shown}", True, own.shown)
        elif own.bare in lexicon.QUANTIFIERS and own.key not in aligned.cited_keys:
            yield Discrepancy(f"not in cited text: {own.shown}", False, own.shown)
        elif own.shown[0].isupper() and not own.opens_sentence and own.shown != "I":
            yield from _check_capital(aligned, own, words_of_kind(slot, "name"))
        return
    names = words_of_kind(slot, "name")
    if own.shown[0].isupper() and names:
        yield Discrepancy(f"altered: {own.shown} for {names}", True, own.shown)
        return
    if own.kind == "denial" and aligned.is_near_copy and not aligned.is_moved(at):
        yield Discrepancy(f"not said as {own.shown!r} in cited text", False, own.shown)
        return
    if own.key in aligned.cited_keys:
        if claimed and not aligned.is_moved(at):
            yield Discrepancy(f"altered: {own.shown} for {claimed[0].shown}", False, own.shown)
        return
    synonyms = lexicon.SYNONYMS.get(own.key, frozenset())
    if synonyms & (frozenset(token.key for token in slot) if slot else aligned.cited_keys):
        return
    if not aligned.is_near_copy and not lexicon.OPPOSITES.get(own.key, frozenset()).isdisjoint(aligned.cited_keys):
        yield Discrepancy(f"opposite of cited text: {own.shown}", False, own.shown)
    elif claimed:
        yield Discrepancy(f"altered: {own.shown} for {claimed[0].shown}", False, own.shown)
    elif aligned.is_near_copy and not (
        own.key in aligned.context_keys
        and not names
        and _only_pronouns(slot)
        and aligned.count_unmatched(at) <= _MOST_FOR_PRONOUN
    ):
        yield Discrepancy(f"not in cited text: {own.shown}", False, own.shown)


def _only_pronouns(slot: Sequence[Token]) -> bool:
    return bool(slot) and all(token.bare in english.PRONOUNS for token in slot)


def _check_capital(aligned: AlignedStatement, own: Token, replaced: str) -> Iterator[Discrepancy]:
    """Yield why a capital in the middle of a sentence is wrong: it makes a name of a word that is not one."""
    pronoun = own.bare in english.PRONOUNS  # "He" may also begin a quotation
    if replaced:
        yield Discrepancy(f"altered: {own.shown} for {replaced}", not pronoun, own.shown)
    elif not pronoun or own.key not in aligned.cited_keys:
        yield Discrepancy(f"not in this place in cited text: {own.shown}", False, own.shown)


def are_opposites(own: Token, other: Token) -> bool:
    """Tell whether two words are opposites, by the list or by a prefix: legal, illegal."""
    if other.key in lexicon.OPPOSITES.get(own.key, ()):
        return True
    shorter, longer = sorted((own.bare, other.bare), key=len)
    return len(shorter) > 3 and any(longer == prefix + shorter for prefix in _PREFIXES)


def find_lost(aligned: AlignedStatement, alignment: Alignment) -> Iterator[Discrepancy]:
    """Yield a negation or reservation of the sentence that the statement, with the same words, leaves out."""
    for at, token in enumerate(alignment.sentence):
        if token.kind not in ("negation", "modal", "denial") or at in alignment.in_statement:
            continue
        governed = _governed_word(alignment.sentence, at)
        position = alignment.in_statement.get(governed) if governed is not None else None
        if position is None:
            position = _position_if_inserted(alignment, at)
        if position is None or (position < len(aligned.statement) and aligned.nearest(position) is not alignment):
            continue
        before = range(max(0, position - _SCOPE), position)
        if any(
            _is_equivalent(token, aligned.statement[step]) for step in before if alignment.in_sentence[step] is None
        ):
            continue
        hard = token.kind == "negation" and aligned.is_near_copy
        what = {"negation": "a negation", "modal": "a possibility", "denial": "a reservation"}[token.kind]
        yield Discrepancy(f"the cited text holds {what} that the statement lacks: {token.shown}", hard, token.shown)


def _position_if_inserted(alignment: Alignment, at: int) -> int | None:
    """Return where the sentence's word would be in the statement, if it alone is missing there."""
    before = alignment.in_statement.get(at - 1) if at else -1
    after = alignment.in_statement.get(at + 1) if at + 1 < len(alignment.sentence) else len(alignment.statement)
    if after is None and before == len(alignment.statement) - 1 and alignment.statement[before].bare in _AUXILIARIES:
        after = len(alignment.statement)  # "many do", cut off before the "not" of "many don't"
    return after if before is not None and after is not None and before < after <= before + 2 else None


def _is_equivalent(lost: Token, other: Token) -> bool:
    if lost.kind == "modal":
        return other.key in lexicon.MODAL_EQUIVALENTS[lost.key] or other.bare in lexicon.MODAL_EQUIVALENTS[lost.key]
    return other.kind == lost.kind or (lost.kind == "negation" and other.kind == "denial")


def find_swapped_roles(alignment: Alignment) -> Iterator[Discrepancy]:
    """Yield two names on each other's side of the same verb, unless active became passive."""
    for stated, cited, turned in role_pairs(alignment):
        if stated == (cited if turned else cited[::-1]):
            yield Discrepancy(f"roles swapped: {stated[0]}, {stated[1]}", True, stated[0])


def find_exchanged_words(alignment: Alignment) -> Iterator[Discrepancy]:
    """Yield two words that changed places in an otherwise literal statement: who bit whom.

    Only a single exchange counts, word for word: a retelling moves phrases, and "bread and butter" may be reversed.
    """
    stated, cited = alignment.statement, alignment.sentence
    for start in range(len(cited) - len(stated) + 1):
        different = [at for at, token in enumerate(stated) if token.key != cited[start + at].key]
        if len(different) != 2 or any(stated[at].kind != "word" for at in different):
            continue
        first, last = different
        exchanged = stated[first].key == cited[start + last].key and stated[last].key == cited[start + first].key
        if exchanged and any(token.kind in CLAIMING for token in stated[first + 1 : last]):
            yield Discrepancy(
                f"words exchanged: {stated[first].shown}, {stated[last].shown}", True, stated[first].shown
            )
