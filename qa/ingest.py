"""Take articles in: chunk, embed, write whole; refuse what is bad by itself."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from multiprocessing import get_context

from qa import dates, text
from qa.catalog import Catalog, Prepared, says_more
from qa.chunking import chunk, embed_sha, embed_text
from qa.errors import BadArticle, EmbeddingFailed
from qa.types import Article, Embedder, IngestReport, Refused, Vectors

# Articles in one transaction. Each is whole in it; more of them share one sync of the disk.
_ARTICLES = 32
_CHARS = 100_000  # seconds of embedding, so that little is lost and the progress moves
_FAILURES = 3  # so many articles in a row that cannot be embedded mean that the embedder is away

_log = logging.getLogger(__name__)


def prepare(article: Article) -> Prepared | Refused:
    """Compute everything that is kept of an article besides its vectors."""
    chunks = chunk(article.text, article.furniture)
    if not chunks:
        return Refused(article.source or article.id, "holds no text besides web furniture")
    return Prepared(
        article=article,
        sha256=text.sha256(article.text),
        chunks=chunks,
        embed_shas=tuple(embed_sha(article.title, one.span.slice(article.text)) for one in chunks),
    )


def ingest(
    items: Iterable[Article | Refused],
    catalog: Catalog,
    embedder: Embedder | None,
    *,
    collection: str = "default",
    workers: int = 1,
    progress: Callable[[int], None] = lambda articles: None,
) -> IngestReport:
    """Write articles into the catalog. `progress` is told the number of items done after each batch.

    An article with the same id and the same text is left as it is; another text becomes its next version. An article
    that cannot be embedded is refused, and its old version is still served.
    """
    began = time.monotonic()
    counts = {"added": 0, "updated": 0, "unchanged": 0}
    refused: list[Refused] = []
    chunks = 0
    with ExitStack() as stack:
        pool = None
        if workers > 1:
            pool = stack.enter_context(ProcessPoolExecutor(workers, mp_context=get_context("spawn")))
        for batch in _batches(items):
            refused += [one for one in batch if isinstance(one, Refused)]
            articles = [one for one in batch if isinstance(one, Article)]
            fresh, same = _split_known(articles, catalog, collection)
            counts["unchanged"] += same
            results = list(pool.map(prepare, fresh, chunksize=8)) if pool else [prepare(one) for one in fresh]
            refused += [one for one in results if isinstance(one, Refused)]
            prepared = [one for one in results if isinstance(one, Prepared)]
            prepared, vectors = _embedded(prepared, catalog, embedder, refused)
            outcomes = catalog.write(collection, prepared, vectors, embedder.model if embedder else None)
            for one, outcome in zip(prepared, outcomes, strict=True):
                counts[outcome] += 1
                chunks += 0 if outcome == "unchanged" else len(one.chunks)
            progress(len(batch))
    return IngestReport(
        counts["added"], counts["updated"], counts["unchanged"], tuple(refused), chunks, time.monotonic() - began
    )


def _batches(items: Iterable[Article | Refused]) -> Iterator[list[Article | Refused]]:
    """Yield the items in batches of bounded size, no article id twice in one: a later text is a later version."""
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
        if len(batch) >= _ARTICLES or chars >= _CHARS:
            yield batch
            batch, ids, chars = [], set(), 0
    if batch:
        yield batch


def _checked(item: Article | Refused) -> Article | Refused:
    """Refuse what the catalog could not store: the readers see to it, a caller's own articles may hold anything."""
    if isinstance(item, Refused):
        return item
    try:
        for value in (item.text, item.id, item.title, item.url, item.outlet, item.language, *item.authors):
            text.normalise(value or "")
        if item.published_at is not None:
            dates.ordinal(item.published_at)
    except BadArticle as exc:
        return Refused(item.source or ascii(item.id)[1:-1], str(exc))
    return item


def _split_known(articles: Sequence[Article], catalog: Catalog, collection: str) -> tuple[list[Article], int]:
    known = catalog.known(collection, [one.id for one in articles])
    fresh: list[Article] = []
    for one in articles:
        live = known.get(one.id)
        if live is None or live.sha256 != text.sha256(one.text):
            fresh.append(one)
        elif says_more(one, live):
            # The title is embedded with each chunk: a row that brings no title keeps the one that is there.
            fresh.append(replace(one, title=one.title or live.title))
    return fresh, len(articles) - len(fresh)


def _embedded(
    prepared: list[Prepared], catalog: Catalog, embedder: Embedder | None, refused: list[Refused]
) -> tuple[list[Prepared], dict[bytes, Vectors]]:
    """Embed what has no vector yet; on failure article by article, so that only the culprit is refused."""
    if embedder is None or not prepared:
        return prepared, {}
    try:
        return prepared, _vectors(prepared, catalog, embedder)
    except EmbeddingFailed as exc:
        _log.warning("a batch of %d articles cannot be embedded, trying one by one: %s", len(prepared), exc)
    good: list[Prepared] = []
    vectors: dict[bytes, Vectors] = {}
    in_a_row = 0
    for one in prepared:
        try:
            vectors |= _vectors([one], catalog, embedder)
            good.append(one)
            in_a_row = 0
        except EmbeddingFailed as exc:
            in_a_row += 1
            if in_a_row >= _FAILURES and not good:
                raise
            refused.append(Refused(one.article.source or one.article.id, f"cannot be embedded: {exc}"))
    return good, vectors


def _vectors(prepared: Sequence[Prepared], catalog: Catalog, embedder: Embedder) -> dict[bytes, Vectors]:
    texts = {
        sha: embed_text(one.article.title, chunk.span.slice(one.article.text))
        for one in prepared
        for chunk, sha in zip(one.chunks, one.embed_shas, strict=True)
    }
    kept = catalog.vectors(embedder.model, list(texts))
    missing = [sha for sha in texts if sha not in kept]
    if not missing:
        return {}
    return dict(zip(missing, embedder.embed_texts([texts[sha] for sha in missing]), strict=True))
