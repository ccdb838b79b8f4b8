"""Take articles in: chunk, embed, write whole; refuse what is bad by itself."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from qa.catalog.catalog import Catalog, Prepared, says_more
from qa.errors import BadArticle, EmbeddingFailed
from qa.ingest.prepare import Pending, Preparer, Preparing
from qa.readers.rows import normalise_article
from qa.text.chunking import embed_text
from qa.text.normalise import sha256
from qa.types import Article, Embedder, IngestReport, Refused, Vectors

# Articles and characters in one transaction. Each article is whole in it; more of them share one sync of the disk.
_EMBEDDED = (32, 100_000)  # seconds of embedding, so that little is lost and the progress moves
_WORDS_ALONE = (128, 800_000)  # as long without
_TAKEN_DOWN = "was taken down while it was being ingested; send it again to put it back"
_FAILURES = 3  # so many articles in a row that cannot be embedded mean that the embedder is away

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
    """Write articles into the catalog. `progress` is told the number of items done after each batch.

    With more than one of `workers` that many other processes prepare articles, with 0 as many as help: none for a few
    articles, nor where embedding takes the time. A script that says 0 must be importable (`if __name__ == "__main__"`).
    A `preparer` is asked instead of them. `written` is told what each transaction wrote.

    An article with the same id and the same text is left as it is; another text becomes its next version. An article
    that cannot be embedded is refused, and its old version is still served. One that somebody takes down meanwhile is
    refused too: a takedown is not undone by what had begun before it.
    """
    began = time.monotonic()
    since = catalog.last_change()
    counts = {"added": 0, "updated": 0, "unchanged": 0}
    refused: list[Refused] = []
    chunks = 0
    with Preparing(workers or (0 if embedder is None else 1)) as preparing:
        steps = _steps(items, catalog, collection, _EMBEDDED if embedder else _WORDS_ALONE, preparer or preparing)
        for step, results in steps:
            refused += [one for one in (*step.batch, *results) if isinstance(one, Refused)]
            counts["unchanged"] += step.same
            prepared = [one for one in results if isinstance(one, Prepared)]
            prepared, vectors = _embedded(prepared, catalog, embedder, refused)
            model = embedder.model if embedder else None
            outcomes = catalog.write(collection, prepared, vectors, model, since=since)
            for one, outcome in zip(prepared, outcomes, strict=True):
                if outcome == "taken_down":
                    refused.append(Refused(one.article.source or one.article.id, _TAKEN_DOWN))
                    continue
                counts[outcome] += 1
                chunks += 0 if outcome == "unchanged" else len(one.chunks)
            written(prepared)
            progress(len(step.batch))
    return IngestReport(
        counts["added"], counts["updated"], counts["unchanged"], tuple(refused), chunks, time.monotonic() - began
    )


@dataclass(frozen=True, slots=True)
class _Step:
    """One transaction: its items, and the number of articles that are in the catalog as they are."""

    batch: list[Article | Refused]
    same: int
    prepared: Pending

    def touches(self, batch: Sequence[Article | Refused]) -> bool:
        """Tell whether another batch brings an article of this one again."""
        ids = {one.id for one in self.batch if isinstance(one, Article)}
        return any(one.id in ids for one in batch if isinstance(one, Article))


def _steps(
    items: Iterable[Article | Refused], catalog: Catalog, collection: str, most: tuple[int, int], preparing: Preparer
) -> Iterator[tuple[_Step, list[Prepared | Refused]]]:
    """Yield what is to be written, in order. While one batch is written other processes prepare the next ones."""
    waiting: deque[_Step] = deque()
    for batch in _batches(items, *most):
        # What is known decides what an article brings: the batch before must be written if it is in both.
        while any(step.touches(batch) for step in waiting):
            yield waiting[0], waiting.popleft().prepared()
        fresh, same = _split_known([one for one in batch if isinstance(one, Article)], catalog, collection)
        waiting.append(_Step(batch, same, preparing.start(fresh)))
        while len(waiting) > preparing.ahead:
            yield waiting[0], waiting.popleft().prepared()
    while waiting:
        yield waiting[0], waiting.popleft().prepared()


def _batches(items: Iterable[Article | Refused], most: int, most_chars: int) -> Iterator[list[Article | Refused]]:
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
        if len(batch) >= most or chars >= most_chars:
            yield batch
            batch, ids, chars = [], set(), 0
    if batch:
        yield batch


def _checked(item: Article | Refused) -> Article | Refused:
    """Refuse what the readers would: a caller's own articles may hold anything."""
    if isinstance(item, Refused):
        return item
    try:
        return normalise_article(item)
    except BadArticle as exc:
        return Refused(item.source or ascii(item.id)[1:-1], str(exc))


def _split_known(articles: Sequence[Article], catalog: Catalog, collection: str) -> tuple[list[Article], int]:
    known = catalog.known(collection, [one.id for one in articles])
    fresh: list[Article] = []
    for one in articles:
        live = known.get(one.id)
        if live is None or live.sha256 != sha256(one.text):
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
