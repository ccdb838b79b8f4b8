"""One gold question with the reply it got, as metrics read it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from eval.dataset.items import Item, place_of
from eval.metrics import (
    answer as answer_metrics,
    behaviour,
    retrieval,
    span as span_metrics,
    support as support_metrics,
)
from eval.metrics.span import Place

NOTHING_SAID: Mapping[str, Any] = {
    "status": "error",
    "answer": "",
    "citations": [],
    "statements": [],
    "conflicts": [],
    "dates": [],
}


class Unscored(Exception):
    """An item cannot be marked in a metric; the message is the reason."""


@dataclass(frozen=True)
class Case:
    """One item with the reply it got, as metrics read it. A reply that failed says nothing and is wrong everywhere."""

    item: Item
    reply: Mapping[str, Any]
    texts: Mapping[tuple[str, int], str]
    judged: Sequence[support_metrics.Support] | None = None  # what a judge says, statement by statement

    @property
    def failed(self) -> bool:
        """Tell whether asking raised an error."""
        return self.reply["error"] is not None

    @cached_property
    def answer(self) -> Mapping[str, Any]:
        """Return the answer object."""
        found: Mapping[str, Any] = NOTHING_SAID if self.failed else self.reply["answer"]
        return found

    @cached_property
    def refused(self) -> bool:
        """Tell whether it refused; a failure counts as what would have been wrong."""
        return self.item.answerable if self.failed else behaviour.refused(self.answer)

    @cached_property
    def said(self) -> str:
        """Return the words of the answer; a refusal says nothing."""
        return "" if self.refused else answer_metrics.without_markers(self.answer["answer"])

    @cached_property
    def looked(self) -> list[str] | None:
        """Return the ids of the articles that the answer was made from."""
        return [] if self.failed else _ids(self.reply["looked"])

    @cached_property
    def cited(self) -> list[Place]:
        """Return the cited places."""
        return [Place(one["article_id"], one["start"], one["end"]) for one in self.answer["citations"]]

    @cached_property
    def ranking(self) -> list[str]:
        """Return article ids, best first: the hits of the answer and of the deeper search, each before its reprints."""
        hits = [] if self.failed else [*self.reply["looked"], *self.reply["hits"]]
        return retrieval.collapse((hit["article_id"], hit["score"], hit["reprints"]) for hit in hits)

    @cached_property
    def spans(self) -> span_metrics.SpanScores:
        """Return the span scores against the best gold set."""
        return self._scores(self.cited)

    def first(self, k: int, field: Literal["hits", "sentences"]) -> list[dict[str, Any]]:
        """Return the first k chunks or sentences that were found, best first. Raises Unscored where none was kept."""
        if self.failed:
            return []
        found: list[dict[str, Any]] | None = self.reply.get(field)
        self.need(field != "hits" or not self.item.history, "a follow-up is not searched for by its words")
        if found is None:
            raise Unscored(f"the run kept no {field}")
        return found[:k]

    def scores_of(self, found: list[dict[str, Any]]) -> span_metrics.SpanScores:
        """Return the span scores of chunks or sentences that were found."""
        return self._scores([Place(one["article_id"], one["start"], one["end"]) for one in found])

    def _scores(self, places: list[Place]) -> span_metrics.SpanScores:
        self.need_spans()
        return span_metrics.span_scores(places, [[place_of(span) for span in one] for one in self.item.sets])

    @cached_property
    def supported(self) -> list[tuple[list[Place], support_metrics.Support]]:
        """Return the statements with their cited places and what supports them."""
        self.need_spans()
        support = support_metrics.gold_support(self.item.places, self.item.answers)
        return [(cited, support) for cited in self._cited_by_statement()]

    @cached_property
    def judged_supported(self) -> list[tuple[list[Place], support_metrics.Support]]:
        """Return the statements with their cited places and what a judge says of them. It needs no gold span."""
        self.need(self.item.answerable, "unanswerable")
        if self.failed:
            return []
        if self.judged is None:
            raise Unscored("not judged")
        return list(zip(self._cited_by_statement(), self.judged, strict=True))

    def _cited_by_statement(self) -> list[list[Place]]:
        by_number = {one["number"]: place for one, place in zip(self.answer["citations"], self.cited, strict=True)}
        return [
            [by_number[number] for number in one["citations"] if number in by_number]
            for one in self.answer["statements"]
        ]

    def need_spans(self) -> None:
        """Raise Unscored where no span can be measured."""
        self.need(self.item.answerable, "unanswerable")
        self.need(bool(self.item.sets), "no gold span")

    @staticmethod
    def need(holds: bool, otherwise: str) -> None:
        """Raise Unscored with the reason unless it holds."""
        if not holds:
            raise Unscored(otherwise)


def _ids(hits: list[dict[str, Any]]) -> list[str]:
    return [name for hit in hits for name in (hit["article_id"], *hit["reprints"])]
