"""The JSON that goes out, as models: routes check their answers against them, and the OpenAPI page shows them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from qa.service.schemas import examples
from qa.types import Status, Support, Verdict


class _Out(BaseModel):
    # What `wire` says and what is documented here cannot drift apart.
    model_config = ConfigDict(extra="forbid")


class SourceOut(_Out):
    """Where something stands: one version of an article, and what it says of itself."""

    article_id: str
    version: int
    title: str | None
    outlet: str | None
    url: str | None
    published_at: str | None


class LookedOut(SourceOut):
    """A chunk that was read for an answer."""

    start: int
    end: int
    score: float
    reprints: list[str]  # articles with the same words, folded into this one


class HitOut(LookedOut):
    """A chunk that a search found, with its rank in each index."""

    text: str
    ranks: dict[str, int | None]


class SearchOut(_Out):
    """What a search found."""

    model_config = ConfigDict(json_schema_extra={"example": examples.SEARCH})

    hits: list[HitOut]
    degraded: list[str]
    timings_ms: dict[str, int]


class CitationOut(SourceOut):
    """An exact stretch of an article: `text[start:end] == quote`, in code points."""

    number: int
    sha256: str
    start: int
    end: int
    start_utf16: int
    end_utf16: int
    quote: str
    verdict: Verdict
    link: str


class StatementOut(_Out):
    """One sentence of the answer."""

    start: int
    end: int
    text: str
    citations: list[int]
    support: Support
    reasons: list[str]
    score: float | None


class RejectedOut(_Out):
    """Something a model wrote that was not let in."""

    reason: str
    text: str


class AnswerOut(_Out):
    """The whole reply to one question."""

    model_config = ConfigDict(json_schema_extra={"example": examples.ANSWER})

    id: str
    status: Status
    answer: str
    statements: list[StatementOut]
    citations: list[CitationOut]
    conflicts: list[dict[str, Any]]
    dates: list[dict[str, Any]]
    rejected: list[RejectedOut]
    mode: Literal["extractive", "llm"]
    model: str | None
    degraded: list[str]
    complete: bool
    usage: dict[str, int]
    timings_ms: dict[str, int]
    question: str
    confidence: float | None


class RefusedOut(_Out):
    """An input that was not taken."""

    source: str
    reason: str


class ReportOut(_Out):
    """What one ingest did."""

    model_config = ConfigDict(json_schema_extra={"example": examples.REPORT})

    added: int
    updated: int
    unchanged: int
    refused: list[RefusedOut]
    chunks: int
    seconds: float


class ArticleOut(SourceOut):
    """One article as it is listed."""

    model_config = ConfigDict(json_schema_extra={"example": examples.ARTICLE})

    sha256: str
    authors: list[str]
    language: str | None
    ingested_at: str
    chunks: int
    versions: list[int]


class ArticlesOut(_Out):
    """One page of the list of articles."""

    model_config = ConfigDict(json_schema_extra={"example": examples.ARTICLES})

    articles: list[ArticleOut]
    total: int
    next_offset: int | None


class TextOut(_Out):
    """The text that spans count in, and its ranges of web furniture."""

    model_config = ConfigDict(json_schema_extra={"example": examples.TEXT})

    article_id: str
    version: int
    sha256: str
    text: str
    furniture: list[Annotated[list[int], Field(min_length=2, max_length=2)]]


class DeletedOut(_Out):
    """The article that was taken down."""

    model_config = ConfigDict(json_schema_extra={"example": examples.DELETED})

    deleted: str


class ErrorOut(_Out):
    """What every error looks like."""

    model_config = ConfigDict(json_schema_extra={"example": examples.ERROR})

    error: dict[str, str | None]
