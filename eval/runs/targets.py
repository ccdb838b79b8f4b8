"""What a run asks: here the library in this process; server_target.py has the other. Both give the same JSON."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from eval.dataset.items import Item
from eval.runs.manifest import hash_corpus, hash_prompts, settings_json
from qa import (
    Answer,
    Evidence,
    Filters,
    Library,
    Mode,
    QaError,
    Question,
    Settings,
    Turn,
    answer_json,
    load_settings,
    read,
)

DEEP = 40  # hits of the search that metrics of retrieval read; an answer looks at fewer
PAGE = 200
AsOfField = Literal["as_of", "none"]
SOURCE = ("article_id", "version", "sha256", "title", "outlet", "url", "published_at")


@dataclass(frozen=True, slots=True)
class Asking:
    """How every question of a run is asked."""

    mode: Mode = "auto"
    as_of: str | None = None  # for items that name no day
    collection: str = "default"
    top_k: int = 8
    as_of_field: AsOfField = "as_of"  # "none": every question is asked on `as_of`, or today, whatever day it names
    sentences: int = 0  # ranked sentences to keep beside each answer

    def day(self, item: Item) -> str | None:
        """Return the day on which a question is asked."""
        return (item.as_of if self.as_of_field == "as_of" else None) or self.as_of


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one item with the hits it was found in."""

    answer: dict[str, Any]
    looked: list[dict[str, Any]]  # what the answer was made from
    hits: list[dict[str, Any]]  # a deeper search for the same words
    first_event_s: float
    seconds: float
    sentences: list[dict[str, Any]] | None = None  # the best of them; None where they were not asked for


class Target(Protocol):
    """Something that answers questions."""

    async def describe(self) -> dict[str, Any]:
        """Return its part of the manifest, with `corpus_sha256` and `articles`."""
        ...

    async def ask(self, item: Item, asking: Asking) -> Reply:
        """Ask one question."""
        ...

    async def article(self, article_id: str, version: int | None, collection: str) -> dict[str, Any] | None:
        """Return an article with its text, None when there is none."""
        ...


class LibraryTarget:
    """An open store in this process."""

    def __init__(self, library: Library, collection: str) -> None:
        self._library = library
        self._answerer = library.answerer()
        self._collection = collection

    async def describe(self) -> dict[str, Any]:
        """Return the hash of the corpus and the settings in use."""
        rows: list[tuple[str, str]] = []
        while page := self._library.catalog.articles(self._collection, len(rows), PAGE):
            rows += [(row.source.article_id, row.source.sha256) for row in page]
        settings: Settings = self._library.settings
        return {
            "corpus_sha256": hash_corpus(rows),
            "articles": len(rows),
            "server": None,
            "settings": settings_json(settings),
            "model": settings.llm_model,
            "prompts_sha256": hash_prompts(settings.prompts_dir),
        }

    async def ask(self, item: Item, asking: Asking) -> Reply:
        """Ask through the stream, so that the hits and the first event are seen."""
        filters = Filters(article_ids=item.article_ids)
        question = Question(
            item.question,
            tuple(Turn(one.role, one.content) for one in item.history),
            filters,
            asking.day(item),
            asking.mode,
            asking.collection,
            asking.top_k,
        )
        began, first = time.perf_counter(), None
        looked: list[dict[str, Any]] = []
        sentences: list[dict[str, Any]] = []
        answer: Answer | None = None
        async for event in self._answerer.stream(question):
            first = first or time.perf_counter() - began
            looked = [_hit(one) for one in getattr(event, "hits", ())] or looked
            sentences = [_sentence(one) for one in getattr(event, "evidence", ())[: asking.sentences]] or sentences
            if isinstance(event, Answer):
                answer = event
        seconds = time.perf_counter() - began
        if answer is None:
            raise QaError("the stream ended without an answer")
        hits: list[dict[str, Any]] = []
        if not item.history:  # the words of a follow-up alone are not what is searched for
            found = await asyncio.to_thread(
                self._library.search,
                item.question,
                collection=asking.collection,
                filters=filters,
                as_of=question.as_of,
                top_k=DEEP,
            )
            hits = [_hit(one) for one in found.hits]
        return Reply(
            answer_json(answer, asking.collection),
            looked,
            hits,
            first or seconds,
            seconds,
            sentences if asking.sentences else None,
        )

    async def article(self, article_id: str, version: int | None, collection: str) -> dict[str, Any] | None:
        """Read an article from the catalog."""
        if not self._library.catalog.pks(collection, [article_id]):
            return None
        found = self._library.catalog.text(collection, article_id, version)
        return article_json(found.text, {name: getattr(found.source, name) for name in SOURCE})


def article_json(text: str, source: Mapping[str, Any]) -> dict[str, Any]:
    """Return an article as a run keeps it."""
    return {"kind": "article", **{name: source.get(name) for name in SOURCE}, "text": text}


def _hit(one: Any) -> dict[str, Any]:
    return {
        "article_id": one.source.article_id,
        "start": one.span.start,
        "end": one.span.end,
        "score": one.score,
        "reprints": [source.article_id for source in one.reprints],
    }


def _sentence(one: Evidence) -> dict[str, Any]:
    return {"article_id": one.source.article_id, "start": one.span.start, "end": one.span.end, "text": one.text}


@contextmanager
def open_library(data_dir: Path | None, articles: Path | None, embed: str | None) -> Iterator[Library]:
    """Open the store in `data_dir`, or a new one that holds only `articles` and is thrown away.

    Settings come from the environment, as for the service. Raises QaError when an article is refused.
    """
    with tempfile.TemporaryDirectory() as folder:
        wanted = {"QA_DATA_DIR": str(data_dir or folder)} | ({"QA_EMBED_MODEL": embed} if embed else {})
        with Library(load_settings({**os.environ, **wanted})) as library:
            if articles is not None:
                report = library.ingest(read([str(articles)]))
                if report.refused:
                    first = report.refused[0]
                    raise QaError(f"{len(report.refused)} articles refused, the first {first.source}: {first.reason}")
            yield library
