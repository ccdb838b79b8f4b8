"""Check the names of a statement against what it cites. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from qa.text import english
from qa.verification import lexicon
from qa.verification.aligned_statement import AlignedStatement, Discrepancy, words_of_kind
from qa.verification.tokens import Token


def check_spelling(aligned: AlignedStatement, at: int) -> Iterator[Discrepancy]:
    """Distinguish "Roberson" from "Robertson" though their stems may be the same."""
    own = aligned.statement[at]
    if own.kind != "name" or own.bare in lexicon.COUNTRIES or own.key in lexicon.PLACE_KEYS:
        return
    matches = [
        alignment.sentence[position]
        for alignment in aligned.alignments
        if (position := alignment.in_sentence[at]) is not None
    ]
    titles = {token.title for token in matches}
    if own.title and titles.isdisjoint({own.title, ""}):
        yield Discrepancy(f"altered: the title of {own.shown}", True, own.shown)
    if own.opens_sentence:
        return
    if (
        all(token.shown[:1].islower() for token in matches)
        and not aligned.is_matched_with_neighbour(at)
        and not aligned.is_name_of_source(aligned.statement, at)  # "the Dockers' Union" for "the union"
    ):
        yield Discrepancy(f"altered: {own.shown} for {matches[0].shown}", False, own.shown)
    if not all(token.kind == "name" and token.bare != own.bare and not token.opens_sentence for token in matches):
        return
    if not any(token.bare in lexicon.COUNTRIES for token in matches):
        hard = all(token.bare.rstrip("s") != own.bare.rstrip("s") for token in matches)
        yield Discrepancy(f"altered: {own.shown} for {matches[0].shown}", hard, own.shown)


def check_name(aligned: AlignedStatement, at: int) -> Iterator[Discrepancy]:
    """Yield why an unmatched name is wrong; it may take the place of a pronoun or complete another name."""
    own, slot, name = aligned.statement[at], aligned.slot(at), _unmatched_name(aligned, at)
    replaced = words_of_kind(slot, "name", "number", "month", "weekday")
    replaces_pronoun = any(token.bare in english.PRONOUNS for token in (*slot[:1], *slot[-1:]))
    first_names = _known_first_names(aligned, at)
    if own.key in first_names - aligned.cited_keys and not words_of_kind(slot, "name"):
        if len(first_names) > 1:
            yield Discrepancy(f"one of several people with this name: {name}", False, name)
        return
    if aligned.is_giving_outlet(at):
        yield Discrepancy(f"not said as the outlet's words in cited text: {name}", False, name)
        return
    if own.key in aligned.cited_keys:
        if aligned.changes_voice:
            return
        if not own.opens_sentence and not aligned.is_moved(at) and not aligned.is_capitalised_in_source(own.key):
            yield Discrepancy(f"name not in cited text: {name}", False, name)
            return
        if replaced and not aligned.is_moved(at) and not replaces_pronoun:
            # A retelling moves names about. `find_exchanged_names` sees whether this one has another's place.
            yield Discrepancy(f"altered: {name} for {replaced}", False, name)
        elif (
            aligned.is_near_copy and not replaces_pronoun and not aligned.is_moved(at) and not _is_genitive(aligned, at)
        ):
            yield Discrepancy(f"name in another place than in cited text: {name}", False, name)
    elif _is_acronym(aligned, own):
        return
    elif own.key in aligned.context_keys:
        # The name may be in the sentence before, where the cited one says "he"; not where that says another name.
        if replaced and not replaces_pronoun and not _completes_name(aligned, at):
            yield Discrepancy(f"altered: {name} for {replaced}", True, name)
        elif aligned.is_near_copy and not replaces_pronoun and not _completes_name(aligned, at):
            yield Discrepancy(f"name not in cited text, only beside it: {name}", False, name)
    elif replaced:
        yield Discrepancy(f"altered: {name} for {replaced}", True, name)
    else:
        yield Discrepancy(f"name not in cited text: {name}", True, name)


def _known_first_names(aligned: AlignedStatement, at: int) -> frozenset[str]:
    """Return the first names, by key, that the article has for the matched name after this one."""
    words = aligned.statement
    if at + 1 < len(words) and words[at + 1].kind == "name" and aligned.is_matched(at + 1):
        return aligned.around.first_names(words[at + 1].key)
    return frozenset()


def _unmatched_name(aligned: AlignedStatement, at: int) -> str:
    """Return the name together with the unmatched names next to it."""
    words = aligned.statement
    start = end = at
    while start and words[start - 1].kind == "name" and not aligned.is_matched(start - 1):
        start -= 1
    while end < len(words) and words[end].kind == "name" and not aligned.is_matched(end):
        end += 1
    return " ".join(token.shown for token in words[start:end])


def _is_genitive(aligned: AlignedStatement, at: int) -> bool:
    """Tell whether one has "Germany's bank" where the other has "the bank of Germany"."""
    key, shown = aligned.statement[at].key, aligned.statement[at].shown
    pairs = [
        pair
        for alignment in aligned.alignments
        for pair in zip(alignment.sentence, alignment.sentence[1:], strict=False)
    ]
    with_of = any(before.bare == "of" and name.key == key for before, name in pairs)
    with_s = any(name.key == key and name.shown.endswith("'s") for _, name in pairs)
    return with_of if shown.endswith("'s") else with_s and at > 0 and aligned.statement[at - 1].bare == "of"


def is_sentence_capital(aligned: AlignedStatement, at: int) -> bool:
    """Tell whether a word may have its capital only because it begins a sentence."""
    own = aligned.statement[at]
    if aligned.is_common_word(own):
        return True
    if any(token.bare in lexicon.SPEECH_WORDS for token in aligned.statement[at + 1 : at + 2]):
        return False
    return (
        own.opens_sentence
        and own.key not in _known_first_names(aligned, at)
        and own.key not in aligned.cited_keys | aligned.context_keys
        and not words_of_kind(aligned.slot(at), "name")
    )


def _completes_name(aligned: AlignedStatement, at: int) -> bool:
    """Tell whether the name and a matched one beside it are a name of the context: the first name of a last one."""
    words = aligned.statement
    beside = [position for position in (at - 1, at + 1) if 0 <= position < len(words)]
    names = [position for position in beside if words[position].kind == "name" and aligned.is_matched(position)]
    return any(
        f"{words[min(at, position)].key} {words[max(at, position)].key}" in aligned.context_keys for position in names
    )


def _is_acronym(aligned: AlignedStatement, own: Token) -> bool:
    """Tell whether the statement has the initials of names in the cited text, or the names of initials there."""
    letters = own.bare.replace(".", "")
    for alignment in aligned.alignments:
        initials = "".join(token.bare[0] if token.kind == "name" else " " for token in alignment.sentence)
        if own.shown.isupper() and len(letters) > 1 and letters in initials:
            return True
    acronyms = {token.bare for alignment in aligned.alignments for token in alignment.sentence if token.shown.isupper()}
    for start in range(len(aligned.statement)):
        for size in range(2, 6):
            run = aligned.statement[start : start + size]
            initials = "".join(token.bare[0] for token in run if token.kind == "name")
            if own in run and len(initials) == size and initials in acronyms:
                return True
    return False
