"""pydantic models of the JSON responses, with conversions from and to domain objects.

Routes and the command line serialise with them, clients parse replies with them, and the OpenAPI schema is generated
from them. Must not import FastAPI.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict, Field, SkipValidation

from qa.catalog.catalog import ArticleRow, ArticleText
from qa.query.analysis import analyse
from qa.retrieval.retriever import SearchResult
from qa.service.schemas import examples
from qa.service.schemas.examples import with_example
from qa.service.schemas.requests import DEFAULT_COLLECTION
from qa.types import (
    Answer,
    Citation,
    Conflict,
    ConflictValue,
    Hit,
    IngestReport,
    Refused,
    Rejected,
    ResolvedDate,
    ShortAnswer,
    Source,
    Span,
    Statement,
    Status,
    Support,
    Usage,
    Verdict,
)

Value = TypeVar("Value")

# Foreign text, passed on unchanged: a file name or a caller's text may contain lone surrogates, which `str` refuses.
_Verbatim = SkipValidation[str]


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, from_attributes=True)

    @classmethod
    def _from_values(cls, *values: Any, **made: Any) -> Self:
        """Build the model from same-named attributes of domain values (slotted dataclasses); `made` has the others."""
        known = cls.model_fields
        same = {name: getattr(value, name) for value in values for name in value.__slots__ if name in known}
        return cls(**same | made)

    def _to_domain(self, kind: type[Value], **made: Any) -> Value:
        """Build a domain value from same-named fields; `made` has the others. Lists become tuples."""
        names = [field.name for field in fields(kind) if field.name in type(self).model_fields]  # type: ignore[arg-type]
        same = {name: getattr(self, name) for name in names}
        return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in same.items()} | made)


class SourceOut(_Out):
    """Where something stands: one version of an article, and what it says of itself."""

    article_id: str
    version: int
    title: str | None
    outlet: str | None
    url: str | None
    published_at: str | None

    def source(self) -> Source:
        """Return the domain's Source; its hash is empty where the JSON has none."""
        return self._to_domain(Source, sha256=getattr(self, "sha256", ""))


class RetrievedSourceOut(SourceOut):
    """A chunk that was read for an answer."""

    start: int
    end: int
    score: float
    reprints: list[str]  # ids of near-duplicate articles that were folded into this hit

    @classmethod
    def from_domain(cls, hit: Hit, **more: Any) -> Self:
        """Convert a hit."""
        reprints = [reprint.article_id for reprint in hit.reprints]
        return cls._from_values(hit.source, hit.span, hit, score=round(hit.score, 4), reprints=reprints, **more)

    def domain(self, **more: Any) -> Hit:
        """Return the domain's Hit, as far as the JSON has it."""
        reprints = tuple(Source(article_id, 0, "", None, None, None, None) for article_id in self.reprints)
        known = {"text": "", "sentences": (), "reprints": reprints} | more
        return self._to_domain(Hit, key=-1, source=self.source(), span=Span(self.start, self.end), **known)


class RetrievedOut(_Out):
    """The first event of a stream: the sources that were looked at, best first."""

    sources: list[RetrievedSourceOut]

    @classmethod
    def from_domain(cls, hits: Iterable[Hit]) -> Self:
        """Convert the hits that an answer is made from."""
        return cls(sources=[RetrievedSourceOut.from_domain(hit) for hit in hits])

    def domain(self) -> tuple[Hit, ...]:
        """Return the domain's hits; the JSON does not have their text."""
        return tuple(source.domain() for source in self.sources)


class RanksOut(_Out):
    """A chunk's place in each index; null where the index did not find it."""

    lexical: int | None
    vector: int | None


class HitOut(RetrievedSourceOut):
    """A chunk that a search found, with its rank in each index."""

    text: str
    ranks: RanksOut
    sha256: str  # of the article's whole text, in this version

    @classmethod
    def from_domain(cls, hit: Hit, **more: Any) -> Self:
        """Convert a hit with its text."""
        return super().from_domain(hit, ranks=RanksOut(lexical=hit.lexical_rank, vector=hit.vector_rank), **more)

    def domain(self, **more: Any) -> Hit:
        """Return the domain's Hit; the JSON does not have its sentences."""
        ranks = {"lexical_rank": self.ranks.lexical, "vector_rank": self.ranks.vector}
        return super().domain(text=self.text, **ranks, **more)


class SearchOut(_Out):
    """What a search found."""

    model_config = with_example(
        lambda: SearchOut(hits=[HitOut.from_domain(examples.HIT)], degraded=[], timings_ms={"total": 5})
    )

    hits: list[HitOut]
    degraded: list[str]
    timings_ms: dict[str, int]

    @classmethod
    def from_domain(cls, result: SearchResult, timings_ms: dict[str, int]) -> Self:
        """Convert a search result, with its timings."""
        hits = [HitOut.from_domain(hit) for hit in result.hits]
        return cls(hits=hits, degraded=result.degraded, timings_ms=timings_ms)

    def domain(self, query: str) -> SearchResult:
        """Return the domain's SearchResult; `query` is the query that was sent."""
        return SearchResult(analyse(query), tuple(hit.domain() for hit in self.hits), tuple(self.degraded))


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

    @classmethod
    def from_domain(cls, citation: Citation, collection: str, public_url: str | None) -> Self:
        """Convert a citation, with the link that shows the span marked."""
        address = link(citation.source, citation.span, collection, public_url)
        return cls._from_values(citation.source, citation.span, citation, link=address)

    def domain(self) -> Citation:
        """Return the domain's Citation."""
        return self._to_domain(Citation, source=self.source(), span=Span(self.start, self.end))


class StatementOut(_Out):
    """One sentence of the answer."""

    start: int
    end: int
    text: str
    citations: list[int]
    support: Support
    reasons: list[str]
    score: float | None
    replaced: bool


class ConflictValueOut(_Out):
    """One of the values that are given for the same thing: who says so and when, in the order of the citations."""

    value: str
    citations: list[int]
    outlets: list[str]
    published_at: list[str | None]


class ConflictOut(_Out):
    """Articles that differ about one thing."""

    about: str
    kind: Literal["contradiction", "update"]
    values: list[ConflictValueOut]


class DateOut(_Out):
    """A time phrase of a citation's quote, made absolute against the article's date."""

    citation: int
    phrase: str
    resolved: str | None
    basis: str


class RejectedOut(_Out):
    """Something a model wrote that was not let in."""

    reason: str
    text: str


class ShortAnswerOut(_Out):
    """The words that answer in short: `text` is the article's from `start` to `end`, inside the citation's span."""

    text: str
    citation: int
    start: int
    end: int

    def domain(self) -> ShortAnswer:
        """Return the domain's ShortAnswer."""
        return self._to_domain(ShortAnswer)


class UsageOut(_Out):
    """The tokens that the model server reported."""

    prompt_tokens: int
    completion_tokens: int


class AnswerOut(_Out):
    """The whole reply to one question."""

    model_config = with_example(lambda: AnswerOut.from_domain(examples.ANSWER))

    id: str
    status: Status
    answer: str
    statements: list[StatementOut]
    citations: list[CitationOut]
    conflicts: list[ConflictOut]
    dates: list[DateOut]
    rejected: list[RejectedOut]
    mode: Literal["extractive", "llm"]
    model: str | None
    degraded: list[str]
    complete: bool
    usage: UsageOut
    timings_ms: dict[str, int]
    question: str
    confidence: float | None
    short_answer: ShortAnswerOut | None

    @classmethod
    def from_domain(cls, answer: Answer, collection: str = DEFAULT_COLLECTION, public_url: str | None = None) -> Self:
        """Convert an answer whose citations link to the articles of a collection."""
        citations = [CitationOut.from_domain(citation, collection, public_url) for citation in answer.citations]
        return cls._from_values(answer, citations=citations)

    def domain(self) -> Answer:
        """Return the domain's Answer."""
        return self._to_domain(
            Answer,
            statements=tuple(statement._to_domain(Statement) for statement in self.statements),
            citations=tuple(citation.domain() for citation in self.citations),
            conflicts=tuple(
                conflict._to_domain(
                    Conflict, values=tuple(value._to_domain(ConflictValue) for value in conflict.values)
                )
                for conflict in self.conflicts
            ),
            dates=tuple(date._to_domain(ResolvedDate) for date in self.dates),
            rejected=tuple(rejected._to_domain(Rejected) for rejected in self.rejected),
            usage=self.usage._to_domain(Usage),
            short_answer=self.short_answer and self.short_answer.domain(),
        )


class RefusedOut(_Out):
    """An input that was not taken."""

    source: _Verbatim
    reason: _Verbatim


class ReportOut(_Out):
    """What one ingest did."""

    model_config = with_example(lambda: ReportOut.from_domain(examples.REPORT))

    added: int
    updated: int
    unchanged: int
    refused: list[RefusedOut]
    chunks: int
    seconds: float

    @classmethod
    def from_domain(cls, report: IngestReport) -> Self:
        """Convert an ingest report."""
        return cls._from_values(report, seconds=round(report.seconds, 3))

    def domain(self) -> IngestReport:
        """Return the domain's IngestReport."""
        return self._to_domain(IngestReport, refused=tuple(refused._to_domain(Refused) for refused in self.refused))


class ArticleOut(SourceOut):
    """One article as it is listed."""

    model_config = with_example(lambda: ArticleOut.from_domain(examples.ROW))

    sha256: str
    authors: list[str]
    language: str | None
    ingested_at: str
    chunks: int
    versions: list[int]

    @classmethod
    def from_domain(cls, row: ArticleRow) -> Self:
        """Convert an article's metadata."""
        return cls._from_values(row.source, row)


class ArticlesOut(_Out):
    """One page of the list of articles."""

    model_config = with_example(lambda: ArticlesOut.from_domain([examples.ROW], offset=49, total=73))

    articles: list[ArticleOut]
    total: int
    next_offset: int | None

    @classmethod
    def from_domain(cls, rows: Sequence[ArticleRow], offset: int, total: int) -> Self:
        """Convert the page of articles that begins at an offset."""
        after = offset + len(rows)
        articles = [ArticleOut.from_domain(row) for row in rows]
        return cls(articles=articles, total=total, next_offset=after if rows and after < total else None)


class TextOut(_Out):
    """The text that spans count in, and its ranges of web furniture."""

    model_config = with_example(lambda: TextOut.from_domain(examples.TEXT))

    article_id: str
    version: int
    sha256: str
    text: str
    furniture: list[Annotated[list[int], Field(min_length=2, max_length=2)]]

    @classmethod
    def from_domain(cls, text: ArticleText) -> Self:
        """Convert the text of one version."""
        return cls._from_values(text.source, text, furniture=[(span.start, span.end) for span in text.furniture])


class DeletedOut(_Out):
    """The article that was taken down."""

    model_config = with_example(lambda: DeletedOut(deleted="bridge-1"))

    deleted: str


class FaultOut(_Out):
    """What went wrong: its kind, the words for it, and the field of the request that is at fault, if one is."""

    type: str
    message: _Verbatim
    param: SkipValidation[str | None]
    code: str


class ErrorOut(_Out):
    """What every error looks like."""

    model_config = with_example(
        lambda: ErrorOut(
            error=FaultOut(
                type="invalid_request",
                message="filters.after: not a day like 2023-03-22",
                param="filters.after",
                code="value_error",
            )
        )
    )

    error: FaultOut


def answer_json(answer: Answer, collection: str = DEFAULT_COLLECTION, public_url: str | None = None) -> dict[str, Any]:
    """Return an answer as the JSON of the API."""
    return AnswerOut.from_domain(answer, collection, public_url).model_dump()


def article_path(
    article_id: str,
    collection: str = DEFAULT_COLLECTION,
    *,
    span: str | None = None,
    version: int | None = None,
    short_answer: str | None = None,
) -> str:
    """Return the path of an article's page; query parameters with default values are omitted."""
    params = {
        "span": span,
        "collection": None if collection == DEFAULT_COLLECTION else collection,
        "version": version,
        "short_answer": short_answer,
    }
    query = urlencode({name: value for name, value in params.items() if value is not None})
    return f"/articles/{quote(article_id, safe='')}" + (f"?{query}" if query else "")


def link(
    source: Source,
    span: Span,
    collection: str = DEFAULT_COLLECTION,
    public_url: str | None = None,
    short: ShortAnswer | None = None,
) -> str:
    """Return the URL of the article's page with the span marked, in the version that the span belongs to.

    `short` is a short answer inside the span, to mark too.

    A span without a version always means version 1, so a citation keeps pointing at its words when the article changes.
    """
    version = None if source.version == 1 else source.version
    inner = None if short is None else f"{short.start}-{short.end}"
    path = article_path(
        source.article_id, collection, span=f"{span.start}-{span.end}", version=version, short_answer=inner
    )
    return (public_url or "").rstrip("/") + path
