"""Targets of a run: the protocol, and the library in this process. server_target.py has a running server.

Both targets give the same JSON.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
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

DEEP = 40  # hits of the separate search that the retrieval metrics read; an answer uses fewer
PAGE = 200
AsOfField = Literal["as_of", "none"]
SOURCE = ("article_id", "version", "sha256", "title", "outlet", "url", "published_at")


@dataclass(frozen=True, slots=True)
class AskOptions:
    """The options with which a run asks every question."""

    mode: Mode = "auto"
    as_of: str | None = None  # for items without a day of their own
    collection: str = "default"
    top_k: int = 8
    as_of_field: AsOfField = "as_of"  # "none": ignore the items' own days and ask on `as_of`, or today
    sentences: int = 0  # number of ranked sentences to store with each answer

    def day(self, item: Item) -> str | None:
        """Return the day on which a question is asked."""
        return (item.as_of if self.as_of_field == "as_of" else None) or self.as_of


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one item, with retrieval results and timings; the field names are those of the run's file."""

    answer: dict[str, Any]
    looked: list[dict[str, Any]]  # the hits from which the answer was made
    hits: list[dict[str, Any]]  # of a deeper search with the same question
    first_event_s: float
    seconds: float
    sentences: list[dict[str, Any]] | None = None  # the best-ranked; None if `AskOptions.sentences` is 0

    @property
    def citations(self) -> list[dict[str, Any]]:
        """Return every citation whose article the run must store."""
        return list(self.answer["citations"])


class Target(Protocol):
    """A system under evaluation that answers questions."""

    async def describe(self) -> dict[str, Any]:
        """Return the target's part of the manifest, with `corpus_sha256` and `articles`."""
        ...

    async def ask(self, item: Item, options: AskOptions) -> Reply:
        """Ask one question."""
        ...

    async def article(self, article_id: str, version: int | None, collection: str) -> dict[str, Any] | None:
        """Return an article with its text, None if it does not exist."""
        ...


class LibraryTarget:
    """The library in this process, over an open store."""

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

    async def ask(self, item: Item, options: AskOptions) -> Reply:
        """Ask through the event stream, which also gives the hits and the time of the first event."""
        question = question_of(item, options)
        began, first = time.perf_counter(), None
        looked: list[dict[str, Any]] = []
        sentences: list[dict[str, Any]] = []
        answer: Answer | None = None
        async for event in self._answerer.stream(question):
            first = first or time.perf_counter() - began
            looked = [_hit(hit) for hit in getattr(event, "hits", ())] or looked
            sentences = [
                _sentence(sentence) for sentence in getattr(event, "evidence", ())[: options.sentences]
            ] or sentences
            if isinstance(event, Answer):
                answer = event
        seconds = time.perf_counter() - began
        if answer is None:
            raise QaError("the stream ended without an answer")
        hits: list[dict[str, Any]] = []
        if not item.history:  # the words of a follow-up alone are not its search query
            result = await asyncio.to_thread(
                self._library.search,
                item.question,
                collection=options.collection,
                filters=question.filters,
                as_of=question.as_of,
                top_k=DEEP,
            )
            hits = [_hit(hit) for hit in result.hits]
        return Reply(
            answer_json(answer, options.collection),
            looked,
            hits,
            first or seconds,
            seconds,
            sentences if options.sentences else None,
        )

    async def article(self, article_id: str, version: int | None, collection: str) -> dict[str, Any] | None:
        """Read an article from the catalog."""
        if not self._library.catalog.pks(collection, [article_id]):
            return None
        stored = self._library.catalog.text(collection, article_id, version)
        return article_json(stored.text, {name: getattr(stored.source, name) for name in SOURCE})


def question_of(item: Item, options: AskOptions) -> Question:
    """Return the question of an item as it is asked with these options."""
    return Question(
        item.question,
        tuple(Turn(turn.role, turn.content) for turn in item.history),
        Filters(article_ids=item.article_ids),
        options.day(item),
        options.mode,
        options.collection,
        options.top_k,
    )


def article_json(text: str, source: Mapping[str, Any]) -> dict[str, Any]:
    """Return an article as a line of a run."""
    return {"kind": "article", **{name: source.get(name) for name in SOURCE}, "text": text}


def _hit(hit: Any) -> dict[str, Any]:
    return {
        "article_id": hit.source.article_id,
        "start": hit.span.start,
        "end": hit.span.end,
        "score": hit.score,
        "reprints": [source.article_id for source in hit.reprints],
    }


def _sentence(evidence: Evidence) -> dict[str, Any]:
    return {
        "article_id": evidence.source.article_id,
        "start": evidence.span.start,
        "end": evidence.span.end,
        "text": evidence.text,
    }


@contextmanager
def open_library(
    data_dir: Path | None, articles: Path | None, embed: str | None, environ: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Library]:
    """Open the store in `data_dir`, or a temporary one that has only `articles`.

    Settings come from the environment, as for the service; those in `environ` take precedence. Raises QaError if an
    article is refused.
    """
    with tempfile.TemporaryDirectory() as folder:
        overrides = {"QA_DATA_DIR": str(data_dir or folder)} | ({"QA_EMBED_MODEL": embed} if embed else {})
        with Library(load_settings({**os.environ, **overrides, **environ})) as library:
            if articles is not None:
                report = library.ingest(read([str(articles)]))
                if report.refused:
                    first = report.refused[0]
                    raise QaError(f"{len(report.refused)} articles refused, the first {first.source}: {first.reason}")
            yield library
