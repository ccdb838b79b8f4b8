"""Hybrid retrieval: word search and vector search, fused, with a recency prior and near-duplicates folded."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
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
from qa.query.analysis import AnalysedQuestion, analyse
from qa.retrieval import fusion, near_duplicates
from qa.temporal import dates
from qa.types import Embedder, Hit, SearchBounds

LEG_HITS = 100  # of each leg, at most
_VECTOR_THREADS = 32  # vector searches at one time; others wait for a thread

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The hits of one question, and which indexes failed or were behind."""

    question: AnalysedQuestion
    hits: tuple[Hit, ...]
    degraded: tuple[str, ...]

    def __iter__(self) -> Iterator[Hit]:
        """Yield the hits, best first."""
        return iter(self.hits)

    def __len__(self) -> int:
        """Return how many hits there are."""
        return len(self.hits)


@dataclass(frozen=True, slots=True)
class LegHits:
    """What the word search and the vector search found for one question, each best first."""

    question: AnalysedQuestion
    words: tuple[Candidate, ...]
    near: tuple[Candidate, ...]
    not_after: int
    window: tuple[int, int] | None  # the first and last day that the question names
    degraded: tuple[str, ...]


class Retriever:
    """Search the indexes; return only what the catalog has now."""

    def __init__(
        self,
        catalog: Catalog,
        lexical: WordIndex,
        vectors: VectorIndex | None,
        embedder: Embedder | None,
        lagging: Callable[[], Sequence[str]] = lambda: (),
    ) -> None:
        """Search these indexes. `lagging` names those that lack much of the catalog."""
        self._lagging = lagging
        self._catalog = catalog
        self._lexical = lexical
        self._vectors = vectors
        self._embedder = embedder
        # No thread is started before the first vector search.
        self._vector_threads = ThreadPoolExecutor(_VECTOR_THREADS, thread_name_prefix="vector-leg")

    def search(self, question: str | AnalysedQuestion, bounds: SearchBounds) -> SearchResult:
        """Return the best chunks. Raises StoreFailed when no index answers."""
        found = self.look(question, bounds)
        scores = fusion.score(found.words, found.near, found.not_after, found.window)
        word_ranks, vector_ranks = _ranks(found.words), _ranks(found.near)
        hits = [
            _hit(row, scores[place], word_ranks.get(place), vector_ranks.get(place))
            for place, row in self._live(list(scores), found.not_after, 2 * bounds.top_k)
        ]
        return SearchResult(found.question, tuple(near_duplicates.collapse(hits)[: bounds.top_k]), found.degraded)

    def look(self, question: str | AnalysedQuestion, bounds: SearchBounds) -> LegHits:
        """Return what each leg finds, before any ranking. Raises StoreFailed when no index answers."""
        self._catalog.check_open()  # else a closed library would look like one without an index
        analysed = analyse(question) if isinstance(question, str) else question
        not_after = dates.ordinal(bounds.today.isoformat())
        collection, filters = bounds.collection, bounds.filters
        articles = self._catalog.pks(collection, filters.article_ids) if filters.article_ids else ()
        clauses = clauses_of(filters, articles, not_after)
        degraded: list[str] = []
        # The two legs run at the same time: each waits mostly for code that does not hold the GIL.
        has_vectors = self._vectors is not None and self._embedder is not None
        vector_leg = (
            self._vector_threads.submit(copy_context().run, self._near, analysed.in_context, collection, clauses)
            if has_vectors
            else None
        )
        words = self._words(analysed, collection, clauses, degraded)
        near = vector_leg.result() if vector_leg is not None else []
        if near is None:
            degraded.append("vectors")
        if len(degraded) == (1 if self._vectors is None else 2):
            # Else the answer would be "not in the sources" although nothing could be searched.
            raise StoreFailed(f"no index answers: {', '.join(degraded)}")
        degraded += [f"{name}_behind" for name in self._lagging() if name not in degraded]
        today = bounds.today
        days = time_window.window(analysed.text, today) or time_window.window(analysed.earlier_questions, today)
        window = None if days is None else (dates.ordinal(days[0].isoformat()), dates.ordinal(days[1].isoformat()))
        return LegHits(analysed, tuple(words), tuple(near or ()), not_after, window, tuple(degraded))

    def _live(self, order: Sequence[Place], not_after: int, count: int) -> list[tuple[Place, ChunkRow]]:
        """Return the best `count` chunks as the catalog has them now, which may be newer than an index.

        No more are read from the catalog: reading all 200 that the legs found took longer than the search for them.
        """
        live: dict[Place, ChunkRow] = {}  # by the place that the row has now
        indexed_at: dict[Place, Place] = {}  # the place that the index gave, by the place that the row has now
        for start in range(0, len(order), count):
            part = order[start : start + count]
            rows = {_place_of(row): row for row in self._catalog.chunks_at(part)}
            newer = self._newer([place for place in part if place not in rows])
            for place in part:
                row = rows.get(place) or newer.get(place)
                if row is not None and (row.published_day is None or row.published_day <= not_after):
                    indexed_at.setdefault(_place_of(row), place)
                    live.setdefault(_place_of(row), row)
            if len(live) >= count:
                break
        return [(indexed_at[place], row) for place, row in live.items()][:count]

    def _newer(self, stale: Sequence[Place]) -> dict[Place, ChunkRow]:
        """Return the current chunks of articles of which an index still has a replaced version.

        Otherwise neither version of an article is found between the write and the update of the index: 1,335 of 1,571
        searches found nothing while an article was replaced again and again.
        """
        if not stale:
            return {}
        current: dict[int, list[ChunkRow]] = {}
        for row in self._catalog.chunks_of(sorted({article for article, _, _ in stale})):
            current.setdefault(row.article, []).append(row)
        return {
            place: current[place[0]][min(place[2], len(current[place[0]]) - 1)]
            for place in stale
            if place[0] in current
        }

    def _words(
        self, question: AnalysedQuestion, collection: str, clauses: Sequence[Clause], degraded: list[str]
    ) -> list[Candidate]:
        try:
            with tracing.stage("words"):
                return self._lexical.search((*question.stems, *question.context_stems), collection, clauses, LEG_HITS)
        except StoreFailed as exc:
            _log.warning("word index away: %s", exc)
            degraded.append("lexical")
            return []

    def _near(self, question: str, collection: str, clauses: Sequence[Clause]) -> list[Candidate] | None:
        """Return the nearest chunks, None if the search failed."""
        assert self._vectors is not None and self._embedder is not None
        try:
            with tracing.stage("vectors"):
                vector = self._embedder.embed_query(question)
                return self._vectors.search(vector, collection, clauses, LEG_HITS)
        except (StoreFailed, EmbeddingFailed) as exc:
            _log.warning("vector leg away: %s", exc)
            return None


def utc_today() -> date:
    """Return the day that the clock has in UTC."""
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
