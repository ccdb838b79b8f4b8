"""Check the numbers, units, dates and names of a statement against what it cites. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Literal

from qa.text import english
from qa.verification import lexicon
from qa.verification.aligned_statement import AlignedStatement, Discrepancy, Period, words_of_kind
from qa.verification.alignment import Alignment
from qa.verification.tokens import CLAIMING, Token

_NEARLY, _ABOUT = 0.1, 0.05  # how far "more than 190" and "about 190" may be from the number they are given for


def check_spelling(aligned: AlignedStatement, at: int) -> Iterator[Discrepancy]:
    """Distinguish "Roberson" from "Robertson" though their stems may be the same."""
    own = aligned.statement[at]
    if own.kind != "name" or own.bare in lexicon.COUNTRIES:
        return
    matches = [
        alignment.sentence[position]
        for alignment in aligned.alignments
        if (position := alignment.in_sentence[at]) is not None
    ]
    if own.opens_sentence:
        return
    if all(token.shown[:1].islower() for token in matches) and not aligned.is_matched_with_neighbour(at):
        yield Discrepancy(f"altered: {own.shown} for {matches[0].shown}", False, own.shown)
    if not all(token.kind == "name" and token.bare != own.bare and not token.opens_sentence for token in matches):
        return
    if not any(token.bare in lexicon.COUNTRIES for token in matches):
        hard = all(token.bare.rstrip("s") != own.bare.rstrip("s") for token in matches)
        yield Discrepancy(f"altered: {own.shown} for {matches[0].shown}", hard, own.shown)


def check_bound(aligned: AlignedStatement, at: int) -> Iterator[Discrepancy]:
    """Yield why "more than 9" is wrong for "up to 9", and too much for "9"."""
    own = aligned.statement[at]
    stated = _bound_of(aligned.statement, at)
    cited = {
        _bound_of(alignment.sentence, position)
        for alignment in aligned.alignments
        if (position := alignment.in_sentence[at]) is not None
    }
    if own.kind == "number" and stated and cited and stated not in cited:
        yield Discrepancy(f"bound not in cited text: {stated} {own.shown}", cited != {""}, own.shown)


def _bound_of(words: Sequence[Token], at: int) -> Literal["", "above", "below"]:
    before, last = (words[at - 2].bare if at > 1 else ""), (words[at - 1].bare if at else "")
    pair = before if last == "than" else f"{before} {last}"
    if last in ("over", "above", "exceeding") or pair in ("more", "greater", "higher", "larger", "at least"):
        return "above"
    if last in ("under", "below", "nearly", "almost") or pair in ("less", "fewer", "lower", "up to", "at most"):
        return "below"
    return ""


def check_number(aligned: AlignedStatement, at: int) -> Iterator[Discrepancy]:
    """Yield why an unmatched number, month or weekday is wrong: changed, not in the sources, or of something else."""
    own = aligned.statement[at]
    replaced = words_of_kind(aligned.slot(at), "number", "month", "weekday")
    if (own.key in aligned.publication_years and not replaced) or _resolves_time_phrase(aligned, at):
        return
    if aligned.is_moved(at) and not replaced:
        return
    if own.kind == "number" and (
        _is_rounded(aligned, at) or ("," in own.shown and _is_split_at_comma(aligned.slot(at), own))
    ):
        return
    if replaced:
        yield Discrepancy(f"altered: {own.shown} for {replaced}", True, own.shown)
    elif own.key not in aligned.cited_keys:
        what = "number" if own.kind == "number" else "date"
        if own.key in aligned.context_keys and not aligned.is_near_copy:
            # As with a name: a retelling takes its year from the sentence before.
            yield Discrepancy(f"{what} not in cited text, only beside it: {own.shown}", False, own.shown)
        else:
            yield Discrepancy(f"{what} not in cited text: {own.shown}", True, own.shown)
    elif aligned.is_near_copy or (own.kind == "number" and not _shares_neighbours(aligned, at)):
        what = "number" if own.kind == "number" else "date"
        yield Discrepancy(f"{what} of something else in cited text: {own.shown}", aligned.is_near_copy, own.shown)


def _resolves_time_phrase(aligned: AlignedStatement, at: int) -> bool:
    """Tell whether the date that the word is part of is what a time phrase of the sentence means."""
    if not _can_be_in_date(aligned.statement[at]) or words_of_kind(aligned.slot(at), "name"):
        return False
    start = end = at
    while start and _can_be_in_date(aligned.statement[start - 1]):
        start -= 1
    while end < len(aligned.statement) and _can_be_in_date(aligned.statement[end]):
        end += 1
    own = {token.key for token in aligned.statement[start:end]}
    slot = {token.key for token in aligned.slot(at) if token.kind in ("number", "month", "weekday")}
    return any(slot <= period.phrase and own <= _keys_of(period) for period in aligned.periods())


def _can_be_in_date(token: Token) -> bool:
    value = token.value
    return token.kind in ("month", "weekday") or (value is not None and (1 <= value <= 31 or 1800 <= value <= 2100))


def _keys_of(period: Period) -> set[str]:
    """Return the keys that may name a period: of a day all its parts, of a month its name and year, of a year that."""
    first, last = period.first, period.last
    keys = {f"#{first.year}"} if first.year == last.year else set()
    if keys and first.month == last.month:
        keys |= {f"month:{first.month}"}
        if first == last:
            keys |= {f"#{first.day}", f"day:{first.weekday()}"}
    return keys


def _shares_neighbours(aligned: AlignedStatement, at: int) -> bool:
    """Tell whether the number has one of its neighbouring words near it in a cited sentence too."""
    words = aligned.statement
    stated = {token.key for token in words[max(0, at - 3) : at + 4] if token.kind in CLAIMING} - {words[at].key}
    for alignment in aligned.alignments:
        for position, token in enumerate(alignment.sentence):
            if token.key == words[at].key:
                cited = {other.key for other in alignment.sentence[max(0, position - 3) : position + 4]}
                if stated & cited or not stated:
                    return True
    return False


def _is_split_at_comma(slot: Sequence[Token], own: Token) -> bool:
    """Tell whether the cited text has the same number with a space after its comma: "3, 800"."""
    pieces = [token.shown for token in slot if token.kind == "number"]
    return len(pieces) > 1 and "".join(pieces) == own.shown.replace(",", "")


def _is_rounded(aligned: AlignedStatement, at: int) -> bool:
    """Tell whether "about 190 billion" is given for a number of the cited text that is near to it."""
    value = aligned.statement[at].value
    if value is None or not at:
        return False
    word = aligned.statement[at - 1].bare
    low, high = value, value
    if word in lexicon.APPROXIMATE:
        low, high = value * Decimal(1 - _ABOUT), value * Decimal(1 + _ABOUT)
    elif word in lexicon.BELOW:
        low = value * Decimal(1 - _NEARLY)
    elif word in lexicon.ABOVE:
        high = value * Decimal(1 + _NEARLY)
    if low == high:
        return False
    cited = [token.value for alignment in aligned.alignments for token in alignment.sentence if token.kind == "number"]
    return any(
        low <= other <= high and _significant_digits(value) < _significant_digits(other)
        for other in cited
        if other is not None
    )


def _significant_digits(value: Decimal) -> int:
    """Return how many digits are significant: two of 190."""
    return len(str(value.normalize().as_tuple().digits))


def find_swapped_numbers(alignment: Alignment) -> Iterator[Discrepancy]:
    """Yield a number that is between the words of another number, which the statement has elsewhere."""
    stated, cited = _numbers_between(alignment.statement), _numbers_between(alignment.sentence)
    stated_keys, cited_keys = (
        {token.key for token in words if token.kind == "number"} for words in (alignment.statement, alignment.sentence)
    )
    for key, neighbours in stated:
        cited_here = {other for other, other_neighbours in cited if other_neighbours == neighbours}
        if key in cited_keys and key not in cited_here and cited_here & stated_keys:
            shown = key.removeprefix("#")
            yield Discrepancy(f"number of something else in cited text: {shown}", True, shown)


def _numbers_between(words: Sequence[Token]) -> list[tuple[str, tuple[str, str]]]:
    """Return each number with the words before and after it."""
    triples = zip(words, words[1:], words[2:], strict=False)
    return [
        (number.key, (before.key, after.key))
        for before, number, after in triples
        if number.kind == "number" and "number" not in (before.kind, after.kind)
    ]


def check_unit(aligned: AlignedStatement, at: int) -> Iterator[Discrepancy]:
    """Yield why the unit of a number is wrong."""
    own = aligned.statement[at]
    number = aligned.statement[at - 1].key
    for alignment in aligned.alignments:
        if any(
            a.key == number and own.key == (b.key if b.kind == "unit" else c.key)
            for a, b, c in _triples(alignment.sentence)
        ):
            return
    replaced = words_of_kind(aligned.slot(at), "unit")
    yield Discrepancy(
        f"altered: {own.shown} for {replaced}" if replaced else f"unit not in cited text: {own.shown}", True, own.shown
    )


def _triples(words: Sequence[Token]) -> Iterator[tuple[Token, Token, Token]]:
    padded = [*words, words[-1], words[-1]] if words else []
    yield from zip(padded, padded[1:], padded[2:], strict=False)


def check_name(aligned: AlignedStatement, at: int) -> Iterator[Discrepancy]:
    """Yield why an unmatched name is wrong; it may take the place of a pronoun or complete another name."""
    own, slot, name = aligned.statement[at], aligned.slot(at), _unmatched_name(aligned, at)
    replaced = words_of_kind(slot, "name", "number", "month", "weekday")
    replaces_pronoun = any(token.bare in english.PRONOUNS for token in (*slot[:1], *slot[-1:]))
    if own.key in aligned.cited_keys:
        if aligned.changes_voice:
            return
        if not own.opens_sentence and not aligned.is_moved(at) and not aligned.is_capitalised_in_source(own.key):
            yield Discrepancy(f"name not in cited text: {name}", False, name)
            return
        if replaced and not aligned.is_moved(at) and not replaces_pronoun:
            # Two sentences that are cited together may name one thing in two ways: no proof, but no contradiction.
            yield Discrepancy(f"altered: {name} for {replaced}", not _is_in_another_sentence(aligned, at), name)
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


def _is_in_another_sentence(aligned: AlignedStatement, at: int) -> bool:
    """Tell whether another of the cited sentences has the name."""
    nearest, key = aligned.nearest(at), aligned.statement[at].key
    return any(
        token.key == key and token.kind == "name"
        for alignment in aligned.alignments
        if alignment is not nearest
        for token in alignment.sentence
    )


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
    if any(token.bare in lexicon.SPEECH_WORDS for token in aligned.statement[at + 1 : at + 2]):
        return False
    return (
        own.opens_sentence
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
