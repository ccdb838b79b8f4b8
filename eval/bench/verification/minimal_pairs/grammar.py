"""The minimal pairs: each kind of fault in each form of sentence."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from eval.bench.verification.minimal_pairs import detail_kinds, factual_kinds, people_kinds, words
from eval.bench.verification.minimal_pairs.forms import (
    FORMS,
    NEEDS_SISTER,
    NEEDS_SPEAKER,
    Clauses,
    Form,
    Half,
    Vocabulary,
    capitalise,
    coordinated_second,
    plain,
)

# Where a kind takes its own other wording, passive or inverted.
TURNED: dict[Half, Form] = {"train": plain, "report": coordinated_second}
DRAWS: dict[Half, int] = {"train": 1, "report": 2}  # of each entry and form: a third of the entries are in `report`


@dataclass(frozen=True, slots=True)
class GrammarPair:
    """Evidence with a false statement and its true twin."""

    kind: str
    form: str
    half: Half
    evidence: tuple[str, ...]
    false: str
    true: str


@dataclass(frozen=True, slots=True)
class Kind:
    """How the clauses of a fault are made of an entry, and the forms that it cannot have."""

    make: Callable[[Any, Vocabulary, bool], Clauses]
    entries: Sequence[Any]
    without: tuple[Form, ...] = ()


_G, _P, _C = words.GROUP_EVENTS, words.PERSON_EVENTS, words.COUNTED
KINDS: dict[str, Kind] = {
    "planned_as_done": Kind(factual_kinds.planned, _G),
    "asked_as_done": Kind(factual_kinds.asked, _G),
    "denied_dropped": Kind(factual_kinds.denied, _G),
    "condition_dropped": Kind(factual_kinds.condition, _G),
    "attribution_dropped": Kind(factual_kinds.hearsay, _G, NEEDS_SPEAKER),
    "attribution_moved": Kind(factual_kinds.speaker, _G, NEEDS_SPEAKER + NEEDS_SISTER),
    "relation_dropped": Kind(people_kinds.relation, _P),
    "rank_dropped": Kind(people_kinds.rank, _P),
    "kin_changed": Kind(people_kinds.kin, _P, NEEDS_SISTER),
    "role_changed": Kind(people_kinds.role, _P, NEEDS_SISTER),
    "limit_dropped": Kind(detail_kinds.limit, _C),
    "half_of_day": Kind(detail_kinds.half_of_day, _C, NEEDS_SISTER),
    "last_next": Kind(detail_kinds.last_next, _G, NEEDS_SISTER),
    "and_or": Kind(factual_kinds.and_or, _G, NEEDS_SISTER),
    "preposition_changed": Kind(detail_kinds.preposition, _G, NEEDS_SISTER),
    "pronoun_changed": Kind(people_kinds.pronoun, _P, NEEDS_SISTER),
    "number_of_other_clause": Kind(detail_kinds.number_of_clause, _C, NEEDS_SISTER),
    "number_of_other_citation": Kind(detail_kinds.number_of_citation, _C, NEEDS_SISTER),
    "verdict_exchanged": Kind(people_kinds.verdict, _P, NEEDS_SISTER),
    "rather_than": Kind(factual_kinds.rather_than, _G, NEEDS_SISTER),
    "negation_verb_left_out": Kind(factual_kinds.negation, _G),
    "opposite_as_synonym": Kind(detail_kinds.near_word, _G, NEEDS_SISTER),
}


def pairs(seed: int, kinds: Sequence[str] = tuple(KINDS)) -> Iterable[GrammarPair]:
    """Yield the pairs of every kind, form and half: the same ones for the same seed."""
    for kind in kinds:
        for half, forms in FORMS.items():
            usable = [form for form in forms if form not in KINDS[kind].without]
            for form, turned in [*((form, False) for form in usable), (TURNED[half], True)]:
                yield from _pairs_of(kind, half, form, turned, seed)


def _pairs_of(kind: str, half: Half, form: Form, turned: bool, seed: int) -> Iterable[GrammarPair]:
    name = f"turned, {form.__name__}" if turned else form.__name__
    vocabulary = Vocabulary(half, random.Random(zlib.crc32(f"{seed} {kind} {name}".encode())))
    for entry in vocabulary.own(KINDS[kind].entries):
        for _ in range(DRAWS[half]):
            clauses = KINDS[kind].make(entry, vocabulary, turned)
            evidence, false, true = (f"{capitalise(part)}." for part in form(clauses, vocabulary))
            other = (f"{capitalise(clauses.other)}.",) if clauses.other else ()
            yield GrammarPair(kind, name, half, (evidence.replace(".”.", "”."), *other), _end(false), _end(true))


def _end(statement: str) -> str:
    return statement.replace("..", ".")  # "at 6 a.m."
