"""The values that the catalog's readers and writers exchange with it, and their conversion from database rows."""

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
    embed_shas: tuple[bytes, ...]  # one for each chunk
    stems: tuple[str, ...] = ()  # of each chunk, or empty; for the word index, not stored

    def stems_by_text(self) -> Iterator[tuple[str, str]]:
        """Yield the text and the stems of each chunk whose stems are known."""
        for chunk, stems in zip(self.chunks, self.stems, strict=False):
            yield chunk.span.slice(self.article.text), stems


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """A live chunk as the indexes and the retrieval see it."""

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
    """A live article as it is listed."""

    source: Source
    authors: tuple[str, ...]
    language: str | None
    ingested_at: str
    chunks: int
    versions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ArticleText:
    """The text of one version, with what is needed to show it."""

    source: Source
    text: str
    furniture: tuple[Span, ...]
    live: bool


def adds_metadata(article: Article, live: Source) -> bool:
    """Tell whether an article has metadata that its live version lacks or that differs from it."""
    new = (article.title, article.outlet, article.url, article.published_at)
    old = (live.title, live.outlet, live.url, live.published_at)
    return any(value and value != stored for value, stored in zip(new, old, strict=True))


def pack_spans(spans: Sequence[Span]) -> bytes:
    """Pack spans as pairs of little-endian unsigned 32-bit integers."""
    return np.array([(span.start, span.end) for span in spans], dtype="<u4").tobytes()


def unpack_spans(packed: bytes) -> tuple[Span, ...]:
    """Undo `pack_spans`."""
    offsets = np.frombuffer(packed, "<u4").tolist()
    return tuple(map(Span, offsets[::2], offsets[1::2]))


def source_of(row: Any) -> Source:
    """Return the source of a row of an article and its version."""
    return Source(row.article_id, row.version, row.sha256, row.title, row.outlet, row.url, row.published_at)


def chunk_row(row: Any) -> ChunkRow:
    """Convert a row of a chunk, its article and its version."""
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
