"""Split article text into pieces at mark boundaries, so that overlapping spans can be highlighted. Pure.

Offsets are in code points, as everywhere; the page gets the pieces and computes no offsets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

CONTEXT = 300  # code points shown before and after a mark
_MIN_GAP = 100  # excerpts with a smaller gap between them are joined
_WORD = 40  # an excerpt begins and ends at a blank if there is one within this distance

Kind = Literal["gold", "cited"]


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A half-open range of a text with its kind and its label."""

    start: int
    end: int
    kind: Kind
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text throughout which the same marks apply."""

    start: int
    text: str
    marks: tuple[Mark, ...] = ()
    opens: tuple[Mark, ...] = ()  # those that begin here

    @property
    def kinds(self) -> list[str]:
        """Return the distinct kinds of its marks."""
        return sorted({mark.kind for mark in self.marks})

    @property
    def tags(self) -> list[str]:
        """Return the labels of all its marks."""
        return [mark.tag for mark in self.marks]

    @property
    def opened(self) -> str:
        """Return the labels of the marks that begin here."""
        return " · ".join(mark.tag for mark in self.opens if mark.tag)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of a text, in pieces."""

    pieces: tuple[Piece, ...]
    cut_before: bool
    cut_after: bool

    @property
    def first_mark(self) -> int:
        """Return where the first mark begins."""
        return min(mark.start for piece in self.pieces for mark in piece.marks)


def cut(text: str, marks: Iterable[Mark], start: int = 0, end: int | None = None) -> tuple[Piece, ...]:
    """Return the pieces of `text[start:end]`: all joined give that text, and those of one mark give the mark's text."""
    end = len(text) if end is None else end
    inside = sorted({mark for mark in marks if mark.start < end and mark.end > start})
    edges = {start, end} | {edge for mark in inside for edge in (mark.start, mark.end) if start < edge < end}
    pieces = []
    for low, high in pairwise(sorted(edges)):
        over = tuple(mark for mark in inside if mark.start <= low and mark.end >= high)
        pieces.append(Piece(low, text[low:high], over, tuple(mark for mark in over if mark.start == low)))
    return tuple(pieces)


def excerpts(text: str, marks: Sequence[Mark], context: int = CONTEXT) -> list[Excerpt]:
    """Return the parts of the text around its marks, in order; parts close to each other are joined."""
    windows: list[list[int]] = []
    for mark in sorted(marks):
        low, high = _window_start(text, mark.start, context), _window_end(text, mark.end, context)
        if windows and low - windows[-1][1] < _MIN_GAP:
            windows[-1][1] = max(windows[-1][1], high)
        else:
            windows.append([low, high])
    return [
        Excerpt(cut(text, marks, low, high), bool(text[:low].strip()), bool(text[high:].strip()))
        for low, high in windows
    ]


def _window_start(text: str, start: int, context: int) -> int:
    low = start - context
    if low < _MIN_GAP:
        return start - len(text[:start].lstrip())  # an article may begin with blank lines
    blank = next((at for at in range(low, min(low + _WORD, start)) if text[at].isspace()), None)
    return low if blank is None else blank + 1


def _window_end(text: str, end: int, context: int) -> int:
    high = end + context
    if len(text) - high < _MIN_GAP:
        return end + len(text[end:].rstrip())
    return next((at for at in range(high, max(high - _WORD, end), -1) if text[at].isspace()), high)
