"""Ask a model many things: each once, kept in a file, some at a time, with an estimate before it begins.

The retries are those of qa's chat client. Here is only what a batch adds: what was answered is never asked again, and
a server that is away ends the batch instead of failing it item by item.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from eval.models.estimate import Prices
from qa import ChatModel, EndPiece, Message, ModelFailed, ModelUnavailable, QaError, TextPiece

AWAY_AFTER = 5  # calls in a row that found the server away
ASSUMED_S = 2.0  # a call, as long as none was measured
_BYTES_A_TOKEN = 4  # of UTF-8, roughly, in every script
T = TypeVar("T")


class ServerAway(Exception):
    """The model server is away; what it answered is kept, and the same command goes on from there."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered, and what it took."""

    model: str
    text: str
    finish: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Call:
    """One thing to ask: the key under which its reply is kept, and the messages."""

    key: str
    messages: Callable[[], Sequence[Message]]  # made when it is asked: they carry a fence of their own


def key_of(*parts: object) -> str:
    """Return one hash of all parts, in this order."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


class ReplyCache:
    """Replies by key, in a file to which a line is added as each comes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._replies: dict[str, Reply] = {}
        whole = path.read_bytes() if path.exists() else b""
        kept = whole[: whole.rindex(b"\n") + 1] if b"\n" in whole else b""
        if kept != whole:
            path.write_bytes(kept)  # an interruption left half a line
        for number, line in enumerate(kept.splitlines(), start=1):
            try:
                row = json.loads(line)
                key = row.pop("key")
                self._replies[key] = Reply(**row)
            except (ValueError, KeyError, TypeError, AttributeError) as exc:
                raise QaError(f"{path}:{number}: not a kept reply ({type(exc).__name__}); remove the file") from None

    def __contains__(self, key: str) -> bool:
        return key in self._replies

    def get(self, key: str) -> Reply | None:
        """Return the reply that is kept under a key."""
        return self._replies.get(key)

    def keep(self, key: str, reply: Reply) -> None:
        """Keep a reply, in the file before this returns."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps({"key": key, **asdict(reply)}) + "\n")
        self._replies[key] = reply

    def seconds(self, model: str) -> float | None:
        """Return what a call of this model took, the median of those that are kept."""
        known = [one.seconds for one in self._replies.values() if one.model == model]
        return statistics.median(known) if known else None


class CachedModel:
    """A model that is asked nothing twice."""

    def __init__(self, chat: ChatModel, cache: ReplyCache, *, max_tokens: int, timeout_s: float = 120.0) -> None:
        self._chat, self.cache = chat, cache
        self._max_tokens, self._timeout_s = max_tokens, timeout_s
        self._under_way: dict[str, asyncio.Task[Reply]] = {}
        self._away = 0
        self.calls = 0

    @property
    def name(self) -> str:
        """Return the model's name."""
        return self._chat.name

    async def ask(self, call: Call) -> Reply:
        """Return the reply. Raises ModelFailed for this call alone, ServerAway when no other would fare better."""
        kept = self.cache.get(call.key)
        if kept is not None:
            return kept
        if call.key not in self._under_way:
            self._under_way[call.key] = asyncio.create_task(self._ask(call))
        return await self._under_way[call.key]

    async def _ask(self, call: Call) -> Reply:
        self.calls += 1
        began = time.monotonic()
        said, end = "", EndPiece("none")
        pieces = self._chat.stream(call.messages(), deadline=began + self._timeout_s, max_tokens=self._max_tokens)
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    if isinstance(piece, TextPiece):
                        said += piece.text
                    else:
                        end = piece
        except ModelFailed as exc:
            self._away = self._away + 1 if isinstance(exc, ModelUnavailable) else 0
            if self._away >= AWAY_AFTER:
                raise ServerAway(f"{exc}; {self._away} calls in a row: run the same command again to go on") from exc
            raise
        self._away = 0
        took = round(time.monotonic() - began, 3)
        spent = end.usage
        reply = Reply(self.name, said, end.finish_reason, spent.prompt_tokens, spent.completion_tokens, took)
        self.cache.keep(call.key, reply)
        return reply


async def work_through(
    items: Iterable[T], work: Callable[[T], Awaitable[None]], *, label: str, workers: int, console: Console
) -> None:
    """Work on every item, some at a time, behind a progress bar."""
    every = list(items)
    waiting = iter(every)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(label, total=len(every))

        async def take() -> None:
            for item in waiting:
                await work(item)
                progress.advance(bar)

        await asyncio.gather(*(take() for _ in range(workers)))


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to come: calls, tokens, time, and cost where prices are given."""

    sure: int
    most: int
    known: int
    tokens_in: int
    tokens_out: int
    each_s: float
    measured: bool
    workers: int
    cost: float | None

    def __str__(self) -> str:
        calls = f"{self.most:,} calls" if self.sure == self.most else f"{self.sure:,} to {self.most:,} calls"
        took = f"{self.each_s:.1f} s a call ({'measured' if self.measured else 'assumed'})"
        parts = [f"{calls}, {self.known:,} more are answered already"]
        if self.most:
            parts.append(f"at most about {self.tokens_in:,} tokens in and {self.tokens_out:,} out")
            parts.append(f"about {self.each_s * self.most / min(self.workers, self.most):.0f} s at {took}")
        return "; ".join(parts) + ("" if self.cost is None else f"; at most about {self.cost:.2f} in money")


def plan(
    model: CachedModel,
    surely: Sequence[Call],
    perhaps: Sequence[Call],
    *,
    workers: int,
    reply_tokens: int,
    prices: Prices | None,
) -> Plan:
    """Return what is to come for calls that are made in any case, and for those that replies may ask for."""
    cache = model.cache
    sure = {call.key: call for call in surely if call.key not in cache}
    most = sure | {call.key: call for call in perhaps if call.key not in cache}
    known = len({call.key for call in (*surely, *perhaps)}) - len(most)
    asked = sum(_tokens(call.messages()) for call in most.values())
    said = reply_tokens * len(most)
    measured = cache.seconds(model.name)
    cost = None if prices is None else prices.cost({"prompt_tokens": asked, "completion_tokens": said})
    each = ASSUMED_S if measured is None else measured
    return Plan(len(sure), len(most), known, asked, said, each, measured is not None, workers, cost)


def _tokens(messages: Sequence[Message]) -> int:
    return sum(len(one.content.encode("utf-8", "replace")) for one in messages) // _BYTES_A_TOKEN
