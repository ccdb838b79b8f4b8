"""From a question to ranked chunks: words and vectors, fused, with a recency prior, each story once."""

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
from qa.indexes.protocols import Candidate, NearestIndex, Place, WordIndex
from qa.query import time_window
from qa.query.analysis import Asked, analyse
from qa.query.follow_ups import Standalone, alone
from qa.retrieval import fusion, near_duplicates
from qa.temporal import dates
from qa.types import Embedder, Filters, Hit

LEG_HITS = 100  # what each leg may contribute
_BESIDE = 32  # vector legs at one time; the others wait for a thread

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The hits of one question, and what was away while they were found."""

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
        vectors: NearestIndex | None,
        embedder: Embedder | None,
        lagging: Callable[[], Sequence[str]] = lambda: (),
    ) -> None:
        """Search these. `lagging` names the indexes that miss much of the catalog."""
        self._lagging = lagging
        self._catalog = catalog
        self._lexical = lexical
        self._vectors = vectors
        self._embedder = embedder
        self._beside = ThreadPoolExecutor(_BESIDE, thread_name_prefix="vector-leg")  # starts no thread before its use

    def search(
        self,
        question: str | Standalone,
        *,
        collection: str = "default",
        filters: Filters = Filters(),
        as_of: str | None = None,
        top_k: int = 8,
    ) -> Retrieved:
        """Return the `top_k` best chunks. Raises BadQuestion, and StoreFailed when every leg is away."""
        found = self.look(question, collection=collection, filters=filters, as_of=as_of)
        scores = fusion.score(found.words, found.near, found.not_after, found.window)
        ranks = [{one.place: rank for rank, one in enumerate(leg, start=1)} for leg in (found.words, found.near)]
        hits = [
            _hit(row, scores[place], ranks[0].get(place), ranks[1].get(place))
            for place, row in self._live(list(scores), found.not_after, 2 * top_k)
        ]
        return Retrieved(found.asked, tuple(near_duplicates.collapse(hits)[:top_k]), found.degraded)

    def look(
        self,
        question: str | Standalone,
        *,
        collection: str = "default",
        filters: Filters = Filters(),
        as_of: str | None = None,
    ) -> Found:
        """Return what each leg finds, before any ranking. Raises BadQuestion, and StoreFailed."""
        self._catalog.check_open()  # a leg of a closed library is not merely away
        follow_up = alone(question) if isinstance(question, str) else question
        asked = analyse(follow_up.question, follow_up.own, f"{follow_up.context} {follow_up.aside}".strip())
        today = _day(as_of)
        bounds = _Bounds(collection, filters, dates.ordinal(today.isoformat()))
        degraded: list[str] = []
        # Side by side, if there are two: each waits most of its time for code that needs no interpreter.
        two = self._vectors is not None and self._embedder is not None
        beside = self._beside.submit(copy_context().run, self._near, asked.in_context, bounds) if two else None
        words = self._words(asked, bounds, degraded)
        near = beside.result() if beside is not None else []
        if near is None:
            degraded.append("vectors")
        if len(degraded) == (1 if self._vectors is None else 2):
            # Without this an answer would say that the articles do not, when nobody could look.
            raise StoreFailed(f"no index answers: {', '.join(degraded)}")
        degraded += [f"{name}_behind" for name in self._lagging() if name not in degraded]
        span = time_window.window(asked.question, today) or time_window.window(follow_up.before, today)
        window = None if span is None else (dates.ordinal(span[0].isoformat()), dates.ordinal(span[1].isoformat()))
        return Found(asked, tuple(words), tuple(near or ()), bounds.not_after, window, tuple(degraded))

    def _live(self, order: Sequence[Place], not_after: int, wanted: int) -> list[tuple[Place, ChunkRow]]:
        """Return the best chunks that the catalog has, as it has them; an index may be behind.

        Only these are looked up, not all that the legs found: reading 200 chunks cost more than finding them.
        """
        found: dict[Place, ChunkRow] = {}  # by the place that the row has now
        asked: dict[Place, Place] = {}
        for start in range(0, len(order), wanted):
            part = order[start : start + wanted]
            rows = {_place_of(row): row for row in self._catalog.chunks_at(part)}
            newer = self._newer([place for place in part if place not in rows])
            for place in part:
                row = rows.get(place) or newer.get(place)
                if row is not None and (row.published_day is None or row.published_day <= not_after):
                    asked.setdefault(_place_of(row), place)
                    found.setdefault(_place_of(row), row)
            if len(found) >= wanted:
                break
        return [(asked[place], row) for place, row in found.items()][:wanted]

    def _newer(self, stale: Sequence[Place]) -> dict[Place, ChunkRow]:
        """Return what stands now where an index still has a version that was replaced.

        Between the write and the index an article would be found by neither of its versions: 1,335 of 1,571 searches
        found nothing while it was replaced again and again.
        """
        if not stale:
            return {}
        now: dict[int, list[ChunkRow]] = {}
        for row in self._catalog.chunks_of(sorted({article for article, _, _ in stale})):
            now.setdefault(row.article, []).append(row)
        return {place: now[place[0]][min(place[2], len(now[place[0]]) - 1)] for place in stale if place[0] in now}

    def _words(self, asked: Asked, bounds: _Bounds, degraded: list[str]) -> list[Candidate]:
        try:
            with tracing.stage("words"):
                return self._lexical.search(
                    (*asked.stems, *asked.carried), bounds.collection, bounds.filters, bounds.not_after, LEG_HITS
                )
        except StoreFailed as exc:
            _log.warning("word index away: %s", exc)
            degraded.append("lexical")
            return []

    def _near(self, question: str, bounds: _Bounds) -> list[Candidate] | None:
        """Return the nearest chunks, None where nobody could look."""
        assert self._vectors is not None and self._embedder is not None  # else there is nothing to ask
        articles = self._catalog.pks(bounds.collection, bounds.filters.article_ids)
        try:
            with tracing.stage("vectors"):
                vector = self._embedder.embed_query(question)
                return self._vectors.search(
                    vector, bounds.collection, bounds.filters, articles, bounds.not_after, LEG_HITS
                )
        except (StoreFailed, EmbeddingFailed) as exc:
            _log.warning("vector leg away: %s", exc)
            return None


@dataclass(frozen=True, slots=True)
class _Bounds:
    collection: str
    filters: Filters
    not_after: int  # nothing dated after this day is shown


def _place_of(row: ChunkRow) -> Place:
    return row.article, row.version, row.ordinal


def _day(as_of: str | None) -> date:
    if as_of is None:
        return datetime.now(UTC).date()
    try:
        return datetime.fromisoformat(as_of).date()
    except ValueError:
        raise BadQuestion(f"as_of {as_of!r} is not a day like 2023-03-22", "as_of") from None


def _hit(row: ChunkRow, score: float, lexical_rank: int | None, vector_rank: int | None) -> Hit:
    return Hit(row.key, row.source, row.span, row.text, row.sentences, score, lexical_rank, vector_rank)
