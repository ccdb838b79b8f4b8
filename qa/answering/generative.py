"""Answers that a model writes: which evidence fits into the prompt, and which sentences of the reply are accepted."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date
from typing import Literal

from anyio import to_thread

from qa.answering.acceptance import Acceptance, Outcome
from qa.answering.draft import Draft, Event
from qa.answering.reply_parser import Parsed, ReplyParser, Sentence
from qa.answering.shown_evidence import show
from qa.errors import ModelBroken, ModelFailed, ModelRefused, ModelUnusable
from qa.llm.prompts import Prompts, estimate_tokens, evidence_block, make_fence
from qa.llm.protocols import ChatModel, Message, TextPiece
from qa.tracing import StageTimer
from qa.types import Embedder, EntailmentJudge, Evidence

MAX_REPLY_TOKENS = 700
# With the reply this fits the window of 4,096 tokens that small local servers start with.
PROMPT_TOKENS = 3_300
_ENDS = frozenset({"stop", "tool_calls", "function_call"})  # a model that calls a tool has ended: it has none


@dataclass(frozen=True, slots=True)
class CallBudget:
    """Until when and how often the model server may be called for one question."""

    deadline: float  # as time.monotonic() counts
    calls: int


class ModelAnswerer:
    """Ask a model for an answer and accept the sentences that their citations support."""

    def __init__(
        self,
        model: ChatModel,
        prompts: Prompts,
        embedder: Embedder | None,
        unsupported: Literal["drop", "mark"],
        entailment_judge: EntailmentJudge | None = None,
    ) -> None:
        self._model = model
        self._prompts = prompts
        self._embedder = embedder
        self._unsupported = unsupported
        self._entailment_judge = entailment_judge

    async def write(
        self,
        draft: Draft,
        evidence: Sequence[Evidence],
        today: date,
        budget: CallBudget,
        timer: StageTimer,
        wishes: str = "",
    ) -> AsyncGenerator[Event, None]:
        """Add to the draft and yield its events. Raises ModelFailed, also after statements were added."""
        draft.write_with(self._model.name)
        as_of = today.isoformat()
        system = self._prompts.system_with(wishes)
        room = PROMPT_TOKENS - sum(map(estimate_tokens, (system, self._fill_prompt(draft.question, as_of))))
        shown = show(evidence, draft.texts, f"{system} {draft.question}", room)  # no id of the example either
        if not shown.by_id:
            raise ModelRefused("beside the question no evidence fits into the prompt")
        fence = make_fence()
        block = evidence_block(list(shown.by_id.items()), fence)
        messages = [
            Message("system", system), Message("user", self._fill_prompt(draft.question, as_of, block, fence))
        ]  # fmt: skip
        reply = Reply(
            ReplyParser(shown.by_id, fence),
            Acceptance(shown, self._embedder, self._entailment_judge, self._unsupported),
            draft,
            timer,
        )
        began = time.monotonic()
        ended = False
        failed: ModelFailed | None = None
        stream = self._model.stream(messages, deadline=budget.deadline, max_tokens=MAX_REPLY_TOKENS, calls=budget.calls)
        try:
            async with aclosing(stream) as pieces:
                async for piece in pieces:
                    if isinstance(piece, TextPiece):
                        async for event in reply.take(piece.text):
                            yield event
                        if reply.loops:
                            ended = True
                            break
                    else:
                        ended = piece.finish_reason in _ENDS and piece.terminated
                        draft.spend(piece.usage)
        except ModelFailed as exc:
            failed = exc
        timer.add("generate", time.monotonic() - began)
        # What the model wrote before it failed is checked and kept; a sentence that was cut off loses its ids.
        async for event in reply.finish(whole=ended):
            yield event
        if not ended:
            draft.cut_short()
        if failed is None and draft.is_empty and not reply.refuses:
            # Nothing that can be shown is not the same as "not in the sources".
            failed = (
                ModelUnusable("the reply holds no sentence that can be shown")
                if ended
                else ModelBroken("the model stopped before a sentence was whole")
            )
        if failed is not None:
            raise failed

    def _fill_prompt(self, question: str, as_of: str, evidence: str = "", fence: str = "") -> str:
        return self._prompts.user(question=question, as_of=as_of, evidence=evidence, fence=fence)


class Reply:
    """A reply while it is read: its sentences are judged in order and added to the draft."""

    def __init__(self, parser: ReplyParser, acceptance: Acceptance, draft: Draft, timer: StageTimer) -> None:
        self._parser = parser
        self._acceptance = acceptance
        self._draft = draft
        self._timer = timer
        self._claims = 0
        self.refuses = False  # it says that the evidence does not answer, and claims nothing

    @property
    def loops(self) -> bool:
        """Tell whether the model only repeats itself."""
        return self._acceptance.loops

    async def take(self, text: str) -> AsyncGenerator[Event, None]:
        """Read the next piece and yield the events of what is complete."""
        async for event in self._add(self._parser.feed(text)):
            yield event

    async def finish(self, *, whole: bool) -> AsyncGenerator[Event, None]:
        """Read what is left at the end."""
        async for event in self._add(self._parser.finish(whole=whole)):
            yield event

    async def _add(self, parsed: Iterable[Parsed]) -> AsyncGenerator[Event, None]:
        for item in parsed:
            if not isinstance(
                item, Sentence
            ):  # after sentences that were accepted it is about the rest of the question
                self.refuses = self.refuses or self._claims == 0
                self._draft.cover_part()
                continue
            with self._timer.stage("verify"):  # tens of milliseconds of computing: off the event loop
                outcome = await to_thread.run_sync(self._acceptance.judge, item)
            for event in self._show(item, outcome):
                yield event

    def _show(self, sentence: Sentence, outcome: Outcome) -> list[Event]:
        if outcome.failed:
            self._draft.degrade(outcome.failed)
        for invented in sentence.unknown:
            self._draft.reject("cites an id that was not given", invented)
        if not outcome.accepted or outcome.accepted[0].replaced:
            self._draft.reject("; ".join(outcome.reasons), sentence.text)
        if outcome.lost or outcome.accepted:
            self._claims += 1
        if outcome.lost and self._claims == 1:  # the main point
            self._draft.cover_part()
        return [
            event
            for shown in outcome.accepted
            for event in self._draft.add(shown.text, shown.cited, shown.judged, replaced=shown.replaced)
        ]
