"""From a question to an answer whose every sentence is cited: extractive, or written by a model and checked.

Both modes build the answer statement by statement through one `Draft` (draft.py), so that numbering, markers and the
stream are the same. A stream is the only way an answer is made; `ask` reads it to its end.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Literal, TypeVar, TypeVarTuple

from anyio import CapacityLimiter, to_thread

from qa.answering import extractive
from qa.answering.draft import Clock, Delta, Draft, Event, Looked
from qa.answering.generative import Terms, Writer
from qa.catalog.catalog import Catalog
from qa.conflicts import find
from qa.errors import BadQuestion, ModelFailed, StoreFailed
from qa.llm.prompts import Prompts
from qa.llm.protocols import ChatModel
from qa.query import history, rewrite
from qa.query.analysis import FORMAL, kind_of
from qa.query.follow_ups import Standalone, carry_over, depends
from qa.query.history import NOT_IN_SOURCES
from qa.retrieval.retriever import Retrieved, Retriever
from qa.retrieval.sentence_ranker import EvidenceRanker, Ranked
from qa.types import Answer, Embedder, Question, Status

MAX_QUESTION_CHARS = 2_000
# Chunks read for sentences, for each one asked for. A length or a sum stands in few sentences, and seldom in those that
# share the most words with the question: there it pays to read further.
READ, READ_FORMAL = 2, 5
CALLS = 3  # upstream, for one question: the rewriting of a follow-up, asking again and the answer together
REWRITE_SHARE = 0.25  # of the deadline: what a slow server must leave for the answer

_log = logging.getLogger(__name__)

T = TypeVar("T")
Args = TypeVarTuple("Args")


class Answerer:
    """Answer questions. One for a process; safe to use from many tasks at once."""

    def __init__(
        self,
        catalog: Catalog,
        retriever: Retriever,
        ranker: EvidenceRanker,
        model: ChatModel | None,
        prompts: Prompts,
        *,
        embedder: Embedder | None = None,
        default_mode: Literal["auto", "extractive", "llm"] = "auto",
        on_llm_failure: Literal["extractive", "error"] = "extractive",
        unsupported: Literal["drop", "mark"] = "drop",
        deadline_s: float = 60.0,
        threads: int = 4,
    ) -> None:
        self._catalog = catalog
        self._retriever = retriever
        self._ranker = ranker
        self._model = model
        self._writer = None if model is None else Writer(model, prompts, embedder, unsupported)
        self._prompts = prompts
        self._default_mode = default_mode
        self._on_llm_failure = on_llm_failure
        self._deadline_s = deadline_s
        self._limiter = CapacityLimiter(threads)

    async def ask(self, question: Question) -> Answer:
        """Return the whole answer. Raises BadQuestion, StoreFailed and, by setting, ModelFailed."""
        last: Event | None = None
        async for event in self.stream(question):
            last = event
        assert isinstance(last, Answer), "a stream ends with its answer"
        return last

    async def stream(self, question: Question) -> AsyncGenerator[Event, None]:
        """Yield `Looked`, then `Delta` and each `Citation` before its marker, last the whole `Answer`."""
        self._catalog.check_open()
        mode = self._mode(question)
        clock = Clock()
        terms = Terms(clock.began + self._deadline_s, CALLS)
        draft = Draft({}, [])
        standalone, terms = await self._understood(question, mode, draft, terms, clock)
        retrieved, ranked, draft.texts = await self._aside(self.look, question, standalone, clock)
        draft.degraded += retrieved.degraded
        yield Looked(retrieved.hits, ranked.evidence, mode)
        if mode == "llm" and ranked.evidence:
            assert self._writer is not None
            writing = self._writer.write(_day(question), ranked.evidence, draft, terms, clock, question.wishes)
            try:
                async with aclosing(writing) as events:
                    async for event in events:
                        yield event
            except ModelFailed as exc:
                _log.warning("model failed: %s", exc)
                if self._on_llm_failure == "error" and not draft.statements:
                    raise
                draft.degraded.append("llm")
                draft.complete = False
                if not draft.statements:  # nothing was sent yet: answer without the model
                    mode, draft.complete = "extractive", True
        if mode == "extractive":
            for said in await self._aside(_compose, retrieved, ranked, draft, clock):
                yield said
        missing, answer = await self._aside(self._finish, mode, question.collection, retrieved, ranked, draft, clock)
        for said in missing:
            yield said
        if not draft.statements:
            yield Delta(NOT_IN_SOURCES)
        yield answer

    async def _aside(self, work: Callable[[*Args], T], *args: *Args) -> T:
        """Compute off the event loop, on which every other answer waits."""
        return await to_thread.run_sync(work, *args, limiter=self._limiter)

    def _mode(self, question: Question) -> Literal["extractive", "llm"]:
        if not question.question.strip():
            raise BadQuestion("question is empty", "question")
        if len(question.question) > MAX_QUESTION_CHARS:
            raise BadQuestion(f"question is longer than {MAX_QUESTION_CHARS} characters", "question")
        asked = question.mode if question.mode != "auto" else self._default_mode
        if asked == "llm" and self._model is None:
            raise BadQuestion("mode llm needs a model: set QA_LLM_MODEL", "mode")
        return "llm" if asked != "extractive" and self._model is not None else "extractive"

    async def _understood(
        self, question: Question, mode: Literal["extractive", "llm"], draft: Draft, terms: Terms, clock: Clock
    ) -> tuple[Standalone, Terms]:
        """Return the question as it stands alone, and what is left for the answer."""
        turns = history.clean(question.history)
        standalone = carry_over(question.question, turns)
        if mode == "llm" and self._model is not None and turns and depends(question.question):
            until = min(terms.deadline, time.monotonic() + REWRITE_SHARE * self._deadline_s)
            with clock.stage("rewrite"):
                rewritten = await rewrite.rewrite(
                    question.question, turns, _day(question), self._model, self._prompts, until
                )
            draft.usage = rewritten.usage
            terms = Terms(terms.deadline, terms.calls - rewrite.CALLS)
            if rewritten.standalone is None:
                draft.degraded.append("rewrite")
            standalone = rewritten.standalone or standalone
        draft.question = str(standalone)
        return standalone, terms

    def look(
        self, question: Question, standalone: Standalone | None = None, clock: Clock | None = None
    ) -> tuple[Retrieved, Ranked, dict[tuple[str, int], str]]:
        """Return the hits, their ranked sentences, and the texts of their articles by (id, version)."""
        clock = clock or Clock()
        standalone = standalone or carry_over(question.question, history.clean(question.history))
        with clock.stage("retrieve"):
            retrieved = self._retriever.search(
                standalone,
                collection=question.collection,
                filters=question.filters,
                as_of=question.as_of,
                top_k=(READ_FORMAL if kind_of(standalone.question) in FORMAL else READ) * question.top_k,
            )
        with clock.stage("evidence"):
            # What was taken down since it was found is not among them: it may not be cited any more.
            texts = self._catalog.texts(
                question.collection, {(hit.source.article_id, hit.source.version) for hit in retrieved.hits}
            )
            ranked = self._ranker.rank(retrieved.asked, retrieved.hits, texts)
        return retrieved, ranked, texts

    def _finish(
        self,
        mode: Literal["extractive", "llm"],
        collection: str,
        retrieved: Retrieved,
        ranked: Ranked,
        draft: Draft,
        clock: Clock,
    ) -> tuple[list[Event], Answer]:
        """Return what is still to be said of disagreements, and the whole answer."""
        with clock.stage("verify"):
            missing = draft.note_conflicts(find.find(retrieved.asked, ranked), quote=mode == "extractive")
            if draft.statements and self._withdrawn(collection, draft):
                draft.degraded.append("withdrawn")
        return missing, self._answer(mode, draft, clock)

    def _withdrawn(self, collection: str, draft: Draft) -> bool:
        """Tell whether a cited version was taken down meanwhile: its words were sent and cannot be looked up again."""
        cited = {(one.source.article_id, one.source.version) for one in draft.numbering.all()}
        try:
            return self._catalog.texts(collection, cited).keys() != cited
        except StoreFailed:  # the answer is whole; the next question will say that the catalog is away
            return False

    def _answer(self, mode: Literal["extractive", "llm"], draft: Draft, clock: Clock) -> Answer:
        status: Status = "partial" if draft.partial or not draft.complete else "answered"
        if any(one.kind == "contradiction" for one in draft.conflicts):
            status = "conflicting"
        return Answer(
            id=f"ans_{secrets.token_hex(12)}",
            status=status if draft.statements else "not_in_sources",
            answer=draft.text if draft.statements else NOT_IN_SOURCES,
            statements=tuple(draft.statements),
            citations=draft.numbering.all(),
            conflicts=tuple(draft.conflicts),
            dates=draft.dates(),
            rejected=tuple(draft.rejected),
            mode=mode,
            model=draft.model if mode == "llm" else None,
            degraded=tuple(draft.degraded),
            complete=draft.complete,
            usage=draft.usage,
            timings_ms=clock.timings_ms(),
            question=draft.question,
            confidence=draft.confidence,
        )


def _compose(retrieved: Retrieved, ranked: Ranked, draft: Draft, clock: Clock) -> list[Event]:
    """Fill the draft with sentences of the articles; return what a stream sends of them."""
    with clock.stage("evidence"):
        chosen = extractive.choose(retrieved.asked, ranked)
        draft.confidence = round(extractive.confidence(retrieved.asked, ranked), 4)
    said = [event for one in chosen for event in draft.add(one.text, one.cited)]
    draft.partial = bool(chosen) and not chosen[0].covers
    return said


def _day(question: Question) -> str:
    return question.as_of or datetime.now(UTC).date().isoformat()
