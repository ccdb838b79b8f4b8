"""The domain: frozen values that every room shares. No I/O, no vendor type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Status = Literal["answered", "partial", "conflicting", "not_in_sources"]
Support = Literal["supported", "partial", "unsupported"]
Verdict = Literal["exact", "normalised"]
Mode = Literal["auto", "extractive", "llm"]
Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Mark a half-open range of code points in an article's text."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"span {self.start}-{self.end} is empty or negative")

    def slice(self, text: str) -> str:
        """Return the words of the span."""
        return text[self.start : self.end]

    def overlaps(self, other: Span) -> bool:
        """Tell whether the two share at least one code point."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Article:
    """One news item as ingested. `text` is final: it was normalised once and never changes."""

    id: str
    text: str
    title: str | None = None
    url: str | None = None
    outlet: str | None = None
    published_at: str | None = None  # ISO 8601, a date or a moment with its UTC offset
    authors: tuple[str, ...] = ()
    language: str | None = None
    furniture: tuple[Span, ...] = ()  # ranges that are neither indexed nor cited
    source: str = ""  # the file, and the line in it, that it was read from


@dataclass(frozen=True, slots=True)
class Refused:
    """Say which input was not taken and why."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of whole sentences of one article: the indexed stretch."""

    ordinal: int
    span: Span
    sentences: tuple[Span, ...]  # in order, inside `span`


@dataclass(frozen=True, slots=True)
class Source:
    """One version of an article, without its text: what a citation says of where it points."""

    article_id: str
    version: int
    sha256: str  # of the text, UTF-8
    title: str | None
    outlet: str | None
    url: str | None
    published_at: str | None


@dataclass(frozen=True, slots=True)
class Filters:
    """Narrow a search. Dates are inclusive ISO days; an article without a date fails a date filter."""

    outlets: tuple[str, ...] = ()
    article_ids: tuple[str, ...] = ()
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class SearchBounds:
    """What a search may find, and how many hits it returns."""

    today: date  # the day of the question: nothing dated later is found, and "last week" ends before it
    collection: str = "default"
    filters: Filters = Filters()
    top_k: int = 8


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk with a score, in rank order. A higher score is better."""

    key: int  # the catalog's number for the chunk
    source: Source
    span: Span
    text: str
    sentences: tuple[Span, ...]
    score: float
    lexical_rank: int | None = None
    vector_rank: int | None = None
    reprints: tuple[Source, ...] = ()  # near-duplicate articles that were folded into this one


@dataclass(frozen=True, slots=True)
class Evidence:
    """One ranked sentence that an answer may cite."""

    source: Source
    span: Span
    text: str
    score: float
    context: str = ""  # the sentences around it, for reading only
    reprints: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class Citation:
    """A resolved source span: `text[span.start:span.end] == quote`, always."""

    number: int
    source: Source
    span: Span
    start_utf16: int
    end_utf16: int
    quote: str
    verdict: Verdict = "exact"

    def __str__(self) -> str:
        """Return the number, who says it and when, the place, and the words, over three lines."""
        source = self.source
        origin = ", ".join(part for part in (source.outlet, source.published_at) if part)
        heading = f"[{self.number}] {source.title or source.article_id}{f' ({origin})' if origin else ''}"
        words = " ".join(self.quote.split())
        return f"{heading}\n    {source.article_id} {self.span.start}-{self.span.end}\n    “{words}”"


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence of the answer: `answer[start:end] == text`, its citation markers included."""

    start: int
    end: int
    text: str
    citations: tuple[int, ...]
    support: Support
    reasons: tuple[str, ...] = ()
    score: float | None = None  # 0..1 that the citations support it; a likeness, and never what decides `support`


@dataclass(frozen=True, slots=True)
class ResolvedDate:
    """A time phrase of a citation's quote, made absolute against the article's date."""

    citation: int
    phrase: str
    resolved: str | None  # a day, or `first/last` day; None when the article has no date
    basis: str


@dataclass(frozen=True, slots=True)
class ConflictValue:
    """One of the values that are given for the same thing, and where."""

    value: str
    citations: tuple[int, ...]
    outlets: tuple[str, ...] = ()  # who says so, in the order of the citations
    published_at: tuple[str | None, ...] = ()  # and when


@dataclass(frozen=True, slots=True)
class Conflict:
    """Articles that differ about one thing; an update is an outlet (or time) correcting an older figure."""

    about: str
    values: tuple[ConflictValue, ...]
    kind: Literal["contradiction", "update"] = "contradiction"

    def __str__(self) -> str:
        """Return the values, each with its markers, on a line."""
        sides = (f"{side.value} {''.join(f'[{number}]' for number in side.citations)}" for side in self.values)
        return f"{self.kind} ({self.about}): {', '.join(sides)}"


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something a model wrote that was not let into the answer."""

    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Count the tokens that the model server reported."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        """Return the tokens of both."""
        return Usage(self.prompt_tokens + other.prompt_tokens, self.completion_tokens + other.completion_tokens)


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier message of the conversation."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Question:
    """What the user asks, and within which bounds."""

    question: str
    history: tuple[Turn, ...] = ()
    filters: Filters = Filters()
    as_of: str | None = None  # ISO day; None is today
    mode: Mode = "auto"
    collection: str = "default"
    top_k: int = 8
    wishes: str = ""  # how a model is to write, from whoever asks for the reader: a frontend's system prompt


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole reply to one question."""

    id: str
    status: Status
    answer: str
    statements: tuple[Statement, ...]
    citations: tuple[Citation, ...]
    conflicts: tuple[Conflict, ...]
    dates: tuple[ResolvedDate, ...]
    rejected: tuple[Rejected, ...]
    mode: Literal["extractive", "llm"]
    model: str | None
    degraded: tuple[str, ...]
    complete: bool
    usage: Usage
    timings_ms: dict[str, int] = field(default_factory=dict)
    question: str = ""  # as it was answered: a follow-up with what it takes from the conversation
    confidence: float | None = None  # 0..1 that the articles answer; extractive mode only, refusals too

    def __str__(self) -> str:
        """Return the answer as a person reads it: its text, each quote with its place, conflicts, status."""
        parts = [self.answer, *map(str, self.citations), *map(str, self.conflicts)]
        return "\n\n".join(parts if self.status == "answered" else [*parts, f"status: {self.status}"])


@dataclass(frozen=True, slots=True)
class IngestReport:
    """Count what one ingest did."""

    added: int
    updated: int
    unchanged: int
    refused: tuple[Refused, ...]
    chunks: int
    seconds: float


class Embedder(Protocol):
    """Turn texts into vectors of unit length."""

    @property
    def model(self) -> str:
        """Name the model; vectors are stored under it."""
        ...

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Return one row a text, shape (n, dimension), float32, unit length. Raises EmbeddingFailed."""
        ...

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of a query, shape (dimension,). Raises EmbeddingFailed."""
        ...
