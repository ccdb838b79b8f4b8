"""Batches of model calls: a reply cache on disk, concurrent workers, and an estimate before a batch begins.

Retries are left to qa's chat client. This module adds what a batch needs: a call that was answered is never made again,
and an unavailable server ends the batch instead of failing it item by item.
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

UNAVAILABLE_AFTER = 5  # failed calls in a row
ASSUMED_S = 2.0  # duration of a call while none has been measured
_BYTES_PER_TOKEN = 4  # of UTF-8, roughly, in every script
T = TypeVar("T")


class ServerUnavailable(Exception):
    """The model server is unavailable; its replies so far are cached, and the same command resumes from them."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered, with the tokens and seconds that it took."""

    model: str
    text: str
    finish: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Call:
    """One model call: the cache key of its reply, and its messages."""

    key: str
    messages: Callable[[], Sequence[Message]]  # built when the call is made, because each carries a fresh fence


def cache_key(*parts: object) -> str:
    """Return one hash of all parts, in their order."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


class ReplyCache:
    """Replies by key, in an append-only JSON Lines file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._replies: dict[str, Reply] = {}
        content = path.read_bytes() if path.exists() else b""
        complete = content[: content.rindex(b"\n") + 1] if b"\n" in content else b""
        if complete != content:
            path.write_bytes(complete)  # an interruption left half a line
        for number, line in enumerate(complete.splitlines(), start=1):
            try:
                row = json.loads(line)
                key = row.pop("key")
                self._replies[key] = Reply(**row)
            except (ValueError, KeyError, TypeError, AttributeError) as exc:
                raise QaError(f"{path}:{number}: not a kept reply ({type(exc).__name__}); remove the file") from None

    def __contains__(self, key: str) -> bool:
        return key in self._replies

    def get(self, key: str) -> Reply | None:
        """Return the cached reply of a key, None if there is none."""
        return self._replies.get(key)

    def keep(self, key: str, reply: Reply) -> None:
        """Store a reply; it is in the file when this returns."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps({"key": key, **asdict(reply)}) + "\n")
        self._replies[key] = reply

    def seconds(self, model: str) -> float | None:
        """Return the median duration of this model's cached replies, None if there is none."""
        durations = [reply.seconds for reply in self._replies.values() if reply.model == model]
        return statistics.median(durations) if durations else None


class CachedModel:
    """A model behind a reply cache; equal calls in flight share one request."""

    def __init__(self, chat: ChatModel, cache: ReplyCache, *, max_tokens: int, timeout_s: float = 120.0) -> None:
        self._chat, self.cache = chat, cache
        self._max_tokens, self._timeout_s = max_tokens, timeout_s
        self._in_flight: dict[str, asyncio.Task[Reply]] = {}
        self._unavailable_in_a_row = 0
        self.calls = 0

    @property
    def name(self) -> str:
        """Return the model's name."""
        return self._chat.name

    async def ask(self, call: Call) -> Reply:
        """Return the reply. Raises ModelFailed if this call failed, ServerUnavailable if more calls would fail too."""
        cached = self.cache.get(call.key)
        if cached is not None:
            return cached
        if call.key not in self._in_flight:
            self._in_flight[call.key] = asyncio.create_task(self._ask(call))
        return await self._in_flight[call.key]

    async def _ask(self, call: Call) -> Reply:
        self.calls += 1
        began = time.monotonic()
        text, end = "", EndPiece("none")
        pieces = self._chat.stream(call.messages(), deadline=began + self._timeout_s, max_tokens=self._max_tokens)
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    if isinstance(piece, TextPiece):
                        text += piece.text
                    else:
                        end = piece
        except ModelFailed as exc:
            self._unavailable_in_a_row = self._unavailable_in_a_row + 1 if isinstance(exc, ModelUnavailable) else 0
            if self._unavailable_in_a_row >= UNAVAILABLE_AFTER:
                raise ServerUnavailable(
                    f"{exc}; {self._unavailable_in_a_row} calls in a row: run the same command again to go on"
                ) from exc
            raise
        self._unavailable_in_a_row = 0
        seconds = round(time.monotonic() - began, 3)
        usage = end.usage
        reply = Reply(self.name, text, end.finish_reason, usage.prompt_tokens, usage.completion_tokens, seconds)
        self.cache.keep(call.key, reply)
        return reply


async def run_concurrently(
    items: Iterable[T], work: Callable[[T], Awaitable[None]], *, label: str, workers: int, console: Console
) -> None:
    """Process every item with concurrent workers and a progress bar."""
    all_items = list(items)
    waiting = iter(all_items)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(label, total=len(all_items))

        async def worker() -> None:
            for item in waiting:
                await work(item)
                progress.advance(bar)

        await asyncio.gather(*(worker() for _ in range(workers)))


@dataclass(frozen=True, slots=True)
class Plan:
    """The estimate of a batch: calls, tokens, time, and cost if prices are given."""

    min_calls: int
    max_calls: int
    cached: int
    tokens_in: int
    tokens_out: int
    seconds_per_call: float
    measured: bool
    workers: int
    cost: float | None

    def __str__(self) -> str:
        least, most = self.min_calls, self.max_calls
        calls = f"{most:,} calls" if least == most else f"{least:,} to {most:,} calls"
        pace = f"{self.seconds_per_call:.1f} s a call ({'measured' if self.measured else 'assumed'})"
        parts = [f"{calls}, {self.cached:,} more are answered already"]
        if most:
            parts.append(f"at most about {self.tokens_in:,} tokens in and {self.tokens_out:,} out")
            parts.append(f"about {self.seconds_per_call * most / min(self.workers, most):.0f} s at {pace}")
        return "; ".join(parts) + ("" if self.cost is None else f"; at most about {self.cost:.2f} in money")


def plan(
    model: CachedModel,
    certain: Sequence[Call],
    possible: Sequence[Call],
    *,
    workers: int,
    reply_tokens: int,
    prices: Prices | None,
) -> Plan:
    """Return the estimate for `certain` calls, and for `possible` calls that depend on the replies to them."""
    cache = model.cache
    least = {call.key: call for call in certain if call.key not in cache}
    most = least | {call.key: call for call in possible if call.key not in cache}
    cached = len({call.key for call in (*certain, *possible)}) - len(most)
    tokens_in = sum(_tokens(call.messages()) for call in most.values())
    tokens_out = reply_tokens * len(most)
    measured = cache.seconds(model.name)
    cost = None if prices is None else prices.cost({"prompt_tokens": tokens_in, "completion_tokens": tokens_out})
    pace = ASSUMED_S if measured is None else measured
    return Plan(len(least), len(most), cached, tokens_in, tokens_out, pace, measured is not None, workers, cost)


def _tokens(messages: Sequence[Message]) -> int:
    return sum(len(message.content.encode("utf-8", "replace")) for message in messages) // _BYTES_PER_TOKEN
