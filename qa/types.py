"""The domain types: frozen values shared by all packages. No I/O, no vendor types."""

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
    """A half-open range of code points in an article's text."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"span {self.start}-{self.end} is empty or negative")

    def slice(self, text: str) -> str:
        """Return the text of the span."""
        return text[self.start : self.end]

    def overlaps(self, other: Span) -> bool:
        """Tell whether two spans share at least one code point."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Article:
    """A news item as ingested. `text` is final: it was normalised once and never changes."""

    id: str
    text: str
    title: str | None = None
    url: str | None = None
    outlet: str | None = None
    published_at: str | None = None  # ISO 8601, a date or a moment with its UTC offset
    authors: tuple[str, ...] = ()
    language: str | None = None
    furniture: tuple[Span, ...] = ()  # boilerplate: ranges that are neither indexed nor cited
    source: str = ""  # the file it was read from, with the line


@dataclass(frozen=True, slots=True)
class Refused:
    """An input that was not accepted, and the reason."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """The unit of indexing: a run of whole sentences of one article."""

    ordinal: int
    span: Span
    sentences: tuple[Span, ...]  # in order, inside `span`


@dataclass(frozen=True, slots=True)
class Source:
    """One version of an article, without its text: the metadata that a citation shows."""

    article_id: str
    version: int
    sha256: str  # of the text, UTF-8
    title: str | None
    outlet: str | None
    url: str | None
    published_at: str | None

    @property
    def publisher(self) -> str:
        """Return the outlet; an article without one stands for itself."""
        return self.outlet or self.article_id

    @property
    def day(self) -> str:
        """Return the day of publication in ISO form, or an empty string."""
        return (self.published_at or "")[:10]


@dataclass(frozen=True, slots=True)
class Filters:
    """The user's filters of a search. Dates are inclusive ISO days; an undated article fails a date filter."""

    outlets: tuple[str, ...] = ()
    article_ids: tuple[str, ...] = ()
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class SearchBounds:
    """The limits of a search: the latest day, the collection, the filters and the number of hits."""

    today: date  # the day of the question: nothing dated later is found, and "last week" is relative to it
    collection: str = "default"
    filters: Filters = Filters()
    top_k: int = 8


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved chunk with its score. A higher score is better."""

    key: int  # the primary key of the chunk
    source: Source
    span: Span
    text: str
    sentences: tuple[Span, ...]
    score: float
    lexical_rank: int | None = None
    vector_rank: int | None = None
    reprints: tuple[Source, ...] = ()  # near-duplicate articles that were folded into this hit


@dataclass(frozen=True, slots=True)
class Evidence:
    """A ranked sentence that an answer may cite."""

    source: Source
    span: Span
    text: str
    score: float
    context: str = ""  # the sentences around it, shown to the model but not citable
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
        """Return three lines: number, title, outlet and date; the article's id and the span; the quote."""
        source = self.source
        origin = ", ".join(part for part in (source.outlet, source.published_at) if part)
        heading = f"[{self.number}] {source.title or source.article_id}{f' ({origin})' if origin else ''}"
        words = " ".join(self.quote.split())
        return f"{heading}\n    {source.article_id} {self.span.start}-{self.span.end}\n    “{words}”"


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of the answer, including its citation markers: `answer[start:end] == text`."""

    start: int
    end: int
    text: str
    citations: tuple[int, ...]
    support: Support
    reasons: tuple[str, ...] = ()
    score: float | None = None  # estimated probability that the citations support it; `support` does not depend on it
    replaced: bool = False  # a quote that stands for a sentence of the model that its citations did not support


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    """The words of an article that answer in short: `article.text[start:end] == text`, inside a citation's span."""

    text: str
    citation: int
    start: int
    end: int

    def __str__(self) -> str:
        """Return the words on one line."""
        return " ".join(self.text.split())


@dataclass(frozen=True, slots=True)
class ResolvedDate:
    """A time phrase in a citation's quote, resolved against the article's date."""

    citation: int
    phrase: str
    resolved: str | None  # a day, or `first/last` day; None when the article has no date
    basis: str


@dataclass(frozen=True, slots=True)
class ConflictValue:
    """One of several values reported for the same thing, and the citations that report it."""

    value: str
    citations: tuple[int, ...]
    outlets: tuple[str, ...] = ()  # of the citations, in their order
    published_at: tuple[str | None, ...] = ()  # of the citations, in their order


@dataclass(frozen=True, slots=True)
class Conflict:
    """Articles that disagree about a value; in an "update" a later article revises an older figure."""

    about: str
    values: tuple[ConflictValue, ...]
    kind: Literal["contradiction", "update"] = "contradiction"

    def __str__(self) -> str:
        """Return the values, each with its citation markers, on one line."""
        sides = (f"{side.value} {''.join(f'[{number}]' for number in side.citations)}" for side in self.values)
        return f"{self.kind} ({self.about}): {', '.join(sides)}"


@dataclass(frozen=True, slots=True)
class Rejected:
    """Text from a model that was kept out of the answer, and the reason."""

    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """The token counts that the model server reported."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        """Return the sum of both."""
        return Usage(self.prompt_tokens + other.prompt_tokens, self.completion_tokens + other.completion_tokens)


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier message of the conversation."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Question:
    """The user's question, with the conversation before it and the limits of the search."""

    question: str
    history: tuple[Turn, ...] = ()
    filters: Filters = Filters()
    as_of: str | None = None  # ISO day; None is today
    mode: Mode = "auto"
    collection: str = "default"
    top_k: int = 8
    wishes: str = ""  # style instructions for the model, from a frontend's system prompt


@dataclass(frozen=True, slots=True)
class Answer:
    """The complete reply to a question."""

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
    question: str = ""  # as it was answered: a follow-up is completed from the conversation
    confidence: float | None = None  # estimate that the articles answer it, 0..1; extractive mode, refusals included
    short_answer: ShortAnswer | None = None

    def __str__(self) -> str:
        """Return the answer for a terminal: in short, its text, each quote with its place, conflicts, status."""
        first = [] if self.short_answer is None else [str(self.short_answer)]
        parts = [*first, self.answer, *map(str, self.citations), *map(str, self.conflicts)]
        return "\n\n".join(parts if self.status == "answered" else [*parts, f"status: {self.status}"])


@dataclass(frozen=True, slots=True)
class IngestReport:
    """The counts of one ingest."""

    added: int
    updated: int
    unchanged: int
    refused: tuple[Refused, ...]
    chunks: int
    seconds: float


class Embedder(Protocol):
    """Embed texts as vectors of unit length."""

    @property
    def model(self) -> str:
        """Name the model; vectors are stored under it."""
        ...

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Return one row for each text, shape (n, dimension), float32, unit length. Raises EmbeddingFailed."""
        ...

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of a query, shape (dimension,). Raises EmbeddingFailed."""
        ...


@dataclass(frozen=True, slots=True)
class Passage:
    """A sentence to read for a question; with the title of its article, or without."""

    text: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a passage says to a question: log odds that it answers, and its shortest answer `text[start:end]`."""

    logit: float
    start: int
    end: int
    share: float  # how likely these are the ends of the answer, 0..1


class Reader(Protocol):
    """Read sentences for a question."""

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        """Return a reading for each passage, in order. Raises JudgeFailed."""
        ...


@dataclass(frozen=True, slots=True)
class Entailed:
    """Log odds that all a statement says is in its evidence, and that nothing of it is changed."""

    covered: float
    faithful: float


class EntailmentJudge(Protocol):
    """Judge statements against their evidence."""

    def judge(self, pairs: Sequence[tuple[str, str]]) -> list[Entailed]:
        """Return a judgement for each (statement, evidence), in order. Raises JudgeFailed."""
        ...
