"""Server-sent events, and cancelling work when the client disconnects."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, Generic, TypeVar

from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event
from starlette.types import Receive, Scope, Send

HEARTBEAT_S = 10.0
SLOW_READER_S = 30.0  # a client that reads nothing for this long is dropped
# We wait this long for the first event, so that an early failure gets an HTTP error status. After a longer wait (a slow
# search) the stream begins anyway, and later failures are reported as events in it.
FIRST_EVENT_TIMEOUT_S = 0.1

T = TypeVar("T")
_log = logging.getLogger(__name__)


class ClientLeft(Exception):
    """The client disconnected before the response was sent."""


async def while_connected(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Return the result of `work`; cancel it as soon as the client disconnects. Raises ClientLeft."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_wait_for_leaving(receive))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientLeft
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _wait_for_leaving(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class PrefetchedStream(Generic[T]):
    """A stream of events whose first event is already being produced."""

    def __init__(self, events: AsyncGenerator[T, None]) -> None:
        self._events = events
        self._first: asyncio.Future[T] = asyncio.ensure_future(anext(events))

    @property
    def is_ready(self) -> bool:
        """Tell whether the first event is available."""
        return self._first.done()

    async def wait(self, receive: Receive) -> None:
        """Wait for the first event, at most FIRST_EVENT_TIMEOUT_S. Raises its exception if it fails, and ClientLeft."""
        try:
            await while_connected(receive, self._wait())
        except BaseException:
            await self.aclose()
            raise

    async def _wait(self) -> None:
        await asyncio.wait((self._first,), timeout=FIRST_EVENT_TIMEOUT_S)
        if self._first.done():
            self._first.result()

    async def all(self) -> AsyncGenerator[T, None]:
        """Yield every event, from the first one on."""
        try:
            yield await self._first
            async for event in self._events:
                yield event
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Stop producing events."""
        self._first.cancel()
        await asyncio.gather(self._first, return_exceptions=True)
        await self._events.aclose()


def event(name: str, data: object) -> bytes:
    """Return one server-sent event."""
    return format_sse_event(event=name, data_str=json.dumps(data, allow_nan=False))


class EventStream(EventSourceResponse):
    """Send events as they are produced, with keep-alive comments, until the end or until the client disconnects.

    FastAPI's own event routes always stream; this is a response class, for routes whose request body says whether to.
    """

    def __init__(self, events: AsyncGenerator[bytes, None], last_words: Callable[[], bytes]) -> None:
        """`last_words` makes the final event if the server shuts down before the events end."""
        super().__init__(events, headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        self._events = events
        self._last_words = last_words

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        try:
            await while_connected(receive, self._send_all(send))
        except ClientLeft:
            return
        except TimeoutError:
            _log.info("a client took no event for %.0f s and was dropped", SLOW_READER_S)
        except asyncio.CancelledError:
            await _send_body(send, self._last_words())
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            raise

    async def _send_all(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        heartbeats = asyncio.ensure_future(_send_heartbeats(send))
        try:
            async with aclosing(self._events) as events:
                async for chunk in events:
                    async with asyncio.timeout(SLOW_READER_S):
                        await _send_body(send, chunk)
        finally:
            heartbeats.cancel()
            await asyncio.gather(heartbeats, return_exceptions=True)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_heartbeats(send: Send) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_S)
        await _send_body(send, KEEPALIVE_COMMENT)


async def _send_body(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})
