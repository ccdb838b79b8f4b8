"""What was said before, made plain: no markers, links, source lists or hidden characters, and not too long. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from qa.text.english import MONTHS
from qa.text.plain import plain_text
from qa.types import Turn

NOT_IN_SOURCES = "The articles do not answer this question."
MAX_TURNS = 8
MAX_TURN_CHARS = 1_200
MAX_CHARS = 4_000
_READ_CHARS = 4 * MAX_TURN_CHARS  # of a turn, before it is cleaned: what is longer was pasted

# A list of sources below an answer, ours or a front end's: a heading, or the first line that begins with a number.
_SOURCES = re.compile(
    r"^[ \t#*_>-]*(?:sources?|references?|citations?|footnotes?)[ \t*_]*(?::|$)"
    r"|(?<=\n)[ \t]*(?:[-*•][ \t]*)?\[\^?\d+\]:?[ (]",
    re.IGNORECASE | re.MULTILINE,
)
_LINK = re.compile(r"!?\[((?:[^\[\]\n]|\[[^\[\]\n]*\])*)\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+\"[^\"]*\")?\)")
_MARKER = re.compile(r"\s?(?:\[\^?\d{1,3}(?:\s*[,–-]\s*\d{1,3})*\]|【[^】\n]{1,40}】)")
_OURS = re.compile(r"(?:https?://[^\s/]+)?/articles/\S+")
_ATTRIBUTION = re.compile(rf"(?:^|(?<=[.!?”\"’] ))[^.:!?\n]{{2,80}}, \d{{1,2}} (?:{'|'.join(MONTHS)}) \d{{4}}: ")


def clean(history: Sequence[Turn]) -> tuple[Turn, ...]:
    """Return the newest turns as plain text, oldest first; a turn of which nothing is left is dropped."""
    kept: list[Turn] = []
    room = MAX_CHARS
    for turn in reversed(history):
        said = _said(turn)[: min(room, MAX_TURN_CHARS)].rstrip()
        if said:
            kept.append(replace(turn, content=said))
            room -= len(said)
        if room <= 0 or len(kept) == MAX_TURNS:
            break
    return tuple(reversed(kept))


def _said(turn: Turn) -> str:
    words = re.sub(r"\r\n?", "\n", turn.content[:_READ_CHARS])
    if turn.role == "assistant":
        found = _SOURCES.search(words)
        if found:
            words = words[: found.start()]
    words = _MARKER.sub("", _LINK.sub(r"\1", _MARKER.sub("", words)))
    words = plain_text(_OURS.sub(" ", words))
    if turn.role == "assistant":  # who said it and when is said of a source, not of what is talked about
        words = _ATTRIBUTION.sub("", words.replace(NOT_IN_SOURCES, " "))
    return " ".join(words.split())
