"""What is read from the catalog and written into it, as the rest of the house sees it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from qa.types import Article, Chunk, Source, Span

Outcome = Literal["added", "updated", "unchanged", "taken_down"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """An article with everything that is computed from its text, ready to be written."""

    article: Article
    sha256: str
    chunks: tuple[Chunk, ...]
    embed_shas: tuple[bytes, ...]  # one a chunk
    stems: tuple[str, ...] = ()  # of each chunk, or none; for the word index, not kept

    def stems_by_text(self) -> Iterator[tuple[str, str]]:
        """Yield the text of each chunk whose stems are known, with them."""
        for chunk, stems in zip(self.chunks, self.stems, strict=False):
            yield chunk.span.slice(self.article.text), stems


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """One live chunk as the indexes and the retrieval see it."""

    key: int
    article: int
    version: int
    ordinal: int
    span: Span
    text: str
    sentences: tuple[Span, ...]
    embed_sha: bytes
    collection: str
    source: Source
    published_day: int | None


@dataclass(frozen=True, slots=True)
class ArticleRow:
    """One live article as it is listed."""

    source: Source
    authors: tuple[str, ...]
    language: str | None
    ingested_at: str
    chunks: int
    versions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ArticleText:
    """One version's text with what a reader needs to show it."""

    source: Source
    text: str
    furniture: tuple[Span, ...]
    live: bool


def says_more(article: Article, live: Source) -> bool:
    """Tell whether an article brings metadata that its live version lacks or has differently."""
    new = (article.title, article.outlet, article.url, article.published_at)
    old = (live.title, live.outlet, live.url, live.published_at)
    return any(value and value != kept for value, kept in zip(new, old, strict=True))


def pack_spans(spans: Sequence[Span]) -> bytes:
    """Pack spans as pairs of little-endian unsigned 32-bit integers."""
    return np.array([(span.start, span.end) for span in spans], dtype="<u4").tobytes()


def unpack_spans(packed: bytes) -> tuple[Span, ...]:
    """Undo `pack_spans`."""
    places = np.frombuffer(packed, "<u4").tolist()
    return tuple(map(Span, places[::2], places[1::2]))


def source_of(row: Any) -> Source:
    """Return where a row of an article and its version is from."""
    return Source(row.article_id, row.version, row.sha256, row.title, row.outlet, row.url, row.published_at)


def chunk_row(row: Any) -> ChunkRow:
    """Return a row of a chunk, its article and its version as a chunk."""
    return ChunkRow(
        key=row.key,
        article=row.article,
        version=row.version,
        ordinal=row.ordinal,
        span=Span(row.start, row.end),
        text=row.text,
        sentences=unpack_spans(row.sentences),
        embed_sha=row.embed_sha,
        collection=row.collection,
        source=source_of(row),
        published_day=row.published_day,
    )
