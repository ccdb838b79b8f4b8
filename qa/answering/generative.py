"""Answers that a model writes: what it is shown, within a budget, and what of its reply is let in."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Literal

from anyio import to_thread

from qa.answering.draft import Clock, Draft, Event, Judged
from qa.answering.reply_parser import Parsed, ReplyParser, Sentence
from qa.errors import EmbeddingFailed, ModelBroken, ModelFailed, ModelRefused
from qa.llm.prompts import Prompts, estimate_tokens, evidence_block, make_fence, make_ids
from qa.llm.protocols import ChatModel, Message, TextPiece
from qa.types import Embedder, Evidence, Rejected, Source, Usage
from qa.verification import support_score, verify

SHOWN_SENTENCES = 24  # what a model is given to read, at most
MAX_REPLY_TOKENS = 700
# With the reply this fits the window of 4,096 tokens that small local servers start with.
PROMPT_TOKENS = 3_300
_LINE_TOKENS = 10  # an id or the words "around the next sentence", and the line's end
_HEADING_TOKENS = 24  # its number, the day and what parts them


@dataclass(frozen=True, slots=True)
class Terms:
    """How long and how often a model may be asked."""

    deadline: float
    calls: int


class Writer:
    """Ask a model for an answer and let in what the evidence bears."""

    def __init__(
        self, model: ChatModel, prompts: Prompts, embedder: Embedder | None, unsupported: Literal["drop", "mark"]
    ) -> None:
        self._model = model
        self._prompts = prompts
        self._embedder = embedder
        self._unsupported = unsupported

    async def write(
        self, as_of: str, evidence: Sequence[Evidence], draft: Draft, terms: Terms, clock: Clock, wishes: str = ""
    ) -> AsyncGenerator[Event, None]:
        """Fill the draft and yield what a stream sends. Raises ModelFailed, also when statements stand already."""
        draft.model = self._model.name
        system = self._prompts.system_with(wishes)
        room = PROMPT_TOKENS - sum(map(estimate_tokens, (system, self._filled(draft.question, as_of))))
        shown = fit(evidence[:SHOWN_SENTENCES], room)
        if not shown:
            raise ModelRefused("beside the question no evidence fits into the prompt")
        read = _Read(
            dict(zip(make_ids(len(shown)), shown, strict=True)),
            {one.source: draft.texts[one.source.article_id, one.source.version] for one in evidence},
        )
        fence = make_fence()
        filled = self._filled(draft.question, as_of, evidence_block(list(read.by_id.items()), fence), fence)
        messages = [Message("system", system), Message("user", filled)]
        parser = ReplyParser(read.by_id, fence)
        began = time.monotonic()
        ended = heard = False
        failed: ModelFailed | None = None
        asking = self._model.stream(messages, deadline=terms.deadline, max_tokens=MAX_REPLY_TOKENS, calls=terms.calls)
        try:
            async with aclosing(asking) as pieces:
                async for piece in pieces:
                    if isinstance(piece, TextPiece):
                        parsed = parser.feed(piece.text)
                        heard = heard or bool(parsed)
                        async for event in self._take(parsed, read, draft, clock):
                            yield event
                    else:
                        ended = piece.finish_reason == "stop" and piece.terminated
                        draft.usage = add(draft.usage, piece.usage)
        except ModelFailed as exc:
            failed = exc
        clock.add("generate", time.monotonic() - began)
        # What the model had said before it failed is checked and kept; a sentence that was cut loses its ids.
        parsed = parser.finish(whole=ended)
        heard = heard or bool(parsed)
        async for event in self._take(parsed, read, draft, clock):
            yield event
        draft.complete = ended
        if failed is None and not heard:  # blanks or thoughts alone: not the same as "not in the sources"
            failed = ModelBroken("the model finished without a sentence")
        if failed is None and not ended and not draft.statements:
            failed = ModelBroken("the model stopped before a sentence was whole")
        if failed is not None:
            raise failed

    def _filled(self, question: str, as_of: str, evidence: str = "", fence: str = "") -> str:
        return self._prompts.user(question=question, as_of=as_of, evidence=evidence, fence=fence)

    async def _take(
        self, parsed: Iterable[Parsed], read: _Read, draft: Draft, clock: Clock
    ) -> AsyncGenerator[Event, None]:
        for item in parsed:
            if isinstance(item, Sentence):
                with clock.stage("verify"):  # tens of milliseconds of computing: off the event loop
                    judged = await to_thread.run_sync(self._judge, item, read)
                for event in self._let_in(item, judged, read, draft):
                    yield event
            else:  # beside sentences that stand, "not in the sources" says that there is more to the question
                draft.partial = True

    def _judge(self, sentence: Sentence, read: _Read) -> Judged:
        cited = [read.by_id[one] for one in sentence.ids]
        others = [one for key, one in read.by_id.items() if key not in sentence.ids]
        try:
            score = support_score.score(sentence.text, cited, self._embedder)
        except EmbeddingFailed:  # the retriever has said so in `degraded` already
            score = support_score.score(sentence.text, cited, None)
        verdict, reasons = verify.check(sentence.text, cited, others, retrieved=read.texts, score=score)
        return Judged(verdict, reasons, round(score, 4))

    def _let_in(self, sentence: Sentence, judged: Judged, read: _Read, draft: Draft) -> list[Event]:
        draft.rejected += [Rejected("cites an id that was not given", invented) for invented in sentence.unknown]
        if not sentence.ids or (judged.support == "unsupported" and self._unsupported == "drop"):
            draft.rejected.append(Rejected("; ".join(judged.reasons), sentence.text))
            return []
        return draft.add(sentence.text, [read.by_id[one] for one in sentence.ids], judged)


@dataclass(frozen=True, slots=True)
class _Read:
    """What the model was given, by the ids it was shown under, and the texts of every article that was found."""

    by_id: dict[str, Evidence]
    texts: dict[Source, str]


def fit(evidence: Sequence[Evidence], room: int) -> list[Evidence]:
    """Return the evidence that `room` tokens hold: the longest contexts go first, then the lowest sentences."""
    kept = [one for one in evidence if _cost([replace(one, context="")]) <= room // 2]
    while _cost(kept) > room and any(one.context for one in kept):
        longest = max(range(len(kept)), key=lambda place: len(kept[place].context))
        kept[longest] = replace(kept[longest], context="")
    while kept and _cost(kept) > room:
        kept.pop()
    return kept


def add(one: Usage, other: Usage) -> Usage:
    """Return the tokens of two calls."""
    return Usage(one.prompt_tokens + other.prompt_tokens, one.completion_tokens + other.completion_tokens)


def _cost(evidence: Sequence[Evidence]) -> int:
    """Return what the evidence costs at most as `evidence_block` lays it out."""
    headings = {one.source: estimate_tokens(f"{one.source.outlet}{one.source.title}") for one in evidence}
    lines = [part for one in evidence for part in (one.text, one.context) if part]
    return (
        sum(map(estimate_tokens, lines))
        + _LINE_TOKENS * len(lines)
        + sum(headings.values())
        + _HEADING_TOKENS * len(headings)
    )
