"""Ingest on a Ray cluster: workers read, clean, chunk and embed articles; only this process writes.

A worker's result depends on its input alone, so Ray may repeat a task when a worker dies. Writing is the same as
without Ray: an article is written whole, and one that is already stored is left alone. Needs the extra `ray`.
"""

from __future__ import annotations

import functools
import logging
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Self

import numpy as np
import ray
from ray.exceptions import RayError

from qa.catalog.catalog import Prepared
from qa.errors import BadSettings, EmbeddingFailed
from qa.ingest.prepare import Pending, prepare
from qa.readers.read import read
from qa.settings import Settings
from qa.text.chunking import embed_text
from qa.types import Article, Embedder, Refused, Vectors

_AHEAD = 2  # batches or shards queued for each worker, so that none waits for the writer

_log = logging.getLogger(__name__)

Build = Callable[[Settings], Embedder | None]
_Done = tuple[list[Prepared | Refused], dict[str, Vectors]]


class RayWorkers:
    """Read, prepare and embed on `workers` Ray workers; pass it to `ingest` as embedder and as preparer."""

    def __init__(self, build: Build, settings: Settings, workers: int, *, address: str | None = None) -> None:
        """Join the cluster at `address`, or start one on this machine.

        Each worker builds its own embedder. Raises EmbeddingFailed, and BadSettings when the settings have no embedder.
        """
        embedder = build(settings)
        if embedder is None:
            raise BadSettings("QA_EMBED_MODEL=none: words alone need no cluster")
        self._build = build
        self.model = embedder.model
        workers = workers or os.cpu_count() or 1
        self.ahead = _AHEAD * workers
        # One thread for each worker: as many workers as cores use the cores better than the threads of one worker.
        self._settings = settings.model_copy(update={"embed_threads": 1})
        self._vectors: dict[str, Vectors] = {}
        if not ray.is_initialized():
            here = {"num_cpus": workers} if address is None else {"address": address}
            ray.init(**here, include_dashboard=False, log_to_driver=False, configure_logging=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        ray.shutdown()

    def read(
        self, shards: Sequence[str], *, outlet: str | None = None, published: str | None = None
    ) -> Iterator[Article | Refused]:
        """Yield, in order, the articles of files that every worker can reach."""
        waiting: deque[tuple[str, ray.ObjectRef]] = deque()
        for shard in shards:
            waiting.append((shard, _read.remote(shard, outlet, published, self._settings.max_article_bytes)))
            if len(waiting) > self.ahead:
                yield from _shard_items(*waiting.popleft())
        while waiting:
            yield from _shard_items(*waiting.popleft())

    def start(self, articles: Sequence[Article]) -> Pending:
        """Begin to prepare and embed articles on a worker."""
        articles = list(articles)
        reference = _prepare.remote(articles, self._build, self._settings)

        def wait() -> list[Prepared | Refused]:
            try:
                prepared, vectors = ray.get(reference)
            except RayError as exc:
                _log.warning("no worker could prepare %d articles, trying here: %s", len(articles), exc)
                return [prepare(article) for article in articles]
            self._vectors = vectors  # of the batch that is written next, and only of that one
            return list(prepared)

        return wait

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors that came with the prepared articles; a worker embeds the other texts."""
        missing = [text for text in texts if text not in self._vectors]
        if missing:
            try:
                self._vectors |= zip(missing, ray.get(_embed.remote(missing, self._build, self._settings)), strict=True)
            except RayError as exc:
                raise EmbeddingFailed(f"{self.model}: no worker could embed {len(missing)} texts: {exc}") from exc
        return np.array([self._vectors[text] for text in texts], np.float32)

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of a query."""
        vector: Vectors = self.embed_texts([text])[0]
        return vector


def _shard_items(shard: str, reference: ray.ObjectRef) -> list[Article | Refused]:
    try:
        items: list[Article | Refused] = ray.get(reference)
    except RayError as exc:
        return [Refused(shard, f"no worker could read it: {type(exc).__name__}")]
    return items


@ray.remote
def _read(shard: str, outlet: str | None, published: str | None, max_bytes: int) -> list[Article | Refused]:
    return list(read([shard], outlet=outlet, published=published, max_bytes=max_bytes))


@ray.remote
def _prepare(articles: list[Article], build: Build, settings: Settings) -> _Done:
    prepared = [prepare(article) for article in articles]
    texts = [
        embed_text(result.article.title, chunk.span.slice(result.article.text))
        for result in prepared
        if isinstance(result, Prepared)
        for chunk in result.chunks
    ]
    texts = list(dict.fromkeys(texts))
    try:
        vectors = _embedder(build, settings).embed_texts(texts)
    except EmbeddingFailed as exc:  # the writer embeds article by article and refuses the bad one
        _log.warning("a batch of %d articles cannot be embedded: %s", len(articles), exc)
        return prepared, {}
    return prepared, dict(zip(texts, vectors, strict=True))


@ray.remote
def _embed(texts: list[str], build: Build, settings: Settings) -> Vectors:
    return _embedder(build, settings).embed_texts(texts)


@functools.lru_cache(maxsize=1)  # a worker runs many tasks
def _embedder(build: Build, settings: Settings) -> Embedder:
    embedder = build(settings)
    assert embedder is not None  # RayWorkers refuses settings without one
    return embedder
