"""From a question to ranked chunks: words and vectors, fused, with a recency prior, each story once."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, date, datetime

from qa import dates, ranking, reprints, timewords
from qa.catalog import Catalog, ChunkRow
from qa.errors import BadQuestion, EmbeddingFailed, StoreFailed
from qa.lexical import LexicalIndex
from qa.questions import Asked, analyse
from qa.types import Embedder, Filters, Hit
from qa.vectors import VectorIndex

LEG_HITS = 100  # what each leg may contribute

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The hits of one question, and what was away while they were found."""

    asked: Asked
    hits: tuple[Hit, ...]
    degraded: tuple[str, ...]


class Retriever:
    """Search the projections; show only what is live in the catalog."""

    def __init__(
        self, catalog: Catalog, lexical: LexicalIndex, vectors: VectorIndex | None, embedder: Embedder | None
    ) -> None:
        self._catalog = catalog
        self._lexical = lexical
        self._vectors = vectors
        self._embedder = embedder

    def search(
        self,
        question: str,
        *,
        collection: str = "default",
        filters: Filters = Filters(),
        as_of: str | None = None,
        top_k: int = 8,
    ) -> Retrieved:
        """Return the `top_k` best chunks. Raises BadQuestion, and StoreFailed when every leg is away."""
        asked = analyse(question)
        today = _day(as_of)
        bounds = _Bounds(collection, filters, dates.ordinal(today.isoformat()))
        degraded: list[str] = []
        words = self._words(asked, bounds, degraded)
        near, near_rows = self._near(question, bounds, degraded)
        if len(degraded) == (1 if self._vectors is None else 2):
            # Without this an answer would say that the articles do not, when nobody could look.
            raise StoreFailed(f"no index answers: {', '.join(degraded)}")
        rows = self._catalog.chunks_by_key(list(words)) | near_rows
        legs = (words, near)
        scores = ranking.fuse([{key: score for key, score in leg.items() if key in rows} for leg in legs])
        span = timewords.window(question, today)
        window = None if span is None else (dates.ordinal(span[0].isoformat()), dates.ordinal(span[1].isoformat()))
        prior = ranking.recency({key: rows[key].published_day for key in scores}, bounds.not_after, window)
        total = {key: score + ranking.RECENCY_WEIGHT * prior[key] for key, score in scores.items()}
        order = sorted(total, key=lambda key: (-total[key], key))
        ranks = [{key: place for place, key in enumerate(leg, start=1)} for leg in legs]
        hits = [_hit(rows[key], total[key], ranks[0].get(key), ranks[1].get(key)) for key in order]
        return Retrieved(asked, tuple(reprints.collapse(hits[: 2 * top_k])[:top_k]), tuple(degraded))

    def _words(self, asked: Asked, bounds: _Bounds, degraded: list[str]) -> dict[int, float]:
        try:
            found = self._lexical.search(asked.stems, bounds.collection, bounds.filters, bounds.not_after, LEG_HITS)
        except StoreFailed as exc:
            _log.warning("word index away: %s", exc)
            degraded.append("lexical")
            return {}
        return dict(found)

    def _near(
        self, question: str, bounds: _Bounds, degraded: list[str]
    ) -> tuple[dict[int, float], dict[int, ChunkRow]]:
        if self._vectors is None or self._embedder is None:
            return {}, {}
        articles = self._catalog.pks(bounds.collection, bounds.filters.article_ids)
        try:
            vector = self._embedder.embed_query(question)
            found = self._vectors.search(
                vector, bounds.collection, bounds.filters, articles, bounds.not_after, LEG_HITS
            )
        except (StoreFailed, EmbeddingFailed) as exc:
            _log.warning("vector leg away: %s", exc)
            degraded.append("vectors")
            return {}, {}
        rows = {
            (row.article, row.version, row.ordinal): row for row in self._catalog.chunks_at([at for at, _ in found])
        }
        live = [(rows[at], score) for at, score in found if at in rows]
        return {row.key: score for row, score in live}, {row.key: row for row, _ in live}


@dataclass(frozen=True, slots=True)
class _Bounds:
    collection: str
    filters: Filters
    not_after: int  # nothing dated after this day is shown


def _day(as_of: str | None) -> date:
    if as_of is None:
        return datetime.now(UTC).date()
    try:
        return datetime.fromisoformat(as_of).date()
    except ValueError:
        raise BadQuestion(f"as_of {as_of!r} is not a day like 2023-03-22", "as_of") from None


def _hit(row: ChunkRow, score: float, lexical_rank: int | None, vector_rank: int | None) -> Hit:
    return Hit(row.key, row.source, row.span, row.text, row.sentences, score, lexical_rank, vector_rank)
