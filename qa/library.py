"""`Library`, the Python API: open a store, add articles, ask questions, get answers with cited spans."""

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
Item = str | PathLike[str] | Article
Progress = Callable[[str, int], None]


class Library:
    """An open store: the catalog, its indexes, and everything that reads them. Only one process at a time can open it.

    with Library("my-store") as library:
        library.add("archive/")
        print(library.ask("When does the bridge open again?"))
    """

    def __init__(self, path_or_settings: str | PathLike[str] | Settings | None = None) -> None:
        """Open a store. Settings not given are read from the environment and `.env`; a path sets the data directory.

        Raises StoreFailed, EmbeddingFailed, BadSettings, and Locked if another process has the store open; Locked has
        that process's address if it is a server (`qa.connect` then talks to it).
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
        self._entailment_judge = parts.entailment_judge
        self._words = parts.words
        self._vectors = parts.vectors

    def __enter__(self) -> Self:
        self.catalog.check_open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the indexes and the catalog and release the directory. Any later call raises Closed."""
        self._words.close()
        if self._vectors is not None:
            self._vectors.close()
        self.catalog.close()
        self.owner.close()

    def add(
        self,
        *items: Item | Iterable[Item],
        outlet: str | None = None,
        published: str | None = None,
        collection: str = "default",
        workers: int = 1,
    ) -> IngestReport:
        """Ingest files, folders, globs and Article objects, or iterables of them; the report lists what was refused.

        `outlet` and `published` are defaults for files that do not name their own. Raises StoreFailed and
        EmbeddingFailed.
        """
        fetch = wiring.build_fetch(self.settings)
        found = articles_of(
            items, outlet=outlet, published=published, max_bytes=self.settings.max_article_bytes, fetch=fetch
        )
        return self.ingest(found, collection=collection, workers=workers)

    def ask(self, question: str | Question, **options: Unpack[AskOptions]) -> Answer:
        """Return the answer. This also works inside a running event loop, such as a notebook's.

        Raises BadQuestion, StoreFailed, EmbeddingFailed and, with `on_llm_failure=error`, ModelFailed.
        """
        return run_async(self._ask_once(question_of(question, options)))

    async def aask(self, question: str | Question, **options: Unpack[AskOptions]) -> Answer:
        """Return the answer without blocking the event loop. Raises what `ask` raises."""
        answerer = await to_thread.run_sync(self.answerer)
        return await answerer.ask(question_of(question, options))

    async def stream(self, question: str | Question, **options: Unpack[AskOptions]) -> AsyncGenerator[Event, None]:
        """Yield the retrieved hits, then pieces of text, each citation before its marker, and finally the Answer."""
        full_question = question_of(question, options)
        answerer = await to_thread.run_sync(self.answerer)
        async with aclosing(answerer.stream(full_question)) as events:
            async for event in events:
                yield event

    async def _ask_once(self, question: Question) -> Answer:
        try:
            return await self.aask(question)
        finally:
            if self.model is not None:  # its connections belong to this event loop, which ends now
                await self.model.aclose()

    def answerer(self, *, fill: bool = True) -> Answerer:
        """Return the Answerer, for both modes. An index that is behind the catalog catches up first.

        An index is behind after an upgrade that changes its format, or when other processes wrote to the catalog. The
        service passes `fill=False` to start at once: `/readyz` reports the lag, and the index fills in the background.
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
            entailment_judge=self._entailment_judge,
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
        ray_workers: RayWorkers | None = None,
    ) -> IngestReport:
        """Write articles and update the indexes, so that they are searchable when this returns."""
        from qa.ingest.ingest import ingest

        self.catalog.check_open()
        try:
            return ingest(
                items,
                self.catalog,
                ray_workers or self.embedder,
                collection=collection,
                workers=workers,
                progress=progress,
                preparer=ray_workers,
                written=self._follow,
            )
        finally:  # what was written before a failure becomes searchable too
            self.projections.catch_up(indexed)

    def _follow(self, prepared: Sequence[Prepared]) -> None:
        """Add what was just written to the word index, while the worker processes prepare the next articles."""
        stems = {text: stems for article in prepared for text, stems in article.stems_by_text()}
        try:
            self.projections.follow_words(stems)
        except StoreFailed as exc:  # the catch-up at the end tries again and raises
            _log.warning("the word index cannot follow yet: %s", exc)

    def remove(self, article_id: str, *, collection: str = "default") -> None:
        """Remove an article from the store and its indexes. Raises NotFound."""
        self.catalog.remove(collection, article_id)
        self.projections.catch_up()

    def search(
        self,
        query: str,
        *,
        collection: str = "default",
        filters: Filters = Filters(),
        as_of: str | date | None = None,
        top_k: int = 8,
        fill: bool = True,
    ) -> SearchResult:
        """Return the best chunks for a query. An index that is far behind catches up first, as for an answer."""
        from qa.retrieval.retriever import day_asked

        self.catalog.check_open()
        if fill and (not self.projections.caught_up or self.projections.lagging()):
            try:
                self.projections.catch_up()
            except QaError as exc:  # search what is indexed; `degraded` reports the rest
                _log.warning("the indexes cannot follow the catalog: %s", exc)
        today = day_asked(None if as_of is None else day_of("as_of", as_of))
        return self.retriever.search(query, SearchBounds(today, collection, filters, top_k))

    def text(self, article_id: str, *, version: int | None = None, collection: str = "default") -> str:
        """Return the text that spans index into, of the newest version by default. Raises NotFound."""
        return self.catalog.text(collection, article_id, version).text

    def verify(self) -> list[IndexState]:
        """Compare the indexes with the catalog."""
        return self.projections.verify()


def articles_of(items: Iterable[Item | Iterable[Item]], **options: Any) -> Iterator[Article | Refused]:
    """Yield Article objects unchanged, and what `qa.read` with these options reads from files, folders and globs."""
    from qa.readers.read import read

    for item in items:
        if isinstance(item, Article):
            yield item
        elif isinstance(item, str | PathLike):
            yield from read(Path(item).expanduser() if str(item).startswith("~") else item, **options)
        else:
            yield from articles_of(item, **options)


class AskOptions(TypedDict, total=False):
    """Keyword options of a question; the defaults are those of `Question` and `Filters`."""

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
    """Return the question with its options applied. Raises BadQuestion, which names the bad option."""
    values: dict[str, Any] = dict(options)
    unknown = values.keys() - AskOptions.__annotations__.keys()
    if unknown:
        raise TypeError(f"unknown option {', '.join(sorted(unknown))}; known: {', '.join(AskOptions.__annotations__)}")
    if not isinstance(question, str | Question):
        raise BadQuestion(f"question: text is wanted, not {question!r}", "question")
    base = question if isinstance(question, Question) else Question(question)
    for name in ("as_of", "after", "before"):
        if values.get(name) is not None:
            values[name] = day_of(name, values[name])
    for name in ("outlets", "article_ids", "history"):
        if isinstance(values.get(name), str):
            raise BadQuestion(f"{name}: a list is wanted, not {values[name]!r}", name)
        if name in values:
            values[name] = tuple(values[name])
    if values.get("mode", "auto") not in get_args(Mode):
        raise BadQuestion(f"mode: {values['mode']!r} is none of {', '.join(get_args(Mode))}", "mode")
    if values.get("top_k", 1) < 1:
        raise BadQuestion(f"top_k: {values['top_k']} chunks cannot be read", "top_k")
    filters = {name: values.pop(name) for name in ("outlets", "article_ids", "after", "before") if name in values}
    narrowed = replace(base.filters, **filters)
    if narrowed.after and narrowed.before and narrowed.after > narrowed.before:
        raise BadQuestion(f"after: {narrowed.after} is later than before={narrowed.before}", "after")
    return replace(base, filters=narrowed, **values)


def day_of(name: str, value: str | date) -> str:
    """Return the ISO day that an option names. Raises BadQuestion, which names the option."""
    try:
        return dates.parse_day(value)
    except BadArticle:
        raise BadQuestion(f"{name}: {value!r} is not a day; write YYYY-MM-DD", name) from None


def settings_for(path_or_settings: str | PathLike[str] | Settings | None) -> Settings:
    """Return Settings as given, else read the environment and `.env`; a path replaces the data directory."""
    if isinstance(path_or_settings, Settings):
        return path_or_settings
    settings = load_settings()
    if path_or_settings is None:
        return settings
    return settings.model_copy(update={"data_dir": Path(path_or_settings).expanduser()})


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to completion, even inside a running event loop (a notebook, an agent)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def sample_articles() -> Path:
    """Return the folder of the sample articles that ship with the package."""
    return Path(__file__).parent / "sample"
