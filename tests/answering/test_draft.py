"""An answer while it is built: which status it ends with, and what each method of a draft records."""

from itertools import product

import pytest

from qa.answering.draft import Delta, Draft, decide_status
from qa.types import Evidence, ShortAnswer, Source, Span, Usage

ANY = None
STATUSES = [
    # has_statements, contradicted, covers_all, complete, status, why
    (False, ANY, ANY, ANY, "not_in_sources", "whatever else happened, nothing is stated"),
    (True, True, ANY, ANY, "conflicting", "a contradiction is what the reader must know first, also of half an answer"),
    (True, False, True, True, "answered", "all of the question, and the reply ended as it should"),
    (True, False, False, True, "partial", "a name of the question is not in the articles, or the model says PARTIAL"),
    (True, False, True, False, "partial", "the reply was cut short: what is missing may be part of the answer"),
    (True, False, False, False, "partial", "cut short, and a part of the question before that"),
]
TEXT = "The bridge opened. It cost 4 million euros."
FIRST = Evidence(Source("a", 1, "0" * 64, None, "Wire", None, "2026-05-04"), Span(0, 18), TEXT[:18], 1.0)


def matches(value, fact) -> bool:
    return value in (ANY, fact)


def begun(mode="llm") -> Draft:
    return Draft("When did it open?", {("a", 1): TEXT}, mode)


@pytest.mark.parametrize("facts", [*product((True, False), repeat=4)])
def test_the_status_follows_from_four_facts(facts):
    """Each of the sixteen combinations is in exactly one line of the table, and has its status."""
    lines = [line for line in STATUSES if all(map(matches, line, facts))]
    assert len(lines) == 1
    has_statements, contradicted, covers_all, complete = facts
    found = decide_status(
        has_statements=has_statements, contradicted=contradicted, covers_all=covers_all, complete=complete
    )
    assert found == lines[0][4]


def test_a_whole_answer_is_answered():
    """A statement, its marker and its citation, and nothing that went wrong."""
    draft = begun()
    draft.write_with("scripted")
    citation, delta = draft.add("The bridge opened.", [FIRST])
    answer = draft.finish("ans_1", {"total": 3})
    assert (answer.status, answer.answer, answer.model) == ("answered", "The bridge opened. [1]", "scripted")
    assert answer.citations == (citation,) and delta == Delta(answer.answer)
    assert draft.cited_versions() == {("a", 1)} and not draft.is_empty


def test_nothing_added_is_not_in_the_sources():
    """The text of the refusal is not a statement."""
    answer = begun().finish("ans_1", {})
    assert (answer.status, answer.statements, answer.complete) == ("not_in_sources", (), True)
    assert answer.answer == "The articles do not answer this question."


@pytest.mark.parametrize(("verb", "complete"), [("cover_part", True), ("cut_short", False)])
def test_a_part_and_a_cut_reply_are_partial(verb, complete):
    """Only the reply that was cut short is not complete."""
    draft = begun()
    draft.add("The bridge opened.", [FIRST])
    getattr(draft, verb)()
    answer = draft.finish("ans_1", {})
    assert (answer.status, answer.complete) == ("partial", complete)


def test_what_was_rejected_spent_and_degraded_is_in_the_answer():
    """Tokens add up over calls; parts that failed stay in the order in which they did."""
    draft = begun()
    draft.reject("cites nothing", "It rained.")
    draft.spend(Usage(10, 5))
    draft.spend(Usage(3, 2))
    draft.degrade("rewrite")
    draft.degrade("vectors", "lexical_behind")
    draft.rate_confidence(0.25)
    answer = draft.finish("ans_1", {})
    assert [(rejected.reason, rejected.text) for rejected in answer.rejected] == [("cites nothing", "It rained.")]
    assert (answer.usage, answer.confidence) == (Usage(13, 7), 0.25)
    assert answer.degraded == ("rewrite", "vectors", "lexical_behind")


def test_a_model_that_fails_before_its_first_statement_is_only_degraded():
    """The answer becomes extractive and complete, whatever the model wrote before, and `degraded` says why."""
    draft = begun()
    draft.write_with("scripted")
    draft.cover_part()
    draft.cut_short()
    draft.lose_model()
    assert draft.mode == "extractive" and draft.is_empty
    draft.add("The bridge opened.", [FIRST])
    answer = draft.finish("ans_1", {})
    assert (answer.status, answer.mode, answer.model) == ("answered", "extractive", None)
    assert (answer.complete, answer.degraded) == (True, ("llm",))


def test_a_model_that_fails_later_leaves_its_statements_cut_short():
    """They were sent already."""
    draft = begun()
    draft.write_with("scripted")
    draft.add("The bridge opened.", [FIRST])
    draft.lose_model()
    answer = draft.finish("ans_1", {})
    assert (answer.status, answer.mode, answer.model) == ("partial", "llm", "scripted")
    assert (answer.complete, answer.degraded) == (False, ("llm",))


def test_a_short_answer_is_inside_what_is_cited():
    """Its words are the article's; without a statement, or outside the cited sentence, there is none."""
    second = Evidence(FIRST.source, Span(19, 43), TEXT[19:43], 1.0)
    draft = begun("extractive")
    draft.give_short_answer(second, Span(27, 42))
    assert draft.finish("ans_1", {}).short_answer is None
    draft.add("The bridge opened.", [FIRST])
    assert draft.finish("ans_1", {}).short_answer is None, "the sentence is not cited"
    draft.add("It cost 4 million euros.", [second])
    answer = draft.finish("ans_1", {})
    assert answer.short_answer == ShortAnswer("4 million euros", 2, 27, 42)
    assert str(answer).startswith("4 million euros\n\nThe bridge opened. [1] It cost")
    draft.give_short_answer(second, Span(11, 42))
    assert draft.finish("ans_1", {}).short_answer is None, "it begins before the sentence"
    draft.give_short_answer(FIRST, Span(4, 10))
    assert draft.finish("ans_1", {}).short_answer == ShortAnswer("bridge", 1, 4, 10), "the latest counts"
