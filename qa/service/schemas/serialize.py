"""What comes in over HTTP and what goes out: the one place where the wire and the domain are translated.

Light: the command line speaks the same JSON through it. `shapes` documents what goes out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote, urlencode

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from qa.answering.answerer import MAX_QUESTION_CHARS
from qa.catalog.catalog import ArticleRow, ArticleText
from qa.errors import BadArticle
from qa.retrieval.retriever import SearchResult
from qa.temporal import dates
from qa.types import (
    Answer,
    Citation,
    Filters,
    Hit,
    IngestReport,
    Mode,
    Question,
    Source,
    Span,
    Turn,
)

MAX_TURNS = 100
MAX_TURN_CHARS = 50_000
MAX_NAMES = 200
DEFAULT_COLLECTION = "default"
COLLECTION = r"^[A-Za-z0-9_-]{1,64}$"


def _day(value: str) -> str:
    try:
        return dates.day(dates.parse_published(value))
    except BadArticle:
        raise ValueError("not a day like 2023-03-22") from None


def _said(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty")
    return value


Day = Annotated[str, Field(max_length=64), AfterValidator(_day)]
Said = Annotated[str, Field(max_length=MAX_QUESTION_CHARS), AfterValidator(_said)]
Name = Annotated[str, Field(min_length=1, max_length=2_000)]
CollectionName = Annotated[str, Field(pattern=COLLECTION)]
TopK = Annotated[int, Field(strict=True, ge=1, le=50)]


class _Body(BaseModel):
    # A misspelt filter that is ignored answers another question than the one that was asked.
    model_config = ConfigDict(extra="forbid", frozen=True)


class TurnBody(_Body):
    """One earlier message."""

    role: Literal["user", "assistant"]
    content: Annotated[str, Field(max_length=MAX_TURN_CHARS)]


class FiltersBody(_Body):
    """Which articles may be read. Days are inclusive; an article without a date fails a date filter."""

    outlets: Annotated[tuple[Name, ...], Field(max_length=MAX_NAMES)] = ()
    article_ids: Annotated[tuple[Name, ...], Field(max_length=MAX_NAMES)] = ()
    after: Day | None = None
    before: Day | None = None

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.after and self.before and self.after > self.before:
            raise ValueError("after is later than before: no article can match")
        return self

    def domain(self) -> Filters:
        """Return the filters as the domain has them."""
        return Filters(self.outlets, self.article_ids, self.after, self.before)


class AskBody(_Body):
    """A question. Only `question` is required."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "question": "When does the bridge open again?",
                "filters": {"outlets": ["Corvane Courier"], "after": "2023-03-01"},
                "as_of": "2023-03-22",
                "top_k": 8,
            }
        }
    )

    question: Said
    history: Annotated[tuple[TurnBody, ...], Field(max_length=MAX_TURNS)] = ()
    filters: FiltersBody = FiltersBody()
    as_of: Day | None = None
    mode: Mode = "auto"
    collection: CollectionName = DEFAULT_COLLECTION
    top_k: TopK = 8
    stream: Annotated[bool, Field(strict=True)] = False

    def domain(self) -> Question:
        """Return the question as the domain has it."""
        history = tuple(Turn(one.role, one.content) for one in self.history)
        return Question(
            self.question, history, self.filters.domain(), self.as_of, self.mode, self.collection, self.top_k
        )


class SearchBody(_Body):
    """A search for chunks. Only `query` is required."""

    model_config = ConfigDict(json_schema_extra={"example": {"query": "bridge repair", "top_k": 3}})

    query: Said
    filters: FiltersBody = FiltersBody()
    as_of: Day | None = None
    top_k: TopK = 8
    collection: CollectionName = DEFAULT_COLLECTION


def article_path(
    article_id: str, collection: str = DEFAULT_COLLECTION, *, span: str | None = None, version: int | None = None
) -> str:
    """Return the path of an article's page; what is as usual is left out of it."""
    asked = {"span": span, "collection": None if collection == DEFAULT_COLLECTION else collection, "version": version}
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    return f"/articles/{quote(article_id, safe='')}" + (f"?{query}" if query else "")


def link(source: Source, span: Span, collection: str = DEFAULT_COLLECTION, public_url: str | None = None) -> str:
    """Return the address of the article's page with the span marked, of the version that the span is of.

    A span without a version means version 1, for ever: a citation keeps pointing at its words when the article changes.
    """
    version = None if source.version == 1 else source.version
    path = article_path(source.article_id, collection, span=f"{span.start}-{span.end}", version=version)
    return (public_url or "").rstrip("/") + path


def citation_json(one: Citation, collection: str, public_url: str | None) -> dict[str, Any]:
    """Return a citation as it goes over the wire."""
    return _source(one.source) | {
        "number": one.number,
        "sha256": one.source.sha256,
        "start": one.span.start,
        "end": one.span.end,
        "start_utf16": one.start_utf16,
        "end_utf16": one.end_utf16,
        "quote": one.quote,
        "verdict": one.verdict,
        "link": link(one.source, one.span, collection, public_url),
    }


def answer_json(answer: Answer, collection: str = DEFAULT_COLLECTION, public_url: str | None = None) -> dict[str, Any]:
    """Return an answer as it goes over the wire."""
    return {
        "id": answer.id,
        "status": answer.status,
        "answer": answer.answer,
        "statements": [
            asdict(one) | {"citations": list(one.citations), "reasons": list(one.reasons)} for one in answer.statements
        ],
        "citations": [citation_json(one, collection, public_url) for one in answer.citations],
        "conflicts": [
            {
                "about": one.about,
                "kind": one.kind,
                "values": [
                    {
                        "value": value.value,
                        "citations": list(value.citations),
                        "outlets": list(value.outlets),
                        "published_at": list(value.published_at),
                    }
                    for value in one.values
                ],
            }
            for one in answer.conflicts
        ],
        "dates": [
            {"citation": one.citation, "phrase": one.phrase, "resolved": one.resolved, "basis": one.basis}
            for one in answer.dates
        ],
        "rejected": [asdict(one) for one in answer.rejected],
        "mode": answer.mode,
        "model": answer.model,
        "degraded": list(answer.degraded),
        "complete": answer.complete,
        "usage": asdict(answer.usage),
        "timings_ms": answer.timings_ms,
        "question": answer.question,
        "confidence": answer.confidence,
    }


def looked_json(hits: Iterable[Hit]) -> list[dict[str, Any]]:
    """Return the sources that were looked at, best first."""
    return [_looked(one) for one in hits]


def search_json(found: SearchResult, timings_ms: dict[str, int]) -> dict[str, Any]:
    """Return what a search found as it goes over the wire."""
    hits = [
        _looked(one) | {"text": one.text, "ranks": {"lexical": one.lexical_rank, "vector": one.vector_rank}}
        for one in found.hits
    ]
    return {"hits": hits, "degraded": list(found.degraded), "timings_ms": timings_ms}


def report_json(report: IngestReport) -> dict[str, Any]:
    """Return an ingest report as it goes over the wire."""
    return asdict(report) | {
        "refused": [asdict(one) for one in report.refused],
        "seconds": round(report.seconds, 3),
    }


def article_json(row: ArticleRow) -> dict[str, Any]:
    """Return an article's metadata as it goes over the wire."""
    return _source(row.source) | {
        "sha256": row.source.sha256,
        "authors": list(row.authors),
        "language": row.language,
        "ingested_at": row.ingested_at,
        "chunks": row.chunks,
        "versions": list(row.versions),
    }


def text_json(found: ArticleText) -> dict[str, Any]:
    """Return one version's text as it goes over the wire."""
    return {
        "article_id": found.source.article_id,
        "version": found.source.version,
        "sha256": found.source.sha256,
        "text": found.text,
        "furniture": [[one.start, one.end] for one in found.furniture],
    }


def _source(source: Source) -> dict[str, Any]:
    return {
        "article_id": source.article_id,
        "version": source.version,
        "title": source.title,
        "outlet": source.outlet,
        "url": source.url,
        "published_at": source.published_at,
    }


def _looked(hit: Hit) -> dict[str, Any]:
    return _source(hit.source) | {
        "start": hit.span.start,
        "end": hit.span.end,
        "score": round(hit.score, 4),
        "reprints": [one.article_id for one in hit.reprints],
    }
