"""The most recent questions and the spans that their answers cite, so that feedback can be stored with them."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from qa.types import Answer, Question

_MAX_ANSWERS = 2_000  # enough: a rating comes while the answer is on the screen


class RecentAnswers:
    """Questions and the spans that their answers cite, in memory, newest last.

    Neither answer texts nor quotes are kept: taking an article down must leave none of its text behind.
    """

    def __init__(self) -> None:
        self._by_id: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def note(self, question: Question, answer: Answer) -> None:
        """Remember an answer, and forget the oldest if there are too many."""
        self._by_id[answer.id] = {
            "question": question.question,
            "asked_before": [turn.content for turn in question.history if turn.role == "user"],
            "as_of": question.as_of,
            "collection": question.collection,
            "status": answer.status,
            "mode": answer.mode,
            "model": answer.model,
            "citations": [
                {
                    "article_id": citation.source.article_id,
                    "version": citation.source.version,
                    "start": citation.span.start,
                    "end": citation.span.end,
                }
                for citation in answer.citations
            ],
        }
        while len(self._by_id) > _MAX_ANSWERS:
            self._by_id.popitem(last=False)

    def get(self, answer_id: str) -> dict[str, Any] | None:
        """Return what was remembered about an answer."""
        return self._by_id.get(answer_id)
