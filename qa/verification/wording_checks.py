"""Check negations, modal verbs, opposites and roles of a statement against what it cites. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

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
    own, joint = aligned.statement[at], aligned.statement[at].bare in ("neither", "nor")
    denied = _jointly_denied(aligned.statement, at) if joint else _governed_word(aligned.statement, at)
    for alignment in aligned.alignments:
        position = alignment.in_sentence[denied] if denied is not None else None
        if position is None and denied is not None:
            position = _moved_to(alignment, denied)
        scope = alignment.sentence[max(0, position - _SCOPE) : position] if position is not None else alignment.sentence
        first = position - len(scope) if position is not None else 0
        unmatched = [
            step
            for step, token in enumerate(scope, first)
            if token.kind == "negation"
            and step not in alignment.in_statement
            and (position is None or _governed_word(alignment.sentence, step) == position)
        ]
        denies_it = unmatched and not (aligned.is_near_copy and position is None)
        if denies_it and (not joint or _denies_jointly(alignment, at, denied, position)):
            return
    if own.key == "no longer" and _has_ended(aligned, denied):
        yield Discrepancy(f"said as an ending in cited text: {own.shown}", False, own.shown)
    elif not joint and _is_denied_otherwise(aligned, at, denied):
        yield Discrepancy(f"denied in other words in cited text: {own.shown}", False, own.shown)
    elif denied is not None and _is_denied_beside(aligned, aligned.statement[denied].key):
        yield Discrepancy(f"negation not in cited text, only beside it: {own.shown}", False, own.shown)
    else:
        yield Discrepancy(f"negation not in cited text: {own.shown}", True, own.shown)


def _moved_to(alignment: Alignment, at: int) -> int | None:
    """Return where the sentence has an unmatched word, if it has it once and nothing of the statement matches it."""
    key = alignment.statement[at].key
    places = [place for place, token in enumerate(alignment.sentence) if token.key == key]
    return places[0] if len(places) == 1 and places[0] not in alignment.in_statement else None


def _moved_from(alignment: Alignment, at: int) -> int | None:
    """Return where the statement has an unmatched word of the sentence, if each of them has it once."""
    key = alignment.sentence[at].key
    places = [place for place, token in enumerate(alignment.statement) if token.key == key]
    once = len(places) == 1 == sum(token.key == key for token in alignment.sentence)
    return places[0] if once and alignment.in_sentence[places[0]] is None else None


def _jointly_denied(words: Sequence[Token], at: int) -> int | None:
    """Return the position of what "neither Klee nor Roth" did not do."""
    return next((place for place in range(at + 1, len(words)) if words[place].kind in ("word", "denial")), None)


def _denies_jointly(alignment: Alignment, at: int, denied: int | None, position: int | None) -> bool:
    """Tell whether the sentence has all the names before one denied verb: not "Klee replied, Roth did not reply"."""
    if denied is None or position is None:
        return False
    names = [place for place in range(at + 1, denied) if alignment.statement[place].kind == "name"]
    verbs = sum(token.key == alignment.sentence[position].key for token in alignment.sentence)
    return verbs == 1 and all(
        (found := alignment.in_sentence[place]) is not None and found < position for place in names
    )


def _has_ended(aligned: AlignedStatement, denied: int | None) -> bool:
    """Tell whether a cited sentence says of an end ("left", "former") what the statement says is no longer so."""
    return any(
        (denied is None or alignment.in_sentence[denied] is None)
        and any(
            token.bare in lexicon.ENDINGS and place not in alignment.in_statement
            for place, token in enumerate(alignment.sentence)
        )
        for alignment in aligned.alignments
    )


def _is_denied_otherwise(aligned: AlignedStatement, at: int, denied: int | None) -> bool:
    """Tell whether a cited sentence has a denial that the statement has not: "closed" for "not open", "but not in May".

    What it denies may be something else, so this proves nothing. A "not" put between words that are side by side in the
    sentence is one of the sentence's only where both deny a word of the statement.
    """
    own = aligned.statement[denied] if denied is not None else None
    for alignment in aligned.alignments:
        before, after = alignment.in_sentence[at - 1] if at else None, alignment.in_sentence[at + 1 : at + 2]
        is_inserted = before is not None and after == (before + 1,)
        for place, token in enumerate(alignment.sentence):
            if place in alignment.in_statement:
                continue
            if is_inserted:
                governed = _governed_word(alignment.sentence, place) if token.kind == "negation" else None
                if governed in alignment.in_statement:
                    return True
            elif (
                token.kind == "negation"
                or token.bare in lexicon.NEGATING
                or (own is not None and are_opposites(own, token))
            ):
                return True
    return False


def _is_denied_beside(aligned: AlignedStatement, key: str) -> bool:
    """Tell whether a text beside the cited one denies a word that the cited one does not have."""
    return key not in aligned.cited_keys and aligned.around.denies(key)


def check_modal(aligned: AlignedStatement, at: int) -> Iterator[Discrepancy]:
    """Yield a plan or possibility that the cited text does not give as one."""
    own = aligned.statement[at]
    equivalents = lexicon.MODAL_EQUIVALENTS[own.key]
    if aligned.cited_keys & equivalents and not aligned.is_near_copy:
        return
    if any(token.key in equivalents or token.bare in equivalents for token in aligned.slot(at)):
        return
    governed = _governed_word(aligned.statement, at)
    if governed is not None and any(
        _governs(alignment.sentence, own.key, aligned.statement[governed].key) for alignment in aligned.alignments
    ):
        return
    yield Discrepancy(f"not said as {own.shown!r} in cited text", False, own.shown)


def _governs(words: Sequence[Token], modal: str, verb: str) -> bool:
    """Tell whether a text has a modal verb with a verb, both by key, wherever it is."""
    return any(
        token.key == modal and (governed := _governed_word(words, at)) is not None and words[governed].key == verb
        for at, token in enumerate(words)
    )


def check_word(aligned: AlignedStatement, at: int) -> Iterator[Discrepancy]:
    """Yield why any other unmatched word is wrong: an opposite, another word, or an added one."""
    own, slot = aligned.statement[at], aligned.slot(at)
    claimed = [token for token in slot if token.kind in CLAIMING and token.kind != "name"]
    is_reference = own.bare == "to" and at > 0 and aligned.statement[at - 1].bare == "according"
    opposite = next((token for token in slot if are_opposites(own, token) and not is_reference), None)
    if opposite is not None:
        if _is_denied(aligned, at):  # "not open" for "closed"
            return
        yield Discrepancy(f"opposite of cited text: {own.shown} for {opposite.shown}", True, own.shown)
        return
    if own.bare in lexicon.CONNECTIVES or _is_neutral_speech(aligned, own):
        return
    if own.kind == "filler":
        number = [token for token in slot if token.kind == "number"]
        if number and own.key == "#1":
            yield Discrepancy(f"altered: {own.shown} for {number[0].shown}", True, own.shown)
        elif (own.bare == "because" and not _gives_cause(aligned)) or (
            own.bare in lexicon.QUANTIFIERS and own.key not in aligned.cited_keys
        ):
            yield Discrepancy(f"not in cited text: {own.shown}", False, own.shown)
        elif own.shown[0].isupper() and not own.opens_sentence and own.shown != "I":
            yield from _check_capital(aligned, own, words_of_kind(slot, "name"))
        return
    names = words_of_kind(slot, "name")
    if own.shown[0].isupper() and names and not aligned.is_common_word(own):
        yield Discrepancy(f"altered: {own.shown} for {names}", True, own.shown)
        return
    if own.kind == "denial" and aligned.is_near_copy and not aligned.is_moved(at):
        yield Discrepancy(f"not said as {own.shown!r} in cited text", False, own.shown)
        return
    if own.key in aligned.cited_keys:
        if claimed and not aligned.is_moved(at) and not _is_inverted_speaker(aligned, at):
            yield Discrepancy(f"altered: {own.shown} for {claimed[0].shown}", False, own.shown)
        elif any(token.kind in CLAIMING and token.kind != "name" for token in aligned.open_end(at)) and not (
            aligned.changes_voice or aligned.is_moved(at)
        ):
            yield Discrepancy(f"in another place than in cited text: {own.shown}", False, own.shown)
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
        and (_only_pronouns(slot) or (not slot and _completes_phrase(aligned, at)))
        and aligned.count_unmatched(at) <= _MOST_FOR_PRONOUN
    ):
        yield Discrepancy(f"not in cited text: {own.shown}", False, own.shown)


def _completes_phrase(aligned: AlignedStatement, at: int) -> bool:
    """Tell whether a text beside has the word before the noun that it is before here: "boil-water" notice."""
    end = at
    while end < len(aligned.statement) and not aligned.is_matched(end):
        end += 1
    phrase = [token.key for token in aligned.statement[at : end + 1]]
    plain = all(token.kind == "word" and token.key not in lexicon.OPPOSITES for token in aligned.statement[at:end])
    return (
        plain
        and end < len(aligned.statement)
        and aligned.statement[end].kind == "word"
        and any(
            [token.key for token in words[start : start + len(phrase)]] == phrase
            for words in aligned.around.beside
            for start in range(len(words))
        )
    )


def _is_denied(aligned: AlignedStatement, at: int) -> bool:
    """Tell whether the statement has a "not" of the word that no cited sentence has."""
    return any(
        aligned.statement[step].kind == "negation"
        and not aligned.is_matched(step)
        and _governed_word(aligned.statement, step) == at
        for step in range(max(0, at - _SCOPE), at)
    )


def _is_neutral_speech(aligned: AlignedStatement, own: Token) -> bool:
    """Tell whether the word only says that something was said, and the cited text has such a word too."""
    return own.bare in lexicon.NEUTRAL_SPEECH and any(
        token.bare in lexicon.NEUTRAL_SPEECH and place not in alignment.in_statement
        for alignment in aligned.alignments
        for place, token in enumerate(alignment.sentence)
    )


def _gives_cause(aligned: AlignedStatement) -> bool:
    return any(token.bare in lexicon.CAUSES for alignment in aligned.alignments for token in alignment.sentence)


def _is_inverted_speaker(aligned: AlignedStatement, at: int) -> bool:
    """Tell whether the statement has "the judge said" where a cited sentence has "said the judge"."""
    own, following = aligned.statement[at], aligned.statement[at + 1 : at + 2]
    return bool(following) and any(
        verb.bare in lexicon.SPEECH_WORDS and verb.key == following[0].key and speaker.key == own.key
        for alignment in aligned.alignments
        for verb, speaker in pairwise(alignment.sentence)
    )


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
        if position is None and governed is not None and token.kind == "negation":
            position = _moved_from(alignment, governed)
        if position is None:
            position = _position_if_inserted(alignment, at)
        if position is None or (position < len(aligned.statement) and aligned.nearest(position) is not alignment):
            continue
        before = range(max(0, position - _SCOPE - 2), position)  # "would not have been on campus"
        if any(_is_equivalent(token, aligned.statement[step]) for step in before if _is_free(alignment, step)):
            continue
        hard = token.kind == "negation" and aligned.is_near_copy
        what = {"negation": "a negation", "modal": "a possibility", "denial": "a reservation"}[token.kind]
        yield Discrepancy(f"the cited text holds {what} that the statement lacks: {token.shown}", hard, token.shown)


def _is_free(alignment: Alignment, step: int) -> bool:
    """Tell whether a word of the statement has no match, or one that governs a word that the statement lacks."""
    position = alignment.in_sentence[step]
    if position is None:
        return True
    governed = _governed_word(alignment.sentence, position)
    return governed is not None and governed not in alignment.in_statement


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
