"""Clean the turns of a conversation to plain text: no markers, links or source lists, and a limited length. Pure."""

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
_READ_CHARS = 4 * MAX_TURN_CHARS  # of a turn, before it is cleaned: a longer one was pasted

# A list of sources below an answer, by us or by a front end: its heading, or its first line that begins with a number.
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
    """Return the newest turns as plain text, oldest first, without those that become empty."""
    kept: list[Turn] = []
    room = MAX_CHARS
    for turn in reversed(history):
        content = _plain_content(turn)[: min(room, MAX_TURN_CHARS)].rstrip()
        if content:
            kept.append(replace(turn, content=content))
            room -= len(content)
        if room <= 0 or len(kept) == MAX_TURNS:
            break
    return tuple(reversed(kept))


def _plain_content(turn: Turn) -> str:
    words = re.sub(r"\r\n?", "\n", turn.content[:_READ_CHARS])
    if turn.role == "assistant":
        found = _SOURCES.search(words)
        if found:
            words = words[: found.start()]
    words = _MARKER.sub("", _LINK.sub(r"\1", _MARKER.sub("", words)))
    words = plain_text(_OURS.sub(" ", words))
    if turn.role == "assistant":  # an attribution names a source, not what the conversation is about
        words = _ATTRIBUTION.sub("", words.replace(NOT_IN_SOURCES, " "))
    return " ".join(words.split())
