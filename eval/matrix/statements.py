"""What the check of statements lets through and what it takes away, measured against the gold spans. Pure.

No model judges here. A statement is called wrong or true only by what the gold set says, so both figures are proxies:
docs/evaluation.md says what they can and cannot tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eval.metrics.answer import contains, plain_words, without_markers
from eval.metrics.behaviour import wrong_included
from eval.metrics.span import Place, merge, shared
from eval.metrics.stats import Mark
from eval.runs.scored_item import ScoredItem
from eval.scoring.registry import Metric

Shown = tuple[str, list[Place], list[str]]  # a statement's words, the places that it cites, and their quotes


def false_pass(scored: ScoredItem) -> Mark:
    """Mark how many statements are wrong, of those that are shown as the model wrote them."""
    _require_model(scored)
    scored.require(not scored.item.answerable or bool(scored.item.gold or scored.item.wrong_answers), "no gold span")
    written = _statements(scored, replaced=False)
    return float(sum(is_wrong(scored, statement) for statement in written)), len(written)


def false_strip(scored: ScoredItem) -> Mark:
    """Mark how many statements are not shown as the model wrote them, of those that are true."""
    _require_model(scored)
    whole = scored.reply.get("as_written")
    scored.require(whole is not None, "nothing was taken away")
    shown = {plain_words(words) for words, _, _ in _statements(scored, replaced=False)}
    original = ScoredItem(scored.item, {"error": None, "answer": whole}, scored.texts)
    true = [statement for statement in _statements(original) if is_true(original, statement)]
    return float(sum(plain_words(words) not in shown for words, _, _ in true)), len(true)


def replaced(scored: ScoredItem) -> Mark:
    """Mark how many statements are quotes that stand for a sentence that could not be verified."""
    _require_model(scored)
    statements = scored.answer["statements"]
    return float(sum(_is_replaced(statement) for statement in statements)), len(statements)


def fell_back(scored: ScoredItem) -> Mark:
    """Mark whether the reply was unusable, so that the service quoted the articles instead."""
    scored.require(not scored.failed, "failed")
    return float(scored.answer["mode"] == "extractive"), 1


def is_wrong(scored: ScoredItem, statement: Shown) -> bool:
    """Tell whether the gold set is against a statement.

    It is if the statement gives a wrong answer, or rests on no gold span; a quotation of what it cites never is.
    """
    words, places, quotes = statement
    if _is_quoted(words, quotes):
        return False
    if wrong_included(words, scored.item.wrong_answers, scored.item.right_answers):
        return True
    if scored.item.answerable and not scored.item.gold:
        return False  # the set has no spans: only a wrong answer can be told
    return not _meets_gold(scored, places)


def is_true(scored: ScoredItem, statement: Shown) -> bool:
    """Tell whether the gold set is for a statement, or the words that it cites are its own.

    A gold span may hold it word for word, or it cites one and gives a right answer and no wrong one.
    """
    words, places, quotes = statement
    if _is_quoted(words, [*quotes, *(span.text for span in scored.item.gold)]):
        return True
    right = scored.item.right_answers
    return (
        _meets_gold(scored, places)
        and contains(words, right)
        and not wrong_included(words, scored.item.wrong_answers, right)
    )


def _require_model(scored: ScoredItem) -> None:
    scored.require(not scored.failed, "failed")
    scored.require(scored.answer["mode"] == "llm", "answered without the model")


def _statements(scored: ScoredItem, *, replaced: bool | None = None) -> list[Shown]:
    """Return the statements; with `replaced` only those that are quotes in place of a sentence, or that are not."""
    quotes = {citation["number"]: citation["quote"] for citation in scored.answer["citations"]}
    return [
        (
            without_markers(statement["text"]),
            places,
            [quotes[number] for number in statement["citations"] if number in quotes],
        )
        for statement, places in zip(scored.answer["statements"], scored.cited_by_statement(), strict=True)
        if replaced is None or _is_replaced(statement) == replaced
    ]


def _is_replaced(statement: Mapping[str, Any]) -> bool:
    return bool(statement.get("replaced", False))


def _is_quoted(words: str, quotes: Sequence[str]) -> bool:
    """Tell whether a statement is in one of the quotes, or is a whole one after the name of its outlet and a colon."""
    plain = plain_words(words)
    if not plain:
        return False
    return any(
        contains(quote, [words]) or (f": {quote}" in words and plain.endswith(plain_words(quote))) for quote in quotes
    )


def _meets_gold(scored: ScoredItem, places: Sequence[Place]) -> bool:
    return bool(shared(merge(places), merge(place for place, _ in scored.item.places)))


CHECKED: tuple[Metric, ...] = (
    Metric("false_pass", "lower", false_pass),
    Metric("false_strip", "lower", false_strip),
    Metric("replaced", "lower", replaced),
    Metric("fell_back", "lower", fell_back),
)
AS_WRITTEN: tuple[Metric, ...] = (Metric("false_pass", "lower", false_pass),)
