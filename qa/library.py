"""An open store: articles in, answers with cited spans out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from qa import wiring
from qa.errors import QaError, StoreFailed
from qa.settings import Settings
from qa.types import Article, Filters, IngestReport, Refused

if TYPE_CHECKING:
    from qa.answering.answerer import Answerer
    from qa.catalog.catalog import Prepared
    from qa.indexes.projections import IndexState
    from qa.ingest.ray import RayWorkers
    from qa.retrieval.retriever import Retrieved

_log = logging.getLogger(__name__)

Progress = Callable[[str, int], None]


class Library:
    """An open store: the catalog, its indexes, and everything that reads them. One process at a time holds it."""

    def __init__(self, settings: Settings) -> None:
        """Open the store in `settings.data_dir`. Raises Locked, StoreFailed, EmbeddingFailed and BadSettings."""
        parts = wiring.open_parts(settings)
        self.settings = settings
        self.owner = parts.owner
        self.catalog = parts.catalog
        self.embedder = parts.embedder
        self.projections = parts.projections
        self.retriever = parts.retriever
        self.ranker = parts.ranker
        self.model = parts.model
        self.utility = parts.utility
        self._prompts = parts.prompts
        self._words = parts.words
        self._vectors = parts.vectors

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the indexes and the catalog and let go of the directory."""
        self._words.close()
        if self._vectors is not None:
            self._vectors.close()
        self.catalog.close()
        self.owner.close()

    def answerer(self, *, fill: bool = True) -> Answerer:
        """Return what answers questions, in both modes. An index that is behind catches up first.

        It is after an upgrade that changes its format, or when other processes wrote the catalog. The service starts at
        once (`fill=False`), says in `/readyz` that it is behind, and fills it in the background.
        """
        from qa.answering.answerer import Answerer

        if fill and any(state.behind for state in self.projections.states()):
            self.projections.catch_up()
        return Answerer(
            self.catalog,
            self.retriever,
            self.ranker,
            self.model,
            self._prompts,
            embedder=self.embedder,
            default_mode=self.settings.mode,
            on_llm_failure=self.settings.on_llm_failure,
            unsupported=self.settings.unsupported,
            deadline_s=self.settings.deadline_s,
        )

    def ingest(
        self,
        items: Iterable[Article | Refused],
        *,
        collection: str = "default",
        workers: int = 1,
        progress: Callable[[int], None] = lambda articles: None,
        indexed: Progress = lambda name, changes: None,
        spread: RayWorkers | None = None,
    ) -> IngestReport:
        """Write articles and bring the indexes up to date, so that they can be asked about when this returns."""
        from qa.ingest.ingest import ingest

        try:
            return ingest(
                items,
                self.catalog,
                spread or self.embedder,
                collection=collection,
                workers=workers,
                progress=progress,
                preparer=spread,
                written=self._follow,
            )
        finally:  # what was written before a failure can be asked about too
            self.projections.catch_up(indexed)

    def _follow(self, prepared: Sequence[Prepared]) -> None:
        """Take what was just written into the word index, while other processes prepare what comes next."""
        stems = {words: its for one in prepared for words, its in one.stems_by_text()}
        try:
            self.projections.follow_words(stems)
        except StoreFailed as exc:  # the catch-up at the end tries again, and says so
            _log.warning("the word index cannot follow yet: %s", exc)

    def remove(self, collection: str, article_id: str) -> None:
        """Take an article down, also from the indexes. Raises NotFound."""
        self.catalog.remove(collection, article_id)
        self.projections.catch_up()

    def search(
        self,
        query: str,
        *,
        collection: str = "default",
        filters: Filters = Filters(),
        as_of: str | None = None,
        top_k: int = 8,
        fill: bool = True,
    ) -> Retrieved:
        """Return the best chunks for a query. An index that is far behind catches up first, as for an answer."""
        if fill and (not self.projections.caught_up or self.projections.lagging()):
            try:
                self.projections.catch_up()
            except QaError as exc:  # what is there is searched, and `degraded` says what is not
                _log.warning("the indexes cannot follow the catalog: %s", exc)
        return self.retriever.search(query, collection=collection, filters=filters, as_of=as_of, top_k=top_k)

    def verify(self) -> list[IndexState]:
        """Compare the indexes with the catalog."""
        return self.projections.verify()


def sample_articles() -> Path:
    """Return the folder of the sample articles that ship with the package."""
    return Path(__file__).parent / "sample"
