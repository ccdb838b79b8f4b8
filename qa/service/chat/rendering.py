"""Render an answer as Markdown for chat frontends: citation links or markers, all other Markdown escaped. Pure.

Chat frontends render replies as Markdown, and articles are untrusted: anything in a sentence that could become a link,
an image or a tag is defused; its text stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from qa.answering.citations import without_markers
from qa.text.plain import visible_line
from qa.types import Answer, Citation, ShortAnswer

Style = Literal["links", "markers"]

_MARKER = re.compile(r"\[(\d+)\]")
_LINK = re.compile(r"\](?=[(\[:])")  # `](`, `][` and `]:` turn the text before them into a link
_IMAGE = re.compile(r"!(?=\[)")
_FOOTNOTE = re.compile(r"\[(?=\^)")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_URL = re.compile(r"(?i)\b(?:[a-z][a-z0-9+.-]{1,15}://|www\.|mailto:)[^\s<>`]*[^\s<>`.,;:!?'\"’”)\]]")
_TITLE_SIGNS = str.maketrans({"[": "(", "]": ")", "<": "‹", ">": "›", "\\": "/", "`": "'", "*": "", "|": "–"})
_TITLE_CHARS = 120


@dataclass(frozen=True, slots=True)
class PlacedCitation:
    """A citation's marker in the sent text: a half-open range of code points."""

    citation: Citation
    start: int
    end: int


@dataclass(slots=True)
class ChatText:
    """The text sent so far. A citation is added before the piece of text that contains its marker."""

    style: Style
    link: Callable[[Citation], str]
    length: int = 0
    placed: list[PlacedCitation] = field(default_factory=list)
    citations: dict[int, Citation] = field(default_factory=dict)

    def add_citation(self, citation: Citation) -> None:
        """Register a citation, so that its marker is rendered."""
        self.citations[citation.number] = citation

    def add(self, piece: str) -> str:
        """Return a piece of the answer as Markdown."""
        shown = ""
        at = 0
        for match in _MARKER.finditer(piece):
            citation = self.citations.get(int(match[1]))
            if citation is None:  # not a marker of ours
                continue
            shown += inert(piece[at : match.start()])
            at = match.end()
            marker = match.group() if self.style == "markers" else f"([{title(citation)}]({self.link(citation)}))"
            if self.style == "links" and shown.endswith(")"):  # two links in a row
                shown += " "
            start = self.length + len(shown)
            shown += marker
            self.placed.append(PlacedCitation(citation, start, start + len(marker)))
        shown += inert(piece[at:])
        self.length += len(shown)
        return shown

    def add_short_answer(self, short: ShortAnswer) -> str:
        """Return the short answer as a bold line before the answer's text, without a citation."""
        words = re.sub(r"[\\*]", r"\\\g<0>", inert(without_markers(short.text)))
        shown = f"**{words}**\n\n" if words else ""
        self.length += len(shown)
        return shown

    def in_order(self) -> list[PlacedCitation]:
        """Return the first marker of each citation, then the repeats: frontends number citations in this order."""
        first: dict[int, PlacedCitation] = {}
        repeats: list[PlacedCitation] = []
        for placed in self.placed:
            if placed.citation.number in first:
                repeats.append(placed)
            else:
                first[placed.citation.number] = placed
        return [*first.values(), *repeats]


def notes(answer: Answer) -> str:
    """Return, as text for frontends that show nothing else, where the sources differ and what is missing."""
    lines = [
        f"The sources differ on {conflict.about.partition(': ')[2] or conflict.about}: "
        + "; ".join(f"{value.value} " + "".join(f"[{n}]" for n in value.citations) for value in conflict.values)
        + "."
        for conflict in answer.conflicts
        if conflict.kind == "contradiction"
    ]
    if answer.statements and not answer.complete:
        lines.append("The answer was cut short.")
    elif answer.status == "partial":
        lines.append("The articles answer only a part of this question.")
    return "".join(f"\n\n{line}" for line in lines)


def title(citation: Citation) -> str:
    """Return a citation's title, safe as a link text."""
    source = citation.source
    name = visible_line(source.title or source.outlet or source.article_id).translate(_TITLE_SIGNS)
    return inert(name if len(name) <= _TITLE_CHARS else name[: _TITLE_CHARS - 1] + "…")


def inert(text: str) -> str:
    """Return text that Markdown shows literally: no link, image, footnote, tag or URL in it is rendered."""
    text = _URL.sub(lambda match: f"`{match.group()}`", text)
    text = _IMAGE.sub("! ", _LINK.sub("] ", text))
    return _TAG.sub("&lt;", _FOOTNOTE.sub("[ ", text))
