"""Answers that a model writes: which evidence fits into the prompt, and which sentences of the reply are accepted."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from anyio import to_thread

from qa.answering.draft import Draft, Event, Judged
from qa.answering.reply_parser import Parsed, ReplyParser, Sentence
from qa.errors import EmbeddingFailed, JudgeFailed, ModelBroken, ModelFailed, ModelRefused
from qa.llm.prompts import Prompts, estimate_tokens, evidence_block, make_fence, make_ids
from qa.llm.protocols import ChatModel, Message, TextPiece
from qa.tracing import StageTimer
from qa.types import Embedder, EntailmentJudge, Evidence, Source
from qa.verification import entailment, support_score, verify

SHOWN_SENTENCES = 24  # in the prompt, at most
MAX_REPLY_TOKENS = 700
# With the reply this fits the window of 4,096 tokens that small local servers start with.
PROMPT_TOKENS = 3_300
_LINE_TOKENS = 10  # an id or the words "around the next sentence", and the line's end
_HEADING_TOKENS = 24  # its number, the day and the separators


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
        shown = fit(evidence[:SHOWN_SENTENCES], room)
        if not shown:
            raise ModelRefused("beside the question no evidence fits into the prompt")
        sources = _Sources(
            dict(zip(make_ids(len(shown)), shown, strict=True)),
            {
                sentence.source: draft.texts[sentence.source.article_id, sentence.source.version]
                for sentence in evidence
            },
        )
        fence = make_fence()
        prompt = self._fill_prompt(draft.question, as_of, evidence_block(list(sources.by_id.items()), fence), fence)
        messages = [Message("system", system), Message("user", prompt)]
        parser = ReplyParser(sources.by_id, fence)
        began = time.monotonic()
        ended = has_content = False
        failed: ModelFailed | None = None
        reply = self._model.stream(messages, deadline=budget.deadline, max_tokens=MAX_REPLY_TOKENS, calls=budget.calls)
        try:
            async with aclosing(reply) as pieces:
                async for piece in pieces:
                    if isinstance(piece, TextPiece):
                        parsed = parser.feed(piece.text)
                        has_content = has_content or bool(parsed)
                        async for event in self._take(parsed, sources, draft, timer):
                            yield event
                    else:
                        ended = piece.finish_reason == "stop" and piece.terminated
                        draft.spend(piece.usage)
        except ModelFailed as exc:
            failed = exc
        timer.add("generate", time.monotonic() - began)
        # What the model wrote before it failed is checked and kept; a sentence that was cut off loses its ids.
        parsed = parser.finish(whole=ended)
        has_content = has_content or bool(parsed)
        async for event in self._take(parsed, sources, draft, timer):
            yield event
        if not ended:
            draft.cut_short()
        if failed is None and not has_content:  # only blanks or thoughts: not the same as "not in the sources"
            failed = ModelBroken("the model finished without a sentence")
        if failed is None and not ended and draft.is_empty:
            failed = ModelBroken("the model stopped before a sentence was whole")
        if failed is not None:
            raise failed

    def _fill_prompt(self, question: str, as_of: str, evidence: str = "", fence: str = "") -> str:
        return self._prompts.user(question=question, as_of=as_of, evidence=evidence, fence=fence)

    async def _take(
        self, parsed: Iterable[Parsed], sources: _Sources, draft: Draft, timer: StageTimer
    ) -> AsyncGenerator[Event, None]:
        for item in parsed:
            if isinstance(item, Sentence):
                with timer.stage("verify"):  # tens of milliseconds of computing: off the event loop
                    judged, failed = await to_thread.run_sync(self._judge, item, sources)
                if failed:
                    draft.degrade(failed)
                for event in self._accept(item, judged, sources, draft):
                    yield event
            else:  # after sentences that were accepted, "not in the sources" is about the rest of the question
                draft.cover_part()

    def _judge(self, sentence: Sentence, sources: _Sources) -> tuple[Judged, str]:
        """Return the verdict, and the name of a part that failed over it."""
        cited = [sources.by_id[sentence_id] for sentence_id in sentence.ids]
        others = [evidence for sentence_id, evidence in sources.by_id.items() if sentence_id not in sentence.ids]
        try:
            score = support_score.score(sentence.text, cited, self._embedder)
        except EmbeddingFailed:  # the retriever has reported it in `degraded` already
            score = support_score.score(sentence.text, cited, None)
        verdict = verify.check(sentence.text, cited, others, retrieved=sources.texts, score=score)
        failed = ""
        if self._entailment_judge and verdict[0] != "unsupported" and not verify.is_verbatim(sentence.text, cited):
            evidence = " ".join(dict.fromkeys(each.text for each in cited))
            try:
                (entailed,) = self._entailment_judge.judge([(sentence.text, evidence)])
                verdict = entailment.combine(verdict, entailed)
            except JudgeFailed:
                failed = "entailment"
        return Judged(*verdict, round(score, 4)), failed

    def _accept(self, sentence: Sentence, judged: Judged, sources: _Sources, draft: Draft) -> list[Event]:
        for invented in sentence.unknown:
            draft.reject("cites an id that was not given", invented)
        if not sentence.ids or (judged.support == "unsupported" and self._unsupported == "drop"):
            draft.reject("; ".join(judged.reasons), sentence.text)
            return []
        return draft.add(sentence.text, [sources.by_id[sentence_id] for sentence_id in sentence.ids], judged)


@dataclass(frozen=True, slots=True)
class _Sources:
    """The sentences that the model was shown, by their ids in the prompt, and the texts of all articles found."""

    by_id: dict[str, Evidence]
    texts: dict[Source, str]


def fit(evidence: Sequence[Evidence], room: int) -> list[Evidence]:
    """Return the evidence that fits into `room` tokens: drop the longest contexts first, then the lowest sentences."""
    kept = [sentence for sentence in evidence if _cost([replace(sentence, context="")]) <= room // 2]
    while _cost(kept) > room and any(sentence.context for sentence in kept):
        longest = max(range(len(kept)), key=lambda place: len(kept[place].context))
        kept[longest] = replace(kept[longest], context="")
    while kept and _cost(kept) > room:
        kept.pop()
    return kept


def _cost(evidence: Sequence[Evidence]) -> int:
    """Return at most how many tokens the evidence takes in the form of `evidence_block`."""
    sources = {sentence.source for sentence in evidence}
    headings = [estimate_tokens(f"{source.outlet}{source.title}") for source in sources]
    lines = [part for sentence in evidence for part in (sentence.text, sentence.context) if part]
    return (
        sum(map(estimate_tokens, lines)) + _LINE_TOKENS * len(lines) + sum(headings) + _HEADING_TOKENS * len(headings)
    )
