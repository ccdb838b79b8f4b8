"""Compute what is kept of an article, in this process or in others beside it."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import Protocol, Self

from qa.catalog.catalog import Prepared
from qa.settings import usable_cores
from qa.text import stemming
from qa.text.chunking import chunk, embed_sha
from qa.text.normalise import sha256
from qa.types import Article, Chunk, Refused, Span

_LOCAL = 256  # articles that are prepared before another process is worth its start of half a second
_MOST = 4  # more would wait for this process, which reads and writes
_SHARE = 32  # articles a process takes at a time

Pending = Callable[[], list[Prepared | Refused]]
# What comes back from another process: spans as bare numbers, which cost a tenth of the objects to send.
_Sent = tuple[str, tuple[tuple[int, ...], ...], tuple[bytes, ...], tuple[str, ...]]

_log = logging.getLogger(__name__)


def prepare(article: Article) -> Prepared | Refused:
    """Compute everything that is kept of an article besides its vectors."""
    return _unpacked(article, _packed(article))


def _packed(article: Article) -> _Sent:
    chunks = chunk(article.text, article.furniture)
    return (
        sha256(article.text) if chunks else "",
        tuple(tuple(place for span in one.sentences for place in (span.start, span.end)) for one in chunks),
        tuple(embed_sha(article.title, one.span.slice(article.text)) for one in chunks),
        tuple(" ".join(stemming.stems(one.span.slice(article.text))) for one in chunks),
    )


def _packed_all(articles: Sequence[Article]) -> list[_Sent]:
    return [_packed(one) for one in articles]


def _unpacked(article: Article, sent: _Sent) -> Prepared | Refused:
    sha256, places, embed_shas, stems = sent
    if not places:
        return Refused(article.source or article.id, "holds no text besides web furniture")
    chunks = tuple(
        Chunk(ordinal, Span(one[0], one[-1]), tuple(map(Span, one[::2], one[1::2])))
        for ordinal, one in enumerate(places)
    )
    return Prepared(article, sha256, chunks, embed_shas, stems)


class Preparer(Protocol):
    """Prepare batches of articles, here or elsewhere."""

    @property
    def ahead(self) -> int:
        """Return how many batches may be in work while another is written."""
        ...

    def start(self, articles: Sequence[Article]) -> Pending:
        """Begin to prepare articles; what is returned waits for them, in their order."""
        ...


class Preparing:
    """Prepare batches of articles; ask other processes when `workers` says so, or with 0 when there are many."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._done = 0
        self._pool: ProcessPoolExecutor | None = None
        if workers > 1:
            self._open(workers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    @property
    def elsewhere(self) -> bool:
        """Tell whether other processes are at work, so that it is worth to look ahead."""
        return self._pool is not None

    @property
    def ahead(self) -> int:
        """Return how many batches may be in work while another is written."""
        return 1 if self.elsewhere else 0

    def _open(self, workers: int) -> None:
        self._pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_end_with_parent)

    def start(self, articles: Sequence[Article]) -> Pending:
        """Begin to prepare articles; what is returned waits for them, in their order."""
        if self._workers == 0 and self._pool is None and self._done >= _LOCAL and (cores := usable_cores()) > 1:
            self._open(min(cores - 1, _MOST))
        self._done += len(articles)
        if self._pool is None:
            return lambda: [prepare(one) for one in articles]
        parts = [articles[at : at + _SHARE] for at in range(0, len(articles), _SHARE)]
        try:
            futures = [self._pool.submit(_packed_all, part) for part in parts]
        except BrokenProcessPool:
            return lambda: self._alone(articles)
        return lambda: self._collect(articles, futures)

    def _collect(self, articles: Sequence[Article], futures: Iterable[Future[list[_Sent]]]) -> list[Prepared | Refused]:
        try:
            sent = [one for future in futures for one in future.result()]
        except BrokenProcessPool:
            return self._alone(articles)
        return list(map(_unpacked, articles, sent))

    def _alone(self, articles: Sequence[Article]) -> list[Prepared | Refused]:
        """Go on without the others: one of them was killed, for memory perhaps."""
        if self._pool is not None:
            _log.warning("a process that prepares articles has died, going on without")
            self._pool.shutdown(cancel_futures=True)
            self._pool, self._workers = None, 1
        return [prepare(one) for one in articles]


def _end_with_parent() -> None:
    # A process of the pool does not see that its parent was killed: it would wait for work for ever.
    threading.Thread(target=_watch_parent, daemon=True).start()


def _watch_parent() -> None:
    parent = parent_process()
    assert parent is not None  # only a process of the pool comes here
    parent.join()
    os._exit(1)
