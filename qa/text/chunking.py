"""Cut an article into chunks: runs of whole sentences, each at an exact place. Pure.

Nothing is searched for: a chunk's span is made from the spans of its sentences, so a paragraph that an article repeats
keeps its own place each time.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from qa.text.sentences import split_sentences
from qa.types import Chunk, Span

CHUNK_CHARS = 900
OVERLAP_CHARS = 150

_FULL_ENOUGH = 0.6  # of the size: from here on a chunk ends with its paragraph
_TINY_CHARS = 120  # a rest shorter than this joins the chunk before it ...
_STRETCH = 1.25  # ... which may grow by so much for it


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
    """Yield the sentences in groups that have no furniture between them."""
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
    """Yield which sentences make up each chunk: from the first to before the last."""
    first, last = 0, 0
    while last < len(run):
        last = _fill(text, run, first, last, chunk_chars)
        yield first, last
        if last < len(run):
            first = _step_back(run, first, last, chunk_chars, overlap_chars)


def _fill(text: str, run: list[Span], first: int, fresh: int, chunk_chars: int) -> int:
    """Return where the chunk that begins with `first` ends; it takes at least the sentence `fresh`."""
    start, last = run[first].start, fresh + 1
    while last < len(run) and run[last].end - start <= chunk_chars:
        full_enough = run[last - 1].end - start > _FULL_ENOUGH * chunk_chars
        if full_enough and "\n" in text[run[last - 1].end : run[last].start]:
            break
        last += 1
    rest_is_tiny = last < len(run) and run[-1].end - run[last].start < _TINY_CHARS
    return len(run) if rest_is_tiny and run[-1].end - start <= _STRETCH * chunk_chars else last


def _step_back(run: list[Span], first: int, last: int, chunk_chars: int, overlap_chars: int) -> int:
    """Return the sentence the next chunk begins with: the last ones again, as many as the overlap holds."""
    begin, end = last, run[last - 1].end
    while begin - 1 > first and end - run[begin - 1].start <= overlap_chars:
        if run[last].end - run[begin - 1].start > chunk_chars:  # there must be room for something new
            break
        begin -= 1
    return begin


def embed_text(title: str | None, chunk_text: str) -> str:
    """Return what is embedded for a chunk: its title above it, unless the chunk begins with it."""
    return chunk_text if not title or chunk_text.startswith(title) else f"{title}\n{chunk_text}"


def embed_sha(title: str | None, chunk_text: str) -> bytes:
    """Return the SHA-256 under which the vector of a chunk is kept."""
    return hashlib.sha256(embed_text(title, chunk_text).encode()).digest()
