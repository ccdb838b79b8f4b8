"""From a question to an answer whose every sentence is cited: extractive, or written by a model and checked.

Both modes build the answer statement by statement through one `Draft` (draft.py), so that numbering, markers and the
stream are the same. A stream is the only way an answer is made; `ask` reads it to its end.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime
from typing import Literal

from anyio import CapacityLimiter, to_thread

from qa import conflicts, extractive, verification
from qa.catalog import Catalog
from qa.chat import ChatModel, Message, TextPiece
from qa.draft import Delta, Draft, Event, Looked
from qa.errors import BadQuestion, ModelFailed, NotFound
from qa.evidence import EvidenceRanker, Ranked
from qa.prompts import Prompts, evidence_block, make_fence, make_ids
from qa.questions import FORMAL, kind_of
from qa.reply import Parsed, ReplyParser, Sentence
from qa.retrieval import Retrieved, Retriever
from qa.types import Answer, Evidence, Question, Rejected, Status

NOT_IN_SOURCES = "The articles do not answer this question."
MAX_QUESTION_CHARS = 2_000
# Chunks read for sentences, for each one asked for. A length or a sum stands in few sentences, and seldom in those that
# share the most words with the question: there it pays to read further.
READ, READ_FORMAL = 2, 5
SHOWN_SENTENCES = 24  # what a model is given to read
MAX_REPLY_TOKENS = 700

_log = logging.getLogger(__name__)


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
        self._prompts = prompts
        self._default_mode = default_mode
        self._on_llm_failure = on_llm_failure
        self._unsupported = unsupported
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
        mode = self._mode(question)
        clock = _Clock()
        deadline = clock.began + self._deadline_s
        retrieved, ranked, texts = await to_thread.run_sync(self.look, question, clock, limiter=self._limiter)
        yield Looked(retrieved.hits)
        draft = Draft(texts, list(retrieved.degraded))
        if mode == "llm" and ranked.evidence:
            try:
                async with aclosing(self._written(question, ranked, draft, deadline, clock)) as events:
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
            with clock.stage("evidence"):
                chosen = extractive.choose(retrieved.asked, ranked)
            for statement in chosen:
                for said in draft.add(statement.text, statement.cited, "supported", ()):
                    yield said
            draft.partial = bool(chosen) and not chosen[0].covers
        if draft.statements:
            with clock.stage("verify"):
                missing = draft.note_conflicts(conflicts.find(retrieved.asked, ranked))
            for said in missing:
                yield said
        else:
            yield Delta(NOT_IN_SOURCES)
        yield self._answer(mode, draft, clock)

    def _mode(self, question: Question) -> Literal["extractive", "llm"]:
        if not question.question.strip():
            raise BadQuestion("question is empty", "question")
        if len(question.question) > MAX_QUESTION_CHARS:
            raise BadQuestion(f"question is longer than {MAX_QUESTION_CHARS} characters", "question")
        asked = question.mode if question.mode != "auto" else self._default_mode
        if asked == "llm" and self._model is None:
            raise BadQuestion("mode llm needs a model: set QA_LLM_MODEL", "mode")
        return "llm" if asked != "extractive" and self._model is not None else "extractive"

    def look(
        self, question: Question, clock: _Clock | None = None
    ) -> tuple[Retrieved, Ranked, dict[tuple[str, int], str]]:
        """Return the hits, their ranked sentences, and the texts of their articles by (id, version)."""
        clock = clock or _Clock()
        with clock.stage("retrieve"):
            retrieved = self._retriever.search(
                question.question,
                collection=question.collection,
                filters=question.filters,
                as_of=question.as_of,
                top_k=(READ_FORMAL if kind_of(question.question) in FORMAL else READ) * question.top_k,
            )
        with clock.stage("evidence"):
            texts: dict[tuple[str, int], str] = {}
            for source in {hit.source for hit in retrieved.hits}:
                try:
                    found = self._catalog.text(question.collection, source.article_id, source.version)
                except NotFound:  # taken down since it was found: it may not be cited any more
                    continue
                texts[source.article_id, source.version] = found.text
            ranked = self._ranker.rank(retrieved.asked, retrieved.hits, texts)
        return retrieved, ranked, texts

    async def _written(
        self, question: Question, ranked: Ranked, draft: Draft, deadline: float, clock: _Clock
    ) -> AsyncGenerator[Event, None]:
        assert self._model is not None
        draft.model = self._model.name
        shown = ranked.evidence[:SHOWN_SENTENCES]
        by_id = dict(zip(make_ids(len(shown)), shown, strict=True))
        fence = make_fence()
        messages = [
            Message("system", self._prompts.system),
            Message(
                "user",
                self._prompts.user(
                    question=question.question,
                    as_of=question.as_of or datetime.now(UTC).date().isoformat(),
                    evidence=evidence_block(list(by_id.items()), fence),
                    fence=fence,
                ),
            ),
        ]
        parser = ReplyParser(by_id)
        began = time.monotonic()
        ended = False
        failed: ModelFailed | None = None
        try:
            async with aclosing(self._model.stream(messages, deadline=deadline, max_tokens=MAX_REPLY_TOKENS)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, TextPiece):
                        for event in self._take(parser.feed(piece.text), by_id, draft, clock):
                            yield event
                    else:
                        ended = piece.finish_reason == "stop" and piece.terminated
                        draft.usage = piece.usage
        except ModelFailed as exc:
            failed = exc
        clock.add("generate", time.monotonic() - began)
        # What the model had said before it failed is checked and kept; a sentence that was cut loses its ids.
        for event in self._take(parser.finish(whole=ended), by_id, draft, clock):
            yield event
        draft.complete = ended
        if failed is not None:
            raise failed

    def _take(
        self, parsed: Iterable[Parsed], by_id: dict[str, Evidence], draft: Draft, clock: _Clock
    ) -> Iterator[Event]:
        for item in parsed:
            if isinstance(item, Sentence):
                with clock.stage("verify"):
                    events = self._check(item, by_id, draft)
                yield from events
            else:  # beside sentences that stand, "not in the sources" says that there is more to the question
                draft.partial = True

    def _check(self, sentence: Sentence, by_id: dict[str, Evidence], draft: Draft) -> list[Event]:
        cited = [by_id[one] for one in sentence.ids]
        others = [one for key, one in by_id.items() if key not in sentence.ids]
        for invented in sentence.unknown:
            draft.rejected.append(Rejected("cites an id that was not given", invented))
        support, reasons = verification.check(sentence.text, cited, others)
        if not cited or (support == "unsupported" and self._unsupported == "drop"):
            draft.rejected.append(Rejected("; ".join(reasons), sentence.text))
            return []
        return draft.add(sentence.text, cited, support, reasons)

    def _answer(self, mode: Literal["extractive", "llm"], draft: Draft, clock: _Clock) -> Answer:
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
        )


class _Clock:
    """Add up what each stage took."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self._spent = dict.fromkeys(("retrieve", "evidence", "generate", "verify"), 0.0)

    def add(self, stage: str, seconds: float) -> None:
        self._spent[stage] += seconds

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.add(name, time.monotonic() - began)

    def timings_ms(self) -> dict[str, int]:
        spent = {name: round(seconds * 1_000) for name, seconds in self._spent.items()}
        return spent | {"total": round((time.monotonic() - self.began) * 1_000)}
