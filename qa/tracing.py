"""Where time goes within one request, reported to a tracer when there is one. No name or attribute holds any text.

The tracer itself is `qa.service.http.traces`; without it everything here does nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

Attributes = Mapping[str, str | int]


class TraceSpan(Protocol):
    """A stretch of time within a request."""

    def child(self, name: str, attributes: Attributes, *, outgoing: bool = False) -> TraceSpan:
        """Begin a stretch within this one; `outgoing` when another server is asked."""
        ...

    def headers(self) -> dict[str, str]:
        """Return the headers that tell another server which stretch it works for."""
        ...

    def end(self, error: str | None = None) -> None:
        """End it; `error` is the class of what went wrong."""
        ...


_current: ContextVar[TraceSpan | None] = ContextVar("span", default=None)


@contextmanager
def within(span: TraceSpan | None) -> Iterator[None]:
    """Make a stretch the current one, of this task and of tasks and threads that it starts."""
    token = _current.set(span)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def stage(name: str, **attributes: str | int) -> Iterator[None]:
    """Trace a block. It may not hold a `yield` of an async generator: the context would leak into the caller."""
    parent = _current.get()
    if parent is None:
        yield
        return
    span = parent.child(name, attributes)
    with _ended(span), within(span):
        yield


@contextmanager
def call(name: str, **attributes: str | int) -> Iterator[dict[str, str]]:
    """Trace a call of another server, also across the `yield`s of an async generator; yields headers to send."""
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
    except GeneratorExit:  # whoever read it has had enough
        span.end()
        raise
    except BaseException as exc:
        span.end(type(exc).__name__)
        raise
    span.end()
