"""What a running service holds, and the names under which routes ask for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, ParamSpec, TypeVar
from urllib.parse import unquote

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Path, Query, Request
from pydantic import AfterValidator

from qa.library import Library
from qa.service.http.errors import Overloaded
from qa.service.http.follower import Follower
from qa.service.http.keys import KeyRing
from qa.service.http.limits import Limits
from qa.service.http.metrics import Answers, Metrics
from qa.service.http.recent_answers import Exchanges
from qa.service.schemas.requests import COLLECTION, DEFAULT_COLLECTION
from qa.settings import Settings

WRITES = 8  # ingests in flight; they are done one after the other
TAKEDOWNS = 8
_READING_THREADS = 8

P = ParamSpec("P")
T = TypeVar("T")


class Gate:
    """Let so many in at a time and turn the rest away at once, so that no queue grows."""

    def __init__(self, places: int, what: str) -> None:
        self.taken = 0
        self._places = places
        self._what = what

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Hold a place. Raises Overloaded."""
        if self.taken >= self._places:
            raise Overloaded(f"{self._places} {self._what} are in flight; try again soon")
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


@dataclass(slots=True)
class Service:
    """Everything that is open while the service runs."""

    settings: Settings
    library: Library
    answerer: Answers
    metrics: Metrics
    keys: KeyRing
    limits: Limits
    exchanges: Exchanges
    follower: Follower
    asks: Gate = field(init=False)  # questions in flight; more are told to come back
    writes: Gate = field(default_factory=lambda: Gate(WRITES, "writes"))
    takedowns: Gate = field(default_factory=lambda: Gate(TAKEDOWNS, "takedowns"))
    caught_up: bool = False  # the indexes have been level with the catalog once
    # Chroma holds the interpreter while it writes, so writers take turns and readers have threads of their own.
    _reading: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_READING_THREADS))
    _writing: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))
    _noting: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))

    def __post_init__(self) -> None:
        self.asks = Gate(self.settings.max_in_flight, "questions")

    async def read(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call something that reads the store, off the event loop."""
        return await to_thread.run_sync(partial(call, *args, **kwargs), limiter=self._reading)

    async def write(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call something that changes the store, off the event loop, one at a time."""
        return await to_thread.run_sync(partial(call, *args, **kwargs), limiter=self._writing)

    async def note(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call something that changes the catalog in a moment; it does not wait for ingests, which may take minutes."""
        return await to_thread.run_sync(partial(call, *args, **kwargs), limiter=self._noting)

    async def take_down(self, collection: str, article_id: str) -> None:
        """Take an article down, which holds from then on; the indexes follow. Raises NotFound."""
        await self.note(self.library.catalog.remove, collection, article_id)
        self.follower.wake()


async def service(request: Request) -> Service:
    """Return what the lifespan opened."""
    opened = request.app.state.service
    assert isinstance(opened, Service)
    return opened


ServiceDep = Annotated[Service, Depends(service)]


async def library(service: ServiceDep) -> Library:
    """Return the open store."""
    return service.library


async def answerer(service: ServiceDep) -> Answers:
    """Return what answers questions."""
    return service.answerer


async def ask_place(service: ServiceDep) -> AsyncIterator[None]:
    """Hold one of the places for questions until the response is sent. Raises TooMany and Overloaded."""
    await service.limits.take()
    with service.asks.enter():
        yield


async def write_place(service: ServiceDep) -> AsyncIterator[None]:
    """Hold one of the places for ingests, from before the body is read. Raises Overloaded."""
    with service.writes.enter():
        yield


async def takedown_place(service: ServiceDep) -> AsyncIterator[None]:
    """Hold one of the places for takedowns. Raises Overloaded."""
    with service.takedowns.enter():
        yield


LibraryDep = Annotated[Library, Depends(library)]
AnswererDep = Annotated[Answers, Depends(answerer)]

# The path is routed as it was sent (`boundary.RawPaths`), so an id may hold any character, escaped.
ArticleId = Annotated[
    str, Path(description="percent-encoded; it may be a URL", examples=["bridge-1"]), AfterValidator(unquote)
]
CollectionDep = Annotated[str, Query(pattern=COLLECTION, description="the collection")]
VersionDep = Annotated[int | None, Query(ge=1, le=2**31, description="a version; the live one if left out")]
DEFAULT = DEFAULT_COLLECTION
