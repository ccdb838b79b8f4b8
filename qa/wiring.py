"""Build every part from the settings. The only file that imports late: `import qa` and `qa --help` stay light."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from qa.settings import Settings
from qa.types import Article, Embedder, Filters, IngestReport, Refused, SearchBounds

if TYPE_CHECKING:
    from qa.answering import Answerer
    from qa.catalog import Catalog, Prepared
    from qa.chat import ChatModel, ChatRelay
    from qa.indexes import NearestIndex, WordIndex
    from qa.llm import OpenAIChat
    from qa.projections import IndexState, Projections
    from qa.ray_ingest import RayWorkers
    from qa.retrieval import Retriever, SearchResult
    from qa.rows import Fetch

_log = logging.getLogger(__name__)

Progress = Callable[[str, int], None]


class Library:
    """An open store: the catalog, its indexes, and everything that reads them. One process at a time holds it."""

    def __init__(self, settings: Settings) -> None:
        """Open the store in `settings.data_dir`. Raises Locked, StoreFailed, EmbeddingFailed and BadSettings."""
        from qa.catalog import Catalog
        from qa.evidence import EvidenceRanker
        from qa.ownership import Ownership
        from qa.projections import Projections
        from qa.prompts import load_prompts
        from qa.query_memo import QueryMemo
        from qa.retrieval import Retriever

        self.settings = settings
        self._prompts = load_prompts(settings.prompts_dir)
        self.owner = Ownership(settings.data_dir)
        try:
            self.catalog: Catalog = Catalog(settings.catalog_url)
            embedder = build_embedder(settings)
            self.embedder: Embedder | None = None if embedder is None else QueryMemo(embedder)
            self._lexical: WordIndex = build_words(settings, self.catalog)
            self._vectors: NearestIndex | None = None
            if self.embedder is not None:
                self._vectors = build_vectors(settings, self.catalog, self.embedder.model)
            # A vector server may have several processes that write it; a directory of ours has one.
            turn = {"vector_turn": self.catalog.vector_turn} if settings.chroma_url else {}
            self.projections: Projections = Projections(
                self.catalog, self._lexical, self._vectors, self.embedder, **turn
            )
            self.retriever: Retriever = Retriever(
                self.catalog, self._lexical, self._vectors, self.embedder, self.projections.lagging
            )
            self.ranker = EvidenceRanker(self._lexical, self.embedder)
            self.model: ChatModel | None = build_model(settings, settings.llm_model)
            self.utility: ChatRelay | None = build_model(settings, settings.utility_model or settings.llm_model)
        except BaseException:
            self.owner.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the indexes and the catalog and let go of the directory."""
        self._lexical.close()
        if self._vectors is not None:
            self._vectors.close()
        self.catalog.close()
        self.owner.close()

    def answerer(self, *, fill: bool = True) -> Answerer:
        """Return what answers questions, in both modes. An index that is behind catches up first.

        It is after an upgrade that changes its format, or when other processes wrote the catalog. The service starts at
        once (`fill=False`), says in `/readyz` that it is behind, and fills it in the background.
        """
        from qa.answering import Answerer

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
        from qa.ingest import ingest

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
        from qa.errors import StoreFailed

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
    ) -> SearchResult:
        """Return the best chunks for a query. An index that is far behind catches up first, as for an answer."""
        from qa.errors import QaError
        from qa.retrieval import day_asked

        if fill and (not self.projections.caught_up or self.projections.lagging()):
            try:
                self.projections.catch_up()
            except QaError as exc:  # what is there is searched, and `degraded` says what is not
                _log.warning("the indexes cannot follow the catalog: %s", exc)
        return self.retriever.search(query, SearchBounds(day_asked(as_of), collection, filters, top_k))

    def verify(self) -> list[IndexState]:
        """Compare the indexes with the catalog."""
        return self.projections.verify()


class Follower:
    """Follow the change log in the background, for articles that another process writes into the catalog."""

    def __init__(self, library: Library, interval_s: float = 1.0) -> None:
        self._library = library
        self._interval_s = interval_s
        self._stop = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look now: something was written here that nobody waits for."""
        self._wake.set()

    def close(self) -> None:
        """Stop after the step that is running."""
        self._stop = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        from qa.errors import QaError

        while True:
            self._wake.wait(self._interval_s)
            self._wake.clear()
            if self._stop:
                return
            try:
                projections = self._library.projections
                if not projections.caught_up or any(state.behind for state in projections.states()):
                    self._library.projections.catch_up()
            except QaError as exc:
                _log.warning("the indexes cannot follow the catalog: %s", exc)


def build_embedder(settings: Settings) -> Embedder | None:
    """Return the embedder that `QA_EMBED_MODEL` names; None for `none`: words alone. Raises BadSettings."""
    from qa.errors import BadSettings

    kind, _, model = settings.embed_model.partition(":")
    if settings.embed_model == "none":
        return None
    if settings.embed_model == "minilm":
        from qa.minilm import MiniLM

        return MiniLM(threads=settings.embed_threads or None)
    if kind == "openai" and model:
        from qa.chat import ModelSettings
        from qa.llm import EmbeddingServer

        if not (settings.openai_api_key or settings.openai_base_url):
            raise BadSettings(f"QA_EMBED_MODEL={settings.embed_model} needs OPENAI_API_KEY or OPENAI_BASE_URL")
        return EmbeddingServer(
            ModelSettings(base_url=settings.openai_base_url, api_key=settings.openai_api_key, model=model)
        )
    raise BadSettings(f"QA_EMBED_MODEL={settings.embed_model!r}: say minilm, none or openai:MODEL")


def build_words(settings: Settings, catalog: Catalog) -> WordIndex:
    """Return the index of words: tantivy, or an engine's own, where `QA_VECTOR_STORE` names one. Raises BadSettings."""
    if settings.vector_store:
        from qa.vector_stores import load_engine

        engine = load_engine(settings.vector_store)
        if engine.open_words is not None:
            return engine.open_words(settings.data_dir / "vector-store", catalog.id)
    from qa.lexical import LexicalIndex

    return LexicalIndex(settings.data_dir, catalog.id)


def build_vectors(settings: Settings, catalog: Catalog, model: str) -> NearestIndex:
    """Return the index of a model's vectors: Chroma, or what `QA_VECTOR_STORE` names. Raises BadSettings."""
    if settings.vector_store:
        from qa.vector_stores import EngineIndex, load_engine

        engine = load_engine(settings.vector_store)
        return EngineIndex(engine, settings.data_dir / "vector-store", catalog.id, model, catalog.vectors)
    from qa.vectors import VectorIndex

    return VectorIndex(settings.chroma_url or settings.data_dir / "chroma", catalog.id, model)


def build_model(settings: Settings, name: str | None) -> OpenAIChat | None:
    """Return the chat model of that name, if there is one. Nothing is connected yet."""
    if name is None or settings.mode == "extractive":
        return None
    from qa.chat import ModelSettings
    from qa.llm import OpenAIChat

    return OpenAIChat(ModelSettings(base_url=settings.openai_base_url, api_key=settings.openai_api_key, model=name))


def build_spread(settings: Settings, workers: int, address: str) -> RayWorkers:
    """Return the workers of a Ray cluster at an address; `local` starts one here. Raises BadSettings."""
    from qa.errors import BadSettings

    try:
        from qa.ray_ingest import RayWorkers
    except ModuleNotFoundError as exc:
        raise BadSettings("--ray needs the extra: pip install 'news-qa[ray]'") from exc
    return RayWorkers(build_embedder, settings, workers, address=None if address == "local" else address)


def build_fetch(settings: Settings) -> Fetch | None:
    """Return what fetches articles from their addresses, where that is allowed."""
    if settings.fetch_urls == "off":
        return None
    from qa.fetching import Fetcher

    return Fetcher().fetch


def sample_articles() -> Path:
    """Return the folder of the sample articles that ship with the package."""
    return Path(__file__).parent / "sample"
