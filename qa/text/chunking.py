"""Split an article into chunks: runs of whole sentences with exact spans. Pure.

A chunk's span is built from the spans of its sentences and never found by searching, so each copy of a repeated
paragraph has its own span.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from qa.text.sentences import split_sentences
from qa.types import Chunk, Span

CHUNK_CHARS = 900
OVERLAP_CHARS = 150

_FULL_ENOUGH = 0.6  # of `chunk_chars`: from this size on a chunk ends with its paragraph
_TINY_CHARS = 120  # a remainder shorter than this joins the chunk before it ...
_STRETCH = 1.25  # ... which may grow by this factor


def chunk(
    text: str,
    furniture: Sequence[Span] = (),
    chunk_chars: int = CHUNK_CHARS,
    overlap_chars: int = OVERLAP_CHARS,
) -> tuple[Chunk, ...]:
    """Return the chunks in order; a chunk never reaches into or across `furniture`."""
    if chunk_chars < 1 or not 0 <= overlap_chars < chunk_chars:
        raise ValueError(
            f"overlap_chars ({overlap_chars}) must be at least 0 and less than chunk_chars ({chunk_chars})"
        )
    pieces = [
        tuple(run[first:last])
        for run in _runs(split_sentences(text, furniture), furniture)
        for first, last in _pack(text, run, chunk_chars, overlap_chars)
    ]
    return tuple(Chunk(ordinal, Span(piece[0].start, piece[-1].end), piece) for ordinal, piece in enumerate(pieces))


def _runs(spans: list[Span], furniture: Sequence[Span]) -> Iterator[list[Span]]:
    """Yield the sentences in groups that have no boilerplate between them."""
    starts = sorted(span.start for span in furniture)
    run: list[Span] = []
    passed = 0
    for span in spans:
        before = bisect_left(starts, span.start)
        if run and before != passed:
            yield run
            run = []
        run.append(span)
        passed = before
    if run:
        yield run


def _pack(text: str, run: list[Span], chunk_chars: int, overlap_chars: int) -> Iterator[tuple[int, int]]:
    """Yield the sentences of each chunk as a half-open range of indexes."""
    first, last = 0, 0
    while last < len(run):
        last = _fill(text, run, first, last, chunk_chars)
        yield first, last
        if last < len(run):
            first = _step_back(run, first, last, chunk_chars, overlap_chars)


def _fill(text: str, run: list[Span], first: int, fresh: int, chunk_chars: int) -> int:
    """Return the end of the chunk that begins with `first`; it contains at least the sentence `fresh`."""
    start, last = run[first].start, fresh + 1
    while last < len(run) and run[last].end - start <= chunk_chars:
        full_enough = run[last - 1].end - start > _FULL_ENOUGH * chunk_chars
        if full_enough and "\n" in text[run[last - 1].end : run[last].start]:
            break
        last += 1
    rest_is_tiny = last < len(run) and run[-1].end - run[last].start < _TINY_CHARS
    return len(run) if rest_is_tiny and run[-1].end - start <= _STRETCH * chunk_chars else last


def _step_back(run: list[Span], first: int, last: int, chunk_chars: int, overlap_chars: int) -> int:
    """Return the first sentence of the next chunk: it repeats as many of the last ones as fit into the overlap."""
    begin, end = last, run[last - 1].end
    while begin - 1 > first and end - run[begin - 1].start <= overlap_chars:
        if run[last].end - run[begin - 1].start > chunk_chars:  # there must be room for a new sentence
            break
        begin -= 1
    return begin


def embed_text(title: str | None, chunk_text: str) -> str:
    """Return the text that is embedded for a chunk: the title and the chunk, unless the chunk begins with the title."""
    return chunk_text if not title or chunk_text.startswith(title) else f"{title}\n{chunk_text}"


def embed_sha(title: str | None, chunk_text: str) -> bytes:
    """Return the SHA-256 under which the vector of a chunk is stored."""
    return hashlib.sha256(embed_text(title, chunk_text).encode()).digest()
