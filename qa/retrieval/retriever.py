"""Retrieve the chunks for a question: word and vector search, fused, with a recency prior, near-duplicates folded."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC, date, datetime

from qa import tracing
from qa.catalog.catalog import Catalog, ChunkRow
from qa.errors import BadQuestion, EmbeddingFailed, StoreFailed
from qa.indexes.filters import Clause, clauses_of
from qa.indexes.protocols import Candidate, Place, VectorIndex, WordIndex
from qa.query import time_window
from qa.query.analysis import Asked, analyse
from qa.retrieval import fusion, near_duplicates
from qa.temporal import dates
from qa.types import Embedder, Hit, SearchBounds

LEG_HITS = 100  # what each leg may contribute
_VECTOR_THREADS = 32  # vector searches at one time; the others wait for a thread

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The hits of one question, and which indexes failed or were behind meanwhile."""

    asked: Asked
    hits: tuple[Hit, ...]
    degraded: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What the legs found for one question, each best first."""

    asked: Asked
    words: tuple[Candidate, ...]
    near: tuple[Candidate, ...]
    not_after: int
    window: tuple[int, int] | None  # the first and last day that the question speaks of
    degraded: tuple[str, ...]


class Retriever:
    """Search the projections; show only what is live in the catalog."""

    def __init__(
        self,
        catalog: Catalog,
        lexical: WordIndex,
        vectors: VectorIndex | None,
        embedder: Embedder | None,
        lagging: Callable[[], Sequence[str]] = lambda: (),
    ) -> None:
        """Search these indexes. `lagging` names those that miss much of the catalog."""
        self._lagging = lagging
        self._catalog = catalog
        self._lexical = lexical
        self._vectors = vectors
        self._embedder = embedder
        # No thread is started before the first vector search.
        self._vector_threads = ThreadPoolExecutor(_VECTOR_THREADS, thread_name_prefix="vector-leg")

    def search(self, question: str | Asked, bounds: SearchBounds) -> SearchResult:
        """Return the best chunks. Raises StoreFailed when no index answers."""
        found = self.look(question, bounds)
        scores = fusion.score(found.words, found.near, found.not_after, found.window)
        word_ranks, vector_ranks = _ranks(found.words), _ranks(found.near)
        hits = [
            _hit(row, scores[place], word_ranks.get(place), vector_ranks.get(place))
            for place, row in self._live(list(scores), found.not_after, 2 * bounds.top_k)
        ]
        return SearchResult(found.asked, tuple(near_duplicates.collapse(hits)[: bounds.top_k]), found.degraded)

    def look(self, question: str | Asked, bounds: SearchBounds) -> Found:
        """Return what each leg finds, before any ranking. Raises StoreFailed when no index answers."""
        self._catalog.check_open()  # a leg of a closed library is not merely away
        asked = analyse(question) if isinstance(question, str) else question
        not_after = dates.ordinal(bounds.today.isoformat())
        collection, filters = bounds.collection, bounds.filters
        articles = self._catalog.pks(collection, filters.article_ids) if filters.article_ids else ()
        clauses = clauses_of(filters, articles, not_after)
        degraded: list[str] = []
        # If there are two legs they run at the same time: each waits mostly for code that does not hold the GIL.
        two = self._vectors is not None and self._embedder is not None
        vector_leg = (
            self._vector_threads.submit(copy_context().run, self._near, asked.in_context, collection, clauses)
            if two
            else None
        )
        words = self._words(asked, collection, clauses, degraded)
        near = vector_leg.result() if vector_leg is not None else []
        if near is None:
            degraded.append("vectors")
        if len(degraded) == (1 if self._vectors is None else 2):
            # Without this an answer would be "not in the sources" although nothing could be searched.
            raise StoreFailed(f"no index answers: {', '.join(degraded)}")
        degraded += [f"{name}_behind" for name in self._lagging() if name not in degraded]
        today = bounds.today
        span = time_window.window(asked.question, today) or time_window.window(asked.earlier_questions, today)
        window = None if span is None else (dates.ordinal(span[0].isoformat()), dates.ordinal(span[1].isoformat()))
        return Found(asked, tuple(words), tuple(near or ()), not_after, window, tuple(degraded))

    def _live(self, order: Sequence[Place], not_after: int, wanted: int) -> list[tuple[Place, ChunkRow]]:
        """Return the best chunks as the catalog has them now, which may be newer than an index.

        Only as many are read from the catalog as are wanted: reading all 200 that the legs found cost more than the
        search for them.
        """
        found: dict[Place, ChunkRow] = {}  # by the place that the row has now
        found_at: dict[Place, Place] = {}  # the place that the index gave, by the place that the row has now
        for start in range(0, len(order), wanted):
            part = order[start : start + wanted]
            rows = {_place_of(row): row for row in self._catalog.chunks_at(part)}
            newer = self._newer([place for place in part if place not in rows])
            for place in part:
                row = rows.get(place) or newer.get(place)
                if row is not None and (row.published_day is None or row.published_day <= not_after):
                    found_at.setdefault(_place_of(row), place)
                    found.setdefault(_place_of(row), row)
            if len(found) >= wanted:
                break
        return [(found_at[place], row) for place, row in found.items()][:wanted]

    def _newer(self, stale: Sequence[Place]) -> dict[Place, ChunkRow]:
        """Return the current chunks of articles of which an index still has a version that was replaced.

        Otherwise, between the write and the update of the index, an article is found by neither of its versions: 1,335
        of 1,571 searches found nothing while it was replaced again and again.
        """
        if not stale:
            return {}
        now: dict[int, list[ChunkRow]] = {}
        for row in self._catalog.chunks_of(sorted({article for article, _, _ in stale})):
            now.setdefault(row.article, []).append(row)
        return {place: now[place[0]][min(place[2], len(now[place[0]]) - 1)] for place in stale if place[0] in now}

    def _words(self, asked: Asked, collection: str, clauses: Sequence[Clause], degraded: list[str]) -> list[Candidate]:
        try:
            with tracing.stage("words"):
                return self._lexical.search((*asked.stems, *asked.context_stems), collection, clauses, LEG_HITS)
        except StoreFailed as exc:
            _log.warning("word index away: %s", exc)
            degraded.append("lexical")
            return []

    def _near(self, question: str, collection: str, clauses: Sequence[Clause]) -> list[Candidate] | None:
        """Return the nearest chunks, None where the search failed."""
        assert self._vectors is not None and self._embedder is not None
        try:
            with tracing.stage("vectors"):
                vector = self._embedder.embed_query(question)
                return self._vectors.search(vector, collection, clauses, LEG_HITS)
        except (StoreFailed, EmbeddingFailed) as exc:
            _log.warning("vector leg away: %s", exc)
            return None


def utc_today() -> date:
    """Read the clock."""
    return datetime.now(UTC).date()


def day_asked(as_of: str | None, today: Callable[[], date] = utc_today) -> date:
    """Return the day on which a question is asked: `as_of`, or today. Raises BadQuestion."""
    if as_of is None:
        return today()
    try:
        return datetime.fromisoformat(as_of).date()
    except ValueError:
        raise BadQuestion(f"as_of {as_of!r} is not a day like 2023-03-22", "as_of") from None


def _ranks(leg: Sequence[Candidate]) -> dict[Place, int]:
    return {candidate.place: rank for rank, candidate in enumerate(leg, start=1)}


def _place_of(row: ChunkRow) -> Place:
    return row.article, row.version, row.ordinal


def _hit(row: ChunkRow, score: float, lexical_rank: int | None, vector_rank: int | None) -> Hit:
    return Hit(row.key, row.source, row.span, row.text, row.sentences, score, lexical_rank, vector_rank)
