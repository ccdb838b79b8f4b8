"""All checks of the meaning together."""

from __future__ import annotations

from collections.abc import Iterator

from qa.verification.aligned_statement import AlignedStatement, Discrepancy
from qa.verification.meaning import closed_class, conditions, exclusions, factuality, limits, relations, splices
from qa.verification.meaning.reading import Reading


def find_changed_meaning(aligned: AlignedStatement) -> Iterator[Discrepancy]:
    """Yield what the statement lost or exchanged of its sources' meaning, sentence by sentence."""
    for alignment in aligned.alignments:
        reading = Reading(aligned, alignment)
        yield from factuality.find_lost_embedding(reading)
        yield from conditions.find_lost_condition(reading)
        yield from conditions.find_lost_source(reading)
        yield from exclusions.find_excluded(reading)
        yield from limits.find_lost_limit(reading)
        yield from relations.find_lost_relation(reading)
        yield from closed_class.find_changed_function_words(reading)
        yield from splices.find_spliced_clauses(reading)
        yield from splices.find_exchanged_phrase(reading)
    yield from splices.find_number_of_other_citation(aligned)
