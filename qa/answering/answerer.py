"""Answer questions with a citation for every sentence: quoted from the articles, or written by a model and checked.

In both modes one `Draft` (draft.py) collects the statements, so numbering, markers, stream and status are the same.
An answer is always made as a stream; `ask` reads it to its end.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeVar, TypeVarTuple

from anyio import CapacityLimiter, to_thread

from qa.answering import extractive, short_answer
from qa.answering.draft import Delta, Draft, Event, Retrieved
from qa.answering.generative import CallBudget, ModelAnswerer
from qa.catalog.catalog import Catalog
from qa.conflicts import find
from qa.errors import BadQuestion, ModelFailed, ModelUnusable, StoreFailed
from qa.llm.prompts import Prompts
from qa.llm.protocols import ChatModel
from qa.query import history, rewrite
from qa.query.analysis import KINDS_WITH_FORM, AnalysedQuestion
from qa.query.follow_ups import Standalone, carry_over
from qa.query.rewrite import Rewritten
from qa.retrieval.retriever import Retriever, SearchResult, day_asked, utc_today
from qa.retrieval.sentence_ranker import EvidenceRanker, Ranked
from qa.tracing import StageTimer
from qa.types import Answer, Embedder, EntailmentJudge, Question, SearchBounds, Turn

MAX_QUESTION_CHARS = 2_000
# How many chunks are read for sentences, as a multiple of `top_k`. Few sentences have a length or a sum, and these
# seldom share the most words with the question: for such questions it pays to read further.
READ, READ_WITH_FORM = 2, 5
CALLS = 3  # to the model server for one question: the rewriting of a follow-up, the answer and all retries
SURE = 0.8  # the confidence of retrieval from which on a model's "not in the sources" is not believed
REWRITE_SHARE = 0.25  # of the time to the deadline: a slow rewriting leaves the rest for the answer

_log = logging.getLogger(__name__)

T = TypeVar("T")
Args = TypeVarTuple("Args")


@dataclass(frozen=True, slots=True)
class PreparedQuestion:
    """A question with all that is worked out from it, once, before the search."""

    turns: tuple[Turn, ...]  # the conversation as plain text
    standalone: Standalone
    analysed: AnalysedQuestion
    bounds: SearchBounds


def prepare(question: Question, today: date) -> PreparedQuestion:
    """Analyse a question of this day; a follow-up takes words from its conversation."""
    turns = history.clean(question.history)
    return _prepare_standalone(question, turns, carry_over(question.question, turns), today)


def _prepare_standalone(
    question: Question, turns: tuple[Turn, ...], standalone: Standalone, today: date
) -> PreparedQuestion:
    analysed = standalone.analyse()
    chunks = (READ_WITH_FORM if analysed.kind in KINDS_WITH_FORM else READ) * question.top_k
    bounds = SearchBounds(today, question.collection, question.filters, chunks)
    return PreparedQuestion(turns, standalone, analysed, bounds)


class Answerer:
    """Answer questions. One per process; safe to use from many tasks at once."""

    def __init__(
        self,
        catalog: Catalog,
        retriever: Retriever,
        ranker: EvidenceRanker,
        model: ChatModel | None,
        prompts: Prompts,
        *,
        embedder: Embedder | None = None,
        entailment_judge: EntailmentJudge | None = None,
        default_mode: Literal["auto", "extractive", "llm"] = "auto",
        on_llm_failure: Literal["extractive", "error"] = "extractive",
        unsupported: Literal["drop", "mark"] = "drop",
        deadline_s: float = 60.0,
        threads: int = 4,
        today: Callable[[], date] = utc_today,
    ) -> None:
        self._catalog = catalog
        self._retriever = retriever
        self._ranker = ranker
        self._model = model
        self._model_answerer = (
            None if model is None else ModelAnswerer(model, prompts, embedder, unsupported, entailment_judge)
        )
        self._prompts = prompts
        self._default_mode = default_mode
        self._on_llm_failure = on_llm_failure
        self._deadline_s = deadline_s
        self._limiter = CapacityLimiter(threads)
        self._today = today

    async def ask(self, question: Question) -> Answer:
        """Return the whole answer. Raises BadQuestion, StoreFailed and, by setting, ModelFailed."""
        last: Event | None = None
        async for event in self.stream(question):
            last = event
        assert isinstance(last, Answer), "a stream ends with its answer"
        return last

    async def stream(self, question: Question) -> AsyncGenerator[Event, None]:
        """Yield `Retrieved`, then `Delta` and each `Citation` before its marker, last the whole `Answer`.

        Without a model a `ShortAnswer` comes before the first `Delta`, unless the articles contradict each other.
        """
        self._catalog.check_open()
        mode = self._mode(question)
        timer = StageTimer()
        deadline = timer.began + self._deadline_s
        prepared = await self._in_thread(prepare, question, day_asked(question.as_of, self._today))
        today = prepared.bounds.today
        rewritten: Rewritten | None = None
        if mode == "llm" and prepared.standalone.is_follow_up:
            rewritten = await self._rewrite(question.question, prepared.turns, today, deadline, timer)
            if rewritten.standalone is not None:
                prepared = await self._in_thread(
                    _prepare_standalone, question, prepared.turns, rewritten.standalone, today
                )
        result, ranked, texts = await self._in_thread(self._find, prepared, timer)
        draft = Draft(str(prepared.standalone), texts, mode)
        if rewritten is not None:
            draft.spend(rewritten.usage)
            if rewritten.standalone is None:
                draft.degrade("rewrite")
        draft.degrade(*result.degraded, *ranked.degraded)
        yield Retrieved(result.hits, ranked.evidence, mode)
        if mode == "llm" and ranked.evidence:
            assert self._model_answerer is not None
            budget = CallBudget(deadline, CALLS if rewritten is None else CALLS - rewrite.CALLS)
            writing = self._model_answerer.write(draft, ranked.evidence, today, budget, timer, question.wishes)
            try:
                async with aclosing(writing) as events:
                    async for event in events:
                        yield event
            except ModelFailed as exc:
                _log.warning("model failed: %s", exc)
                if self._on_llm_failure == "error" and draft.is_empty:
                    raise
                draft.lose_model("llm_unusable" if isinstance(exc, ModelUnusable) else "llm")
            # Both must say that there is no answer: a model that gives up is no proof.
            if draft.mode == "llm" and draft.is_empty and await self._in_thread(_finds_answer, result, ranked):
                draft.lose_model("llm_unusable")
        add_rest = _quote if draft.mode == "extractive" else _complete
        for event in await self._in_thread(add_rest, result, ranked, draft, timer):
            yield event
        answer = await self._in_thread(self._finish, question.collection, draft, timer)
        if answer.status == "not_in_sources":
            yield Delta(answer.answer)
        yield answer

    async def _in_thread(self, work: Callable[[*Args], T], *args: *Args) -> T:
        """Run a computation in a thread, because on the event loop every other answer would wait for it."""
        return await to_thread.run_sync(work, *args, limiter=self._limiter)

    def _mode(self, question: Question) -> Literal["extractive", "llm"]:
        if not question.question.strip():
            raise BadQuestion("question is empty", "question")
        if len(question.question) > MAX_QUESTION_CHARS:
            raise BadQuestion(f"question is longer than {MAX_QUESTION_CHARS} characters", "question")
        mode = question.mode if question.mode != "auto" else self._default_mode
        if mode == "llm" and self._model is None:
            raise BadQuestion("mode llm needs a model: set QA_LLM_MODEL", "mode")
        return "llm" if mode != "extractive" and self._model is not None else "extractive"

    async def _rewrite(
        self, question: str, turns: Sequence[Turn], today: date, deadline: float, timer: StageTimer
    ) -> Rewritten:
        assert self._model is not None
        until = min(deadline, time.monotonic() + REWRITE_SHARE * self._deadline_s)
        with timer.stage("rewrite"):
            return await rewrite.rewrite(question, turns, today, self._model, self._prompts, until)

    def look(self, question: Question) -> tuple[SearchResult, Ranked, dict[tuple[str, int], str]]:
        """Return the hits, their ranked sentences, and the texts of their articles by (id, version)."""
        return self._find(prepare(question, day_asked(question.as_of, self._today)), StageTimer())

    def _find(
        self, prepared: PreparedQuestion, timer: StageTimer
    ) -> tuple[SearchResult, Ranked, dict[tuple[str, int], str]]:
        with timer.stage("retrieve"):
            result = self._retriever.search(prepared.analysed, prepared.bounds)
        with timer.stage("evidence"):
            # An article that was taken down since the search has no text here, and may not be cited any more.
            texts = self._catalog.texts(
                prepared.bounds.collection, {(hit.source.article_id, hit.source.version) for hit in result.hits}
            )
            ranked = self._ranker.rank(result.question, result.hits, texts, prepared.bounds.today)
        return result, ranked, texts

    def _finish(self, collection: str, draft: Draft, timer: StageTimer) -> Answer:
        """Return the whole answer."""
        with timer.stage("verify"):
            if not draft.is_empty and self._is_withdrawn(collection, draft.cited_versions()):
                draft.degrade("withdrawn")
        return draft.finish(f"ans_{secrets.token_hex(12)}", timer.timings_ms())

    def _is_withdrawn(self, collection: str, cited: set[tuple[str, int]]) -> bool:
        """Tell whether a cited version has been taken down: its words were sent and cannot be looked up again."""
        try:
            return self._catalog.texts(collection, cited).keys() != cited
        except StoreFailed:  # the answer is whole; the next question will report the failing catalog
            return False


def _finds_answer(result: SearchResult, ranked: Ranked) -> bool:
    """Tell whether retrieval is sure of an answer that the model says is not there."""
    return extractive.confidence(result.question, ranked) >= SURE


def _quote(result: SearchResult, ranked: Ranked, draft: Draft, timer: StageTimer) -> list[Event]:
    """Add the sentences that answer to the draft and return their events, the short answer first."""
    with timer.stage("evidence"):
        chosen = extractive.choose(result.question, ranked)
        draft.rate_confidence(round(extractive.confidence(result.question, ranked), 4))
    events = [event for sentence in chosen for event in draft.add(sentence.text, sentence.cited)]
    if chosen and not chosen[0].covers:
        draft.cover_part()
    if chosen and chosen[0].short is not None:
        draft.give_short_answer(chosen[0].cited[0], chosen[0].short)
    events += _note_conflicts(result, ranked, draft, timer)
    short = draft.short_answer
    return events if short is None else [short, *events]


def _complete(result: SearchResult, ranked: Ranked, draft: Draft, timer: StageTimer) -> list[Event]:
    """Add what a model does not write: the short answer, from what its first statement cites, and the conflicts."""
    readings = {
        (evidence.source, evidence.span): (evidence, features.reading)
        for evidence, features in zip(ranked.evidence, ranked.features, strict=True)
    }
    for citation in draft.first_cited():
        if (citation.source, citation.span) not in readings:  # a neighbour, which was not ranked
            continue
        evidence, reading = readings[citation.source, citation.span]
        short = short_answer.find(result.question, evidence, reading)
        if short is not None:
            draft.give_short_answer(evidence, short)
            break
    return _note_conflicts(result, ranked, draft, timer)


def _note_conflicts(result: SearchResult, ranked: Ranked, draft: Draft, timer: StageTimer) -> list[Event]:
    """Return the events of the sides of a conflict that were not quoted yet."""
    with timer.stage("verify"):
        return draft.note_conflicts(find.find(result.question, ranked))
