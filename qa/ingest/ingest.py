"""Ingestion: chunk, embed and write articles in batches. A bad article is refused; its neighbours are not affected."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from qa.catalog.catalog import Catalog, Prepared, adds_metadata
from qa.errors import BadArticle, EmbeddingFailed
from qa.ingest.prepare import Pending, PoolPreparer, Preparer
from qa.readers.rows import normalise_article
from qa.text.chunking import embed_text
from qa.text.normalise import sha256
from qa.types import Article, Embedder, IngestReport, Refused, Vectors

# The most articles and characters in one transaction. Articles of a transaction share one sync of the disk.
_BATCH_WITH_VECTORS = (32, 100_000)  # seconds of embedding: an interruption loses little, and progress is visible
_BATCH_WORDS_ONLY = (128, 800_000)  # takes as long without embedding
_TAKEN_DOWN = "was taken down while it was being ingested; send it again to put it back"
_FAILURES_IN_A_ROW = 3  # when this many articles in a row cannot be embedded, the embedder itself is down

_log = logging.getLogger(__name__)


def ingest(
    items: Iterable[Article | Refused],
    catalog: Catalog,
    embedder: Embedder | None,
    *,
    collection: str = "default",
    workers: int = 1,
    progress: Callable[[int], None] = lambda articles: None,
    preparer: Preparer | None = None,
    written: Callable[[Sequence[Prepared]], None] = lambda prepared: None,
) -> IngestReport:
    """Write articles into the catalog. `progress` is called after each batch with the number of items in it.

    With `workers` above 1, that many other processes prepare articles. With 0, as many as help: none for a few
    articles, or when embedding takes most of the time. A script that passes 0 must be importable
    (`if __name__ == "__main__"`). A `preparer`, if given, replaces these processes. `written` is called with what each
    transaction wrote.

    An article whose id and text are already stored is left alone; a new text for a known id becomes its next version.
    An article that cannot be embedded is refused, and its old version is still served. An article that is taken down
    while this runs is refused too: an ingest that began before a takedown does not undo it.
    """
    began = time.monotonic()
    since = catalog.last_change()
    counts = {"added": 0, "updated": 0, "unchanged": 0}
    refused: list[Refused] = []
    chunks = 0
    limits = _BATCH_WITH_VECTORS if embedder else _BATCH_WORDS_ONLY
    with PoolPreparer(workers or (0 if embedder is None else 1)) as preparing:
        steps = _steps(items, catalog, collection, limits, preparer or preparing)
        for step, results in steps:
            refused += [item for item in (*step.batch, *results) if isinstance(item, Refused)]
            counts["unchanged"] += step.unchanged
            prepared = [result for result in results if isinstance(result, Prepared)]
            prepared, vectors = _embedded(prepared, catalog, embedder, refused)
            model = embedder.model if embedder else None
            outcomes = catalog.write(collection, prepared, vectors, model, since=since)
            for ready, outcome in zip(prepared, outcomes, strict=True):
                if outcome == "taken_down":
                    refused.append(Refused(ready.article.source or ready.article.id, _TAKEN_DOWN))
                    continue
                counts[outcome] += 1
                chunks += 0 if outcome == "unchanged" else len(ready.chunks)
            written(prepared)
            progress(len(step.batch))
    return IngestReport(
        counts["added"], counts["updated"], counts["unchanged"], tuple(refused), chunks, time.monotonic() - began
    )


@dataclass(frozen=True, slots=True)
class _Step:
    """One transaction: its items, and how many of its articles are in the catalog already."""

    batch: list[Article | Refused]
    unchanged: int
    prepared: Pending

    def touches(self, batch: Sequence[Article | Refused]) -> bool:
        """Tell whether another batch contains an article of this one."""
        ids = {item.id for item in self.batch if isinstance(item, Article)}
        return any(item.id in ids for item in batch if isinstance(item, Article))


def _steps(
    items: Iterable[Article | Refused], catalog: Catalog, collection: str, limits: tuple[int, int], preparer: Preparer
) -> Iterator[tuple[_Step, list[Prepared | Refused]]]:
    """Yield each transaction with its prepared articles, in order; other processes prepare the next ones meanwhile."""
    waiting: deque[_Step] = deque()
    for batch in _batches(items, *limits):
        # Whether an article is new depends on what is stored: an earlier batch with the same article is written first.
        while any(step.touches(batch) for step in waiting):
            yield waiting[0], waiting.popleft().prepared()
        fresh, unchanged = _split_known([item for item in batch if isinstance(item, Article)], catalog, collection)
        waiting.append(_Step(batch, unchanged, preparer.start(fresh)))
        while len(waiting) > preparer.ahead:
            yield waiting[0], waiting.popleft().prepared()
    while waiting:
        yield waiting[0], waiting.popleft().prepared()


def _batches(items: Iterable[Article | Refused], max_items: int, max_chars: int) -> Iterator[list[Article | Refused]]:
    """Yield the items in batches of bounded size. No id occurs twice in a batch: a later text is a later version."""
    batch: list[Article | Refused] = []
    ids: set[str] = set()
    chars = 0
    for item in map(_checked, items):
        if isinstance(item, Article):
            if item.id in ids:
                yield batch
                batch, ids, chars = [], set(), 0
            ids.add(item.id)
            chars += len(item.text)
        batch.append(item)
        if len(batch) >= max_items or chars >= max_chars:
            yield batch
            batch, ids, chars = [], set(), 0
    if batch:
        yield batch


def _checked(item: Article | Refused) -> Article | Refused:
    """Refuse what the readers would refuse: articles that a caller built may contain anything."""
    if isinstance(item, Refused):
        return item
    try:
        return normalise_article(item)
    except BadArticle as exc:
        return Refused(item.source or ascii(item.id)[1:-1], str(exc))


def _split_known(articles: Sequence[Article], catalog: Catalog, collection: str) -> tuple[list[Article], int]:
    """Return the articles that must be written, and the number of those that the catalog already has."""
    known = catalog.known(collection, [article.id for article in articles])
    fresh: list[Article] = []
    for article in articles:
        live = known.get(article.id)
        if live is None or live.sha256 != sha256(article.text):
            fresh.append(article)
        elif adds_metadata(article, live):
            # The title is embedded with each chunk: a row without a title keeps the stored one.
            fresh.append(replace(article, title=article.title or live.title))
    return fresh, len(articles) - len(fresh)


def _embedded(
    prepared: list[Prepared], catalog: Catalog, embedder: Embedder | None, refused: list[Refused]
) -> tuple[list[Prepared], dict[bytes, Vectors]]:
    """Embed what has no vector yet. If the batch fails, embed article by article and refuse only the bad ones."""
    if embedder is None or not prepared:
        return prepared, {}
    try:
        return prepared, _vectors(prepared, catalog, embedder)
    except EmbeddingFailed as exc:
        _log.warning("a batch of %d articles cannot be embedded, trying one by one: %s", len(prepared), exc)
    embedded: list[Prepared] = []
    vectors: dict[bytes, Vectors] = {}
    in_a_row = 0
    for ready in prepared:
        try:
            vectors |= _vectors([ready], catalog, embedder)
            embedded.append(ready)
            in_a_row = 0
        except EmbeddingFailed as exc:
            in_a_row += 1
            if in_a_row >= _FAILURES_IN_A_ROW and not embedded:
                raise
            refused.append(Refused(ready.article.source or ready.article.id, f"cannot be embedded: {exc}"))
    return embedded, vectors


def _vectors(prepared: Sequence[Prepared], catalog: Catalog, embedder: Embedder) -> dict[bytes, Vectors]:
    texts = {
        sha: embed_text(ready.article.title, chunk.span.slice(ready.article.text))
        for ready in prepared
        for chunk, sha in zip(ready.chunks, ready.embed_shas, strict=True)
    }
    stored = catalog.vectors(embedder.model, list(texts))
    missing = [sha for sha in texts if sha not in stored]
    if not missing:
        return {}
    return dict(zip(missing, embedder.embed_texts([texts[sha] for sha in missing]), strict=True))
