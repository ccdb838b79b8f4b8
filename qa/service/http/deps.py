"""Application state of the running service, and the FastAPI dependencies that give routes access to it."""

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
from qa.service.http.metrics import AnswererProtocol, Metrics
from qa.service.http.recent_answers import RecentAnswers
from qa.service.schemas.requests import COLLECTION, DEFAULT_COLLECTION
from qa.settings import Settings

WRITES = 8  # ingests accepted at a time; they run one after the other
TAKEDOWNS = 8
_READING_THREADS = 8

P = ParamSpec("P")
T = TypeVar("T")


class Gate:
    """Concurrency limit without a queue: a fixed number of slots, and immediate refusal when all are taken."""

    def __init__(self, slots: int, what: str) -> None:
        self.taken = 0
        self._slots = slots
        self._what = what

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Hold a slot. Raises Overloaded."""
        if self.taken >= self._slots:
            raise Overloaded(f"{self._slots} {self._what} are in flight; try again soon")
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


@dataclass(slots=True)
class Service:
    """Everything that is open while the service runs (`app.state.service`)."""

    settings: Settings
    library: Library
    answerer: AnswererProtocol
    metrics: Metrics
    keys: KeyRing
    limits: Limits
    recent_answers: RecentAnswers
    follower: Follower
    asks: Gate = field(init=False)  # questions in flight; more get a 503
    writes: Gate = field(default_factory=lambda: Gate(WRITES, "writes"))
    takedowns: Gate = field(default_factory=lambda: Gate(TAKEDOWNS, "takedowns"))
    caught_up: bool = False  # the indexes have caught up with the catalog at least once
    # Chroma holds the GIL while it writes, so writers run one at a time and readers have their own threads.
    _reading: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_READING_THREADS))
    _writing: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))
    _noting: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(1))

    def __post_init__(self) -> None:
        self.asks = Gate(self.settings.max_in_flight, "questions")

    async def read(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function that reads the store in a thread."""
        return await to_thread.run_sync(partial(call, *args, **kwargs), limiter=self._reading)

    async def write(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function that changes the store in a thread, one at a time."""
        return await to_thread.run_sync(partial(call, *args, **kwargs), limiter=self._writing)

    async def note(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a short catalog write in a thread, without waiting for ingests, which may take minutes."""
        return await to_thread.run_sync(partial(call, *args, **kwargs), limiter=self._noting)

    async def take_down(self, collection: str, article_id: str) -> None:
        """Remove an article. It is gone when this returns; the indexes follow soon. Raises NotFound."""
        await self.note(self.library.catalog.remove, collection, article_id)
        self.follower.wake()


async def service(request: Request) -> Service:
    """Return the Service that the lifespan opened."""
    state = request.app.state.service
    assert isinstance(state, Service)
    return state


ServiceDep = Annotated[Service, Depends(service)]


async def library(service: ServiceDep) -> Library:
    """Return the open store."""
    return service.library


async def answerer(service: ServiceDep) -> AnswererProtocol:
    """Return the object that answers questions."""
    return service.answerer


async def ask_slot(service: ServiceDep) -> AsyncIterator[None]:
    """Hold a question slot until the response is sent. Raises TooMany and Overloaded."""
    await service.limits.take()
    with service.asks.enter():
        yield


async def write_slot(service: ServiceDep) -> AsyncIterator[None]:
    """Hold an ingest slot, from before the body is read. Raises Overloaded."""
    with service.writes.enter():
        yield


async def takedown_slot(service: ServiceDep) -> AsyncIterator[None]:
    """Hold a takedown slot. Raises Overloaded."""
    with service.takedowns.enter():
        yield


LibraryDep = Annotated[Library, Depends(library)]
AnswererDep = Annotated[AnswererProtocol, Depends(answerer)]

# Paths are routed undecoded (`middleware.RawPaths`), so an id may contain any character, percent-encoded.
ArticleId = Annotated[
    str, Path(description="percent-encoded; it may be a URL", examples=["bridge-1"]), AfterValidator(unquote)
]
CollectionDep = Annotated[str, Query(pattern=COLLECTION, description="the collection")]
VersionDep = Annotated[int | None, Query(ge=1, le=2**31, description="a version; the live one if left out")]
DEFAULT = DEFAULT_COLLECTION
