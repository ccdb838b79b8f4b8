"""Where a statement departs from the sentences it cites: each departure with its reason. Pure.

A hard departure makes a statement unsupported, a soft one keeps it from being fully supported.
"""

from __future__ import annotations

from collections.abc import Iterator

from qa.verification.alignment import exchanged
from qa.verification.case import CLOSE, Case, Departure
from qa.verification.fact_checks import (
    check_bound,
    check_name,
    check_number,
    check_spelling,
    check_unit,
    find_swapped_numbers,
    opens_only,
)
from qa.verification.wording_checks import (
    check_modal,
    check_negation,
    check_word,
    find_exchanged_words,
    find_lost,
    find_swapped_roles,
)


def find_departures(case: Case) -> Iterator[Departure]:
    """Yield every departure of the statement, word by word."""
    for at, token in enumerate(case.statement):
        if case.placed(at):
            yield from check_spelling(case, at)
            yield from check_bound(case, at)
        elif token.kind in ("number", "month", "weekday"):
            yield from check_number(case, at)
        elif token.kind == "unit" and at and case.statement[at - 1].kind == "number":
            yield from check_unit(case, at)
        elif token.kind == "name" and not opens_only(case, at):
            yield from check_name(case, at)
        elif token.kind == "negation":
            yield from check_negation(case, at)
        elif token.kind == "modal":
            yield from check_modal(case, at)
        else:
            yield from check_word(case, at)
    for one, blind in zip(case.alignments, case.blind, strict=True):
        yield from find_lost(case, one)
        yield from find_swapped_roles(one)
        yield from find_swapped_numbers(one)
        yield from find_exchanged_words(one)
        pair = exchanged(one, blind) if case.close and not case.turned and blind.share() >= CLOSE else None
        if pair is not None:
            yield Departure(f"altered: {pair[0]} for {pair[1]}", True, pair[0])
