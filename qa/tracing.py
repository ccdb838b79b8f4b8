"""Trace spans of a request, and timings of the stages of an answer. No name or attribute contains text of a user.

The tracer itself is `qa.service.http.traces`; without it nothing is traced.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

Attributes = Mapping[str, str | int]


class TraceSpan(Protocol):
    """A span of a trace: an interval of a request."""

    def child(self, name: str, attributes: Attributes, *, outgoing: bool = False) -> TraceSpan:
        """Begin a child span; `outgoing` for a call of another server."""
        ...

    def headers(self) -> dict[str, str]:
        """Return the headers that propagate this span to another server."""
        ...

    def end(self, error: str | None = None) -> None:
        """End the span; `error` is the class of the exception that ended it."""
        ...


_current: ContextVar[TraceSpan | None] = ContextVar("span", default=None)


@contextmanager
def within(span: TraceSpan | None) -> Iterator[None]:
    """Make a span the current one for this task and for the tasks and threads that it starts."""
    token = _current.set(span)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def stage(name: str, **attributes: str | int) -> Iterator[None]:
    """Trace a block, which must not contain a `yield` of an async generator: the context would leak to the caller."""
    parent = _current.get()
    if parent is None:
        yield
        return
    span = parent.child(name, attributes)
    with _ended(span), within(span):
        yield


@contextmanager
def call(name: str, **attributes: str | int) -> Iterator[dict[str, str]]:
    """Trace a call of another server, even across `yield`s of an async generator; yields the headers to send."""
    parent = _current.get()
    if parent is None:
        yield {}
        return
    span = parent.child(name, attributes, outgoing=True)
    with _ended(span):
        yield span.headers()


@contextmanager
def _ended(span: TraceSpan) -> Iterator[None]:
    try:
        yield
    except GeneratorExit:  # the consumer stopped early
        span.end()
        raise
    except BaseException as exc:
        span.end(type(exc).__name__)
        raise
    span.end()


class StageTimer:
    """Add up the time of each stage of an answer; each stage is also a span of the trace."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self._spent = dict.fromkeys(("retrieve", "evidence", "generate", "verify"), 0.0)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a block."""
        began = time.monotonic()
        try:
            with stage(name):
                yield
        finally:
            self.add(name, time.monotonic() - began)

    def add(self, stage: str, seconds: float) -> None:
        """Add time that the caller measured."""
        self._spent[stage] = self._spent.get(stage, 0.0) + seconds

    def timings_ms(self) -> dict[str, int]:
        """Return the stages and the total so far, in milliseconds."""
        spent = {name: round(seconds * 1_000) for name, seconds in self._spent.items()}
        return spent | {"total": round((time.monotonic() - self.began) * 1_000)}
