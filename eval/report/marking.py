"""Cut article text into pieces so that spans can be shown marked, however they overlap. Pure.

Offsets are code points, as everywhere; a page that is given pieces has nothing left to measure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

CONTEXT = 300  # code points shown before and after a mark
_NEAR = 100  # what is left out between two excerpts is at least this much
_WORD = 40  # an excerpt is cut at a blank that is this near, if there is one

Kind = Literal["gold", "cited"]


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A half-open range of a text, what it is, and what it is called."""

    start: int
    end: int
    kind: Kind
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text with the same marks all over."""

    start: int
    text: str
    marks: tuple[Mark, ...] = ()
    opens: tuple[Mark, ...] = ()  # those that begin here

    @property
    def kinds(self) -> list[str]:
        """Return what it is, each kind once."""
        return sorted({one.kind for one in self.marks})

    @property
    def tags(self) -> list[str]:
        """Return the names of all its marks."""
        return [one.tag for one in self.marks]

    @property
    def opened(self) -> str:
        """Return the names of the marks that begin here."""
        return " · ".join(one.tag for one in self.opens if one.tag)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The pieces of a part of a text."""

    pieces: tuple[Piece, ...]
    cut_before: bool
    cut_after: bool

    @property
    def first_mark(self) -> int:
        """Return where the first mark begins."""
        return min(one.start for piece in self.pieces for one in piece.marks)


def cut(text: str, marks: Iterable[Mark], start: int = 0, end: int | None = None) -> tuple[Piece, ...]:
    """Return the pieces of `text[start:end]`: joined they are that text, and those of a mark are its words."""
    end = len(text) if end is None else end
    inside = sorted({one for one in marks if one.start < end and one.end > start})
    edges = {start, end} | {edge for one in inside for edge in (one.start, one.end) if start < edge < end}
    pieces = []
    for low, high in pairwise(sorted(edges)):
        over = tuple(one for one in inside if one.start <= low and one.end >= high)
        pieces.append(Piece(low, text[low:high], over, tuple(one for one in over if one.start == low)))
    return tuple(pieces)


def excerpts(text: str, marks: Sequence[Mark], context: int = CONTEXT) -> list[Excerpt]:
    """Return the parts of the text around its marks, in order; near ones are one part."""
    windows: list[list[int]] = []
    for one in sorted(marks):
        low, high = _back(text, one.start, context), _on(text, one.end, context)
        if windows and low - windows[-1][1] < _NEAR:
            windows[-1][1] = max(windows[-1][1], high)
        else:
            windows.append([low, high])
    return [
        Excerpt(cut(text, marks, low, high), bool(text[:low].strip()), bool(text[high:].strip()))
        for low, high in windows
    ]


def _back(text: str, start: int, context: int) -> int:
    low = start - context
    if low < _NEAR:
        return start - len(text[:start].lstrip())  # an article may begin with blank lines
    blank = next((at for at in range(low, min(low + _WORD, start)) if text[at].isspace()), None)
    return low if blank is None else blank + 1


def _on(text: str, end: int, context: int) -> int:
    high = end + context
    if len(text) - high < _NEAR:
        return end + len(text[end:].rstrip())
    return next((at for at in range(high, max(high - _WORD, end), -1) if text[at].isspace()), high)
