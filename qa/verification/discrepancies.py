"""Find where a statement differs from the sentences it cites: each discrepancy with its reason. Pure.

A hard discrepancy makes a statement unsupported, a soft one keeps it from being fully supported.
"""

from __future__ import annotations

from collections.abc import Iterator

from qa.verification.aligned_statement import NEAR_COPY, AlignedStatement, Discrepancy
from qa.verification.alignment import find_exchanged_names
from qa.verification.meaning import find_changed_meaning
from qa.verification.name_checks import check_name, check_spelling, is_sentence_capital
from qa.verification.number_checks import check_bound, check_number, check_unit, find_swapped_numbers
from qa.verification.wording_checks import (
    check_modal,
    check_negation,
    check_word,
    find_exchanged_words,
    find_lost,
    find_swapped_roles,
)


def find_discrepancies(aligned: AlignedStatement) -> Iterator[Discrepancy]:
    """Yield every discrepancy of the statement, word by word."""
    for at, token in enumerate(aligned.statement):
        if aligned.is_matched(at):
            yield from check_spelling(aligned, at)
            yield from check_bound(aligned, at)
        elif token.kind in ("number", "month", "weekday"):
            yield from check_number(aligned, at)
        elif token.kind == "unit" and at and aligned.statement[at - 1].kind == "number":
            yield from check_unit(aligned, at)
        elif token.kind == "name" and not is_sentence_capital(aligned, at):
            yield from check_name(aligned, at)
        elif token.kind == "negation":
            yield from check_negation(aligned, at)
        elif token.kind == "modal":
            yield from check_modal(aligned, at)
        else:
            yield from check_word(aligned, at)
    for alignment, name_blind in zip(aligned.alignments, aligned.name_blind, strict=True):
        yield from find_lost(aligned, alignment)
        yield from find_swapped_roles(alignment)
        yield from find_swapped_numbers(alignment)
        yield from find_exchanged_words(alignment)
        is_copy = aligned.is_near_copy and not aligned.changes_voice and name_blind.matched_share() >= NEAR_COPY
        pair = find_exchanged_names(alignment, name_blind, aligned.alignments) if is_copy else None
        if pair is not None:
            yield Discrepancy(f"altered: {pair[0]} for {pair[1]}", pair[2], pair[0])
    yield from find_changed_meaning(aligned)
