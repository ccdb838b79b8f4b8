"""The last questions with where their answers pointed, so that a rating can be kept with what it is about."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from qa.types import Answer, Question

_REMEMBERED = 2_000  # answers, newest; a rating comes while the answer is on the screen


class Exchanges:
    """Questions and the places that their answers cite, in memory, newest last.

    Neither the answer's words nor the quotes are kept: a takedown of an article must leave none of its text behind.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def note(self, question: Question, answer: Answer) -> None:
        """Remember an answer, and forget the oldest one."""
        self._known[answer.id] = {
            "question": question.question,
            "asked_before": [one.content for one in question.history if one.role == "user"],
            "as_of": question.as_of,
            "collection": question.collection,
            "status": answer.status,
            "mode": answer.mode,
            "model": answer.model,
            "citations": [
                {
                    "article_id": one.source.article_id,
                    "version": one.source.version,
                    "start": one.span.start,
                    "end": one.span.end,
                }
                for one in answer.citations
            ],
        }
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def of(self, answer_id: str) -> dict[str, Any] | None:
        """Return what is known of an answer."""
        return self._known.get(answer_id)
