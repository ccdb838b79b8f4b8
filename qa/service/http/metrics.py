"""Prometheus metrics of the service. No label contains a question, an article's text, an id or a key.

The only file that imports prometheus_client. Each application has a registry of its own.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from qa.answering.draft import Delta, Event, Retrieved
from qa.answering.generative import PROMPT_TOKENS
from qa.answering.shown_evidence import SHOWN_SENTENCES
from qa.errors import ModelFailed
from qa.llm.prompts import estimate_tokens
from qa.service.http import logs
from qa.service.http.limits import Limits
from qa.service.http.recent_answers import RecentAnswers
from qa.types import Answer, Question, Usage

TEXT_FORMAT = CONTENT_TYPE_LATEST
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class AnswererProtocol(Protocol):
    """An object that answers questions, at once or as a stream of events."""

    def stream(self, question: Question) -> AsyncGenerator[Event, None]:
        """Yield the events of an answer, ending with the Answer."""
        ...

    async def ask(self, question: Question) -> Answer:
        """Return the whole answer."""
        ...


class Metrics:
    """The metrics of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        seconds = partial(Histogram, namespace="qa", registry=self.registry, buckets=_SECONDS)
        count = partial(Counter, namespace="qa", registry=self.registry)
        gauge = partial(Gauge, namespace="qa", registry=self.registry)
        self.requests = seconds("request_seconds", "Requests by route and status.", ["method", "route", "status"])
        self.stages = seconds("answer_stage_seconds", "Time of an answer's stages.", ["stage"])
        self.answers = count("answers", "Answers by status and mode.", ["status", "mode"])
        self.statements = count("statements", "Sentences shown, by how well they are supported.", ["support"])
        self.rejected = count("rejected_statements", "Sentences of a model that were not let in.")
        self.degraded = count("degraded_answers", "Answers made without a part, by part.", ["part"])
        self.incomplete = count("incomplete_answers", "Answers that were cut short.")
        self.upstream = count("upstream_errors", "Answers that failed at the model server, by kind.", ["kind"])
        self.tokens = count("model_tokens", "Tokens that the model server reported.", ["kind"])
        self.in_flight = gauge("questions_in_flight", "Questions that are being answered.")
        self.lag = gauge("index_lag_changes", "Changes of the catalog that an index has not seen.", ["index"])
        self.articles = gauge("articles", "Live articles of the default collection.")

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def note(self, answer: Answer) -> None:
        """Count a finished answer."""
        self.answers.labels(answer.status, answer.mode).inc()
        for stage, spent_ms in answer.timings_ms.items():
            self.stages.labels(stage).observe(spent_ms / 1_000)
        self.rejected.inc(len(answer.rejected))
        for statement in answer.statements:
            self.statements.labels(statement.support).inc()
        for part in answer.degraded:
            self.degraded.labels(part).inc()
        self.incomplete.inc(not answer.complete)
        self.note_tokens(answer.usage)

    def note_tokens(self, usage: Usage) -> None:
        """Count the tokens that the model server reported."""
        self.tokens.labels("prompt").inc(usage.prompt_tokens)
        self.tokens.labels("completion").inc(usage.completion_tokens)


def _log_fields(answer: Answer) -> dict[str, Any]:
    """Return the log fields of an answer."""
    stages = {f"{stage}_ms": spent_ms for stage, spent_ms in answer.timings_ms.items()}
    return {"answer": answer.status, "mode": answer.mode, "degraded": ",".join(answer.degraded), **stages}


@dataclass(slots=True)
class _TokenCost:
    """Tokens of an answer: as reported by the model server at its end, before that an estimate of prompt and output."""

    tokens: int = 0

    def add(self, event: Event) -> None:
        """Take in an event."""
        if isinstance(event, Retrieved) and event.mode == "llm" and event.evidence:
            prompt = (evidence.text for evidence in event.evidence[:SHOWN_SENTENCES])
            self.tokens = min(PROMPT_TOKENS, sum(map(estimate_tokens, prompt)))
        elif isinstance(event, Delta) and self.tokens:
            self.tokens += estimate_tokens(event.text)
        elif isinstance(event, Answer):
            reported = event.usage.prompt_tokens + event.usage.completion_tokens
            if reported or event.mode != "llm":
                self.tokens = reported

    def take(self) -> int:
        """Return the count and reset it, so that no token is charged twice."""
        tokens, self.tokens = self.tokens, 0
        return tokens


class MeteredAnswerer:
    """Wrap an answerer: record metrics, charge token budgets, and remember the answer for feedback."""

    def __init__(
        self, answerer: AnswererProtocol, metrics: Metrics, limits: Limits, recent_answers: RecentAnswers
    ) -> None:
        self._answerer = answerer
        self._recent_answers = recent_answers
        self._metrics = metrics
        self._limits = limits

    async def ask(self, question: Question) -> Answer:
        """Return the whole answer."""
        last: Event | None = None
        async for event in self.stream(question):
            last = event
        assert isinstance(last, Answer), "a stream ends with its answer"
        return last

    async def stream(self, question: Question) -> AsyncGenerator[Event, None]:
        """Yield the events of an answer, the Answer last. A client that leaves early pays for the tokens so far."""
        cost = _TokenCost()
        with self._metrics.in_flight.track_inprogress():
            try:
                async with aclosing(self._answerer.stream(question)) as events:
                    async for event in events:
                        cost.add(event)
                        if isinstance(event, Answer):
                            self._metrics.note(event)
                            logs.note(**_log_fields(event))
                            self._recent_answers.note(question, event)
                            await self._limits.spend(cost.take())
                        yield event
            except ModelFailed as exc:
                self._metrics.upstream.labels(type(exc).__name__).inc()
                raise
            finally:
                await self._limits.spend(cost.take())
