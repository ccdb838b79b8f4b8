"""Prepare articles for the catalog: chunks, hashes and stems, computed in this process or in a pool of others."""

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

_LOCAL = 256  # articles prepared here before starting a process, which takes half a second, pays off
_MAX_WORKERS = 4  # more would wait for this process, which reads and writes
_TASK_ARTICLES = 32  # articles in one task of a worker process

Pending = Callable[[], list[Prepared | Refused]]
# What a worker process returns. Spans are bare numbers: sending them costs a tenth of sending the objects.
_Packed = tuple[str, tuple[tuple[int, ...], ...], tuple[bytes, ...], tuple[str, ...]]

_log = logging.getLogger(__name__)


def prepare(article: Article) -> Prepared | Refused:
    """Compute everything that is stored for an article besides its vectors."""
    return _unpacked(article, _packed(article))


def _packed(article: Article) -> _Packed:
    chunks = chunk(article.text, article.furniture)
    return (
        sha256(article.text) if chunks else "",
        tuple(tuple(offset for span in piece.sentences for offset in (span.start, span.end)) for piece in chunks),
        tuple(embed_sha(article.title, piece.span.slice(article.text)) for piece in chunks),
        tuple(" ".join(stemming.stems(piece.span.slice(article.text))) for piece in chunks),
    )


def _packed_all(articles: Sequence[Article]) -> list[_Packed]:
    return [_packed(article) for article in articles]


def _unpacked(article: Article, packed: _Packed) -> Prepared | Refused:
    sha256, chunk_offsets, embed_shas, stems = packed
    if not chunk_offsets:
        return Refused(article.source or article.id, "holds no text besides web furniture")
    chunks = tuple(
        Chunk(ordinal, Span(offsets[0], offsets[-1]), tuple(map(Span, offsets[::2], offsets[1::2])))
        for ordinal, offsets in enumerate(chunk_offsets)
    )
    return Prepared(article, sha256, chunks, embed_shas, stems)


class Preparer(Protocol):
    """Prepare batches of articles, in this process or in others."""

    @property
    def ahead(self) -> int:
        """Return how many batches may be in preparation while another is written."""
        ...

    def start(self, articles: Sequence[Article]) -> Pending:
        """Begin to prepare articles; calling the result waits for them and returns them in order."""
        ...


class PoolPreparer:
    """Prepare batches of articles, with `workers` processes if above 1; 0 starts some for many articles only."""

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
    def has_pool(self) -> bool:
        """Tell whether other processes are at work, so that preparing ahead is worth it."""
        return self._pool is not None

    @property
    def ahead(self) -> int:
        """Return how many batches may be in preparation while another is written."""
        return 1 if self.has_pool else 0

    def _open(self, workers: int) -> None:
        self._pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_end_with_parent)

    def start(self, articles: Sequence[Article]) -> Pending:
        """Begin to prepare articles; calling the result waits for them and returns them in order."""
        if self._workers == 0 and self._pool is None and self._done >= _LOCAL and (cores := usable_cores()) > 1:
            self._open(min(cores - 1, _MAX_WORKERS))
        self._done += len(articles)
        if self._pool is None:
            return lambda: [prepare(article) for article in articles]
        parts = [articles[at : at + _TASK_ARTICLES] for at in range(0, len(articles), _TASK_ARTICLES)]
        try:
            futures = [self._pool.submit(_packed_all, part) for part in parts]
        except BrokenProcessPool:
            return lambda: self._prepare_here(articles)
        return lambda: self._collect(articles, futures)

    def _collect(
        self, articles: Sequence[Article], futures: Iterable[Future[list[_Packed]]]
    ) -> list[Prepared | Refused]:
        try:
            results = [packed for future in futures for packed in future.result()]
        except BrokenProcessPool:
            return self._prepare_here(articles)
        return list(map(_unpacked, articles, results))

    def _prepare_here(self, articles: Sequence[Article]) -> list[Prepared | Refused]:
        """Give up the pool and prepare here: one of its processes was killed, perhaps for memory."""
        if self._pool is not None:
            _log.warning("a process that prepares articles has died, going on without")
            self._pool.shutdown(cancel_futures=True)
            self._pool, self._workers = None, 1
        return [prepare(article) for article in articles]


def _end_with_parent() -> None:
    # A pool process does not notice that its parent was killed and would wait for work for ever.
    threading.Thread(target=_watch_parent, daemon=True).start()


def _watch_parent() -> None:
    parent = parent_process()
    assert parent is not None  # this runs in pool processes only
    parent.join()
    os._exit(1)
