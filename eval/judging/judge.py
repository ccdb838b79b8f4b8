"""LLM judge: does a statement follow from the passages that it cites? Supported, partial or unsupported.

The verdict is the single word on the last line of the reply. A reply without one is unscored, with a reason, never 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from eval.models.model_calls import CachedModel, Call, Reply, cache_key
from eval.models.prompts import Prompt
from qa import Evidence, Message, ModelFailed, Source, Span, visible_line
from qa.llm.prompts import evidence_block, make_fence

VERSION = "1"  # of the reply grammar and the evidence layout; part of the cache key, so a new one asks everything again
MAX_TOKENS = 1_024  # leaves room for a model that reasons before its verdict
REPLY_TOKENS = 40  # of a reply that keeps to one line and a word
IDENTITY = ("model", "prompt_hash", "judge_version")  # verdicts are comparable only if these are equal
_NO_SHA = "0" * 64

Level = Literal["supported", "partial", "unsupported"]
WEIGHTS: dict[Level, float] = {"supported": 1.0, "partial": 0.5, "unsupported": 0.0}
_WORDS: dict[str, Level] = {level.upper(): level for level in get_args(Level)}


@dataclass(frozen=True, slots=True)
class Passage:
    """A quote as the judge sees it, with its article's headline data."""

    article_id: str
    start: int
    quote: str
    title: str | None = None
    outlet: str | None = None
    published_at: str | None = None

    @property
    def shown(self) -> list[str | None]:
        """Return the fields that the prompt shows, which a verdict may depend on."""
        return [self.outlet, (self.published_at or "")[:10], self.title, self.quote]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A level, or the reason why there is none; and the model's explanation before the verdict."""

    level: Level | None
    unscored: str | None
    why: str


def read_verdict(reply: Reply) -> Verdict:
    """Return the verdict of a reply: its last line, which must be exactly one of the three words."""
    *before, last = reply.text.rstrip().split("\n")
    why = visible_line(" ".join(before))
    if reply.finish != "stop":
        return Verdict(None, f"the reply ended with {reply.finish!r}", visible_line(reply.text))
    level = _WORDS.get(last.strip())
    if level is None:
        return Verdict(None, "the last line is no verdict", visible_line(reply.text))
    return Verdict(level, None, why)


@dataclass(frozen=True, slots=True)
class Judge:
    """A model with its judging prompt."""

    model: CachedModel
    prompt: Prompt

    @property
    def identity(self) -> dict[str, str]:
        """Return the model, prompt hash and version of this judge."""
        return dict(zip(IDENTITY, (self.model.name, self.prompt.hash, VERSION), strict=True))

    def call(self, statement: str, passages: Sequence[Passage]) -> Call:
        """Return the model call that judges a statement against passages."""
        quotes = [passage.shown for passage in passages]
        key = cache_key("judge", VERSION, self.model.name, self.prompt.hash, statement, quotes)

        def messages() -> list[Message]:
            fence = make_fence()
            block = evidence_block([(str(n), _evidence(passage)) for n, passage in enumerate(passages, start=1)], fence)
            return self.prompt.messages(statement=visible_line(statement), evidence=block, fence=fence)

        return Call(key, messages)

    async def verdict(self, statement: str, passages: Sequence[Passage]) -> Verdict:
        """Judge a statement against passages. Raises ServerUnavailable."""
        try:
            return read_verdict(await self.model.ask(self.call(statement, passages)))
        except ModelFailed as exc:
            return Verdict(None, f"not answered: {type(exc).__name__}", str(exc))


def _evidence(passage: Passage) -> Evidence:
    source = Source(passage.article_id, 1, _NO_SHA, passage.title, passage.outlet, None, passage.published_at)
    return Evidence(source, Span(passage.start, passage.start + max(1, len(passage.quote))), passage.quote, 1.0)
