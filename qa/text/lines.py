"""Join hard-wrapped lines: tell a wrapped line from the end of a paragraph, a heading or a list item. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

_BULLET = re.compile(r"[•*–—-]\s|\d{1,3}[.)]\s|>")


def joined_lines(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each line that is not blank; hard-wrapped lines are joined."""
    blocks = _blocks(text)
    width = max(map(_wrap_width, blocks), default=0)
    for block in blocks:
        start, end = block[0][0], block[0][0]
        wrapped = width > 0 and all(len(line) <= width for _, line in block)
        for (at, line), (after, following) in pairwise([*block, (0, "")]):
            end = at + len(line)
            if not (following and wrapped and _is_wrap(line, following, width)):
                yield start, end
                start = after


def _blocks(text: str) -> list[list[tuple[int, str]]]:
    """Return the blocks of lines between blank lines: the offset and the text of each line."""
    blocks: list[list[tuple[int, str]]] = []
    at, blank = 0, True
    for raw in text.splitlines(keepends=True):
        line = raw.rstrip()
        if not line:
            blank = True
        elif blank:
            blocks.append([(at, line)])
            blank = False
        else:
            blocks[-1].append((at, line))
        at += len(raw)
    return blocks


def _wrap_width(block: list[tuple[int, str]]) -> int:
    """Return the column at which an editor wrapped this block, or 0 if it is not wrapped."""
    width = max(len(line) for _, line in block)
    if len(block) < 3 or not 60 <= width <= 100:
        return 0
    joins = [after for (_, line), (_, after) in pairwise(block) if _is_wrap(line, after, width)]
    lower = sum(line.lstrip()[0].islower() for line in joins)
    # Two thirds, because a headline or a byline may precede the paragraph without a blank line.
    return width if len(joins) >= 2 and 3 * len(joins) >= 2 * (len(block) - 1) and 2 * lower >= len(joins) else 0


def _is_wrap(line: str, following: str, width: int) -> bool:
    """Tell whether the line ends only because the first word of the next one did not fit."""
    following = following.lstrip()
    return len(line) + 1 + len(following.split(None, 1)[0]) > width and not _BULLET.match(following)
