"""An open store: articles in, answers with cited spans out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from datetime import date
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypedDict, TypeVar, Unpack, get_args

from anyio import to_thread

from qa import wiring
from qa.errors import BadArticle, BadQuestion, QaError, StoreFailed
from qa.settings import Settings, load_settings
from qa.temporal import dates
from qa.types import Answer, Article, Filters, IngestReport, Mode, Question, Refused, SearchBounds, Turn

if TYPE_CHECKING:
    from qa.answering.answerer import Answerer
    from qa.answering.draft import Event
    from qa.catalog.catalog import Prepared
    from qa.indexes.projections import IndexState
    from qa.ingest.ray import RayWorkers
    from qa.retrieval.retriever import SearchResult

_log = logging.getLogger(__name__)

T = TypeVar("T")
Progress = Callable[[str, int], None]


class Library:
    """An open store: the catalog, its indexes, and everything that reads them. One process at a time holds it.

    with Library("my-store") as library:
        library.add("archive/")
        print(library.ask("When does the bridge open again?"))
    """

    def __init__(self, path_or_settings: str | PathLike[str] | Settings | None = None) -> None:
        """Open a store: of the settings, or of those in the environment and `.env`, at `path` where one is given.

        Raises Locked, with the address of the server that holds the store if there is one (`qa.connect` asks it then),
        StoreFailed, EmbeddingFailed and BadSettings.
        """
        settings = settings_for(path_or_settings)
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
        self.catalog.check_open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the indexes and the catalog and let go of the directory. Whatever is asked afterwards raises Closed."""
        self._words.close()
        if self._vectors is not None:
            self._vectors.close()
        self.catalog.close()
        self.owner.close()

    def add(
        self,
        *items: str | PathLike[str] | Article,
        outlet: str | None = None,
        published: str | None = None,
        collection: str = "default",
        workers: int = 1,
    ) -> IngestReport:
        """Take in files, folders and globs, and articles made by the caller; what cannot be used is in the report.

        `outlet` and `published` are for what is read from files and names none. Raises StoreFailed and EmbeddingFailed.
        """
        fetch = wiring.build_fetch(self.settings)
        found = articles_of(
            items, outlet=outlet, published=published, max_bytes=self.settings.max_article_bytes, fetch=fetch
        )
        return self.ingest(found, collection=collection, workers=workers)

    def ask(self, question: str | Question, **options: Unpack[AskOptions]) -> Answer:
        """Return the whole answer, also where an event loop is running already: a notebook.

        Raises BadQuestion, StoreFailed, EmbeddingFailed and, where the settings want no answer without it, ModelFailed.
        """
        return run_async(self._ask_once(question_of(question, options)))

    async def aask(self, question: str | Question, **options: Unpack[AskOptions]) -> Answer:
        """Return the whole answer without holding up the event loop. Raises what `ask` raises."""
        answerer = await to_thread.run_sync(self.answerer)
        return await answerer.ask(question_of(question, options))

    async def stream(self, question: str | Question, **options: Unpack[AskOptions]) -> AsyncGenerator[Event, None]:
        """Yield what was found, each piece of text, each citation before its marker, and last the whole answer."""
        asked = question_of(question, options)
        answerer = await to_thread.run_sync(self.answerer)
        async with aclosing(answerer.stream(asked)) as events:
            async for event in events:
                yield event

    async def _ask_once(self, question: Question) -> Answer:
        try:
            return await self.aask(question)
        finally:
            if self.model is not None:  # its connections belong to the event loop, which ends here
                await self.model.aclose()

    def answerer(self, *, fill: bool = True) -> Answerer:
        """Return what answers questions, in both modes. An index that is behind catches up first.

        It is after an upgrade that changes its format, or when other processes wrote the catalog. The service starts at
        once (`fill=False`), says in `/readyz` that it is behind, and fills it in the background.
        """
        from qa.answering.answerer import Answerer

        self.catalog.check_open()
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

        self.catalog.check_open()
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

    def remove(self, article_id: str, *, collection: str = "default") -> None:
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
        from qa.retrieval.retriever import day_asked

        self.catalog.check_open()
        if fill and (not self.projections.caught_up or self.projections.lagging()):
            try:
                self.projections.catch_up()
            except QaError as exc:  # what is there is searched, and `degraded` says what is not
                _log.warning("the indexes cannot follow the catalog: %s", exc)
        return self.retriever.search(query, SearchBounds(day_asked(as_of), collection, filters, top_k))

    def text(self, article_id: str, *, version: int | None = None, collection: str = "default") -> str:
        """Return an article's text, of its newest version if none is named: what spans count in. Raises NotFound."""
        return self.catalog.text(collection, article_id, version).text

    def verify(self) -> list[IndexState]:
        """Compare the indexes with the catalog."""
        return self.projections.verify()


def articles_of(items: Iterable[str | PathLike[str] | Article], **options: Any) -> Iterator[Article | Refused]:
    """Yield the caller's own articles as they are, and those of files as `qa.read` with these options reads them."""
    from qa.readers.read import read

    for item in items:
        if isinstance(item, Article):
            yield item
        else:
            yield from read(item, **options)


class AskOptions(TypedDict, total=False):
    """Within which bounds a question is asked; what is left out is as in `Question` and `Filters`."""

    as_of: str | date | None
    outlets: Sequence[str]
    article_ids: Sequence[str]
    after: str | date | None
    before: str | date | None
    history: Sequence[Turn]
    mode: Mode
    collection: str
    top_k: int


def question_of(question: str | Question, options: AskOptions) -> Question:
    """Return the question with its options. Raises BadQuestion for a day that is none, naming the option."""
    given: dict[str, Any] = dict(options)
    unknown = given.keys() - AskOptions.__annotations__.keys()
    if unknown:
        raise TypeError(f"unknown option {', '.join(sorted(unknown))}; known: {', '.join(AskOptions.__annotations__)}")
    asked = question if isinstance(question, Question) else Question(question)
    for name in ("as_of", "after", "before"):
        if given.get(name) is not None:
            given[name] = _day(name, given[name])
    for name in ("outlets", "article_ids", "history"):
        if isinstance(given.get(name), str):
            raise BadQuestion(f"{name}: a list is wanted, not {given[name]!r}", name)
        if name in given:
            given[name] = tuple(given[name])
    if given.get("mode", "auto") not in get_args(Mode):
        raise BadQuestion(f"mode: {given['mode']!r} is none of {', '.join(get_args(Mode))}", "mode")
    if given.get("top_k", 1) < 1:
        raise BadQuestion(f"top_k: {given['top_k']} chunks cannot be read", "top_k")
    narrowed = {name: given.pop(name) for name in ("outlets", "article_ids", "after", "before") if name in given}
    return replace(asked, filters=replace(asked.filters, **narrowed), **given)


def _day(name: str, value: str | date) -> str:
    try:
        return dates.day(dates.parse_published(value))
    except BadArticle:
        raise BadQuestion(f"{name}: {value!r} is not a day; write YYYY-MM-DD", name) from None


def settings_for(path_or_settings: str | PathLike[str] | Settings | None) -> Settings:
    """Return the settings as given, else those of the environment and `.env`, with their data directory at a path."""
    if isinstance(path_or_settings, Settings):
        return path_or_settings
    settings = load_settings()
    return settings if path_or_settings is None else settings.model_copy(update={"data_dir": Path(path_or_settings)})


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, also where the caller's own event loop is running: a notebook, an agent."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def sample_articles() -> Path:
    """Return the folder of the sample articles that ship with the package."""
    return Path(__file__).parent / "sample"
