"""A gold item with the reply that a run got for it: the derived values that the metrics read. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from eval.dataset.items import Item, place_of
from eval.metrics import behaviour
from eval.metrics.answer import without_markers
from eval.metrics.retrieval import collapse
from eval.metrics.span import Place, SpanScores, span_scores
from eval.metrics.support import Support, gold_support

EMPTY_ANSWER: Mapping[str, Any] = {
    "status": "error",
    "answer": "",
    "citations": [],
    "statements": [],
    "conflicts": [],
    "dates": [],
}


class Unscored(Exception):
    """A metric does not apply to an item or cannot be measured on it; the message is the reason."""


@dataclass(frozen=True)
class ScoredItem:
    """A gold item with its reply. A failed reply has an empty answer and counts as wrong in every metric."""

    item: Item
    reply: Mapping[str, Any]
    texts: Mapping[tuple[str, int], str]
    judged: Sequence[Support] | None = None  # a judge's support function for each statement

    @property
    def failed(self) -> bool:
        """Tell whether asking raised an error."""
        return self.reply["error"] is not None

    @cached_property
    def answer(self) -> Mapping[str, Any]:
        """Return the answer object."""
        answer: Mapping[str, Any] = EMPTY_ANSWER if self.failed else self.reply["answer"]
        return answer

    @cached_property
    def refused(self) -> bool:
        """Tell whether the answer is a refusal; a failed reply counts as the wrong one of the two."""
        return self.item.answerable if self.failed else behaviour.refused(self.answer)

    @cached_property
    def answer_text(self) -> str:
        """Return the text of the answer without markers; empty for a refusal."""
        return "" if self.refused else without_markers(self.answer["answer"])

    @cached_property
    def retrieved_ids(self) -> list[str] | None:
        """Return the ids of the articles from which the answer was made."""
        return [] if self.failed else _ids(self.reply["looked"])

    @cached_property
    def cited(self) -> list[Place]:
        """Return the cited places."""
        return [
            Place(citation["article_id"], citation["start"], citation["end"]) for citation in self.answer["citations"]
        ]

    @cached_property
    def ranking(self) -> list[str]:
        """Return article ids, best first, from the hits of the answer and of the deeper search, reprints included."""
        hits = [] if self.failed else [*self.reply["looked"], *self.reply["hits"]]
        return collapse((hit["article_id"], hit["score"], hit["reprints"]) for hit in hits)

    @cached_property
    def span_scores(self) -> SpanScores:
        """Return the span scores of the citations against the best gold set."""
        return self._span_scores(self.cited)

    def top(self, k: int, field: Literal["hits", "sentences"]) -> list[dict[str, Any]]:
        """Return the k best retrieved chunks or sentences. Raises Unscored if the run has none."""
        if self.failed:
            return []
        retrieved: list[dict[str, Any]] | None = self.reply.get(field)
        self.require(field != "hits" or not self.item.history, "a follow-up is not searched for by its words")
        if retrieved is None:
            raise Unscored(f"the run kept no {field}")
        return retrieved[:k]

    def scores_of(self, retrieved: list[dict[str, Any]]) -> SpanScores:
        """Return the span scores of retrieved chunks or sentences."""
        return self._span_scores([Place(chunk["article_id"], chunk["start"], chunk["end"]) for chunk in retrieved])

    def _span_scores(self, places: list[Place]) -> SpanScores:
        self.require_gold_spans()
        return span_scores(places, [[place_of(span) for span in spans] for spans in self.item.sets])

    @cached_property
    def gold_supported(self) -> list[tuple[list[Place], Support]]:
        """Return the cited places of each statement, with the support function of the gold spans."""
        self.require_gold_spans()
        support = gold_support(self.item.places, self.item.answers)
        return [(cited, support) for cited in self.cited_by_statement()]

    @cached_property
    def judged_supported(self) -> list[tuple[list[Place], Support]]:
        """Return the cited places of each statement, with the judge's support function. It needs no gold span."""
        self.require(self.item.answerable, "unanswerable")
        if self.failed:
            return []
        if self.judged is None:
            raise Unscored("not judged")
        return list(zip(self.cited_by_statement(), self.judged, strict=True))

    def cited_by_statement(self) -> list[list[Place]]:
        """Return the cited places of each statement, in the order of the statements."""
        by_number = {
            citation["number"]: place for citation, place in zip(self.answer["citations"], self.cited, strict=True)
        }
        return [
            [by_number[number] for number in statement["citations"] if number in by_number]
            for statement in self.answer["statements"]
        ]

    def require_gold_spans(self) -> None:
        """Raise Unscored if the item has no gold spans to measure against."""
        self.require(self.item.answerable, "unanswerable")
        self.require(bool(self.item.sets), "no gold span")

    @staticmethod
    def require(condition: bool, reason: str) -> None:
        """Raise Unscored with the reason unless the condition holds."""
        if not condition:
            raise Unscored(reason)


def _ids(hits: list[dict[str, Any]]) -> list[str]:
    return [article_id for hit in hits for article_id in (hit["article_id"], *hit["reprints"])]
