"""An answer's text as a chat frontend shows it: links or markers, and nothing else that Markdown renders. Pure.

Chat frontends render what they get as Markdown, and articles are untrusted: whatever in a sentence could become a link,
an image or a tag is taken apart, its words stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from qa.text.plain import visible_line
from qa.types import Answer, Citation

Style = Literal["links", "markers"]

_MARKER = re.compile(r"\[(\d+)\]")
_LINK = re.compile(r"\](?=[(\[:])")  # `](`, `][` and `]:` make links of what stands before them
_IMAGE = re.compile(r"!(?=\[)")
_FOOTNOTE = re.compile(r"\[(?=\^)")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_ADDRESS = re.compile(r"(?i)\b(?:[a-z][a-z0-9+.-]{1,15}://|www\.|mailto:)[^\s<>`]*[^\s<>`.,;:!?'\"’”)\]]")
_TITLE_SIGNS = str.maketrans({"[": "(", "]": ")", "<": "‹", ">": "›", "\\": "/", "`": "'", "*": "", "|": "–"})
_TITLE_CHARS = 120


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a citation's marker stands in the text that was sent: code points, half open."""

    citation: Citation
    start: int
    end: int


@dataclass(slots=True)
class ChatText:
    """The text as far as it was sent. A citation is made known before the piece that holds its marker."""

    style: Style
    link: Callable[[Citation], str]
    length: int = 0
    placed: list[Placed] = field(default_factory=list)
    citations: dict[int, Citation] = field(default_factory=dict)

    def know(self, citation: Citation) -> None:
        """Take in a citation."""
        self.citations[citation.number] = citation

    def add(self, piece: str) -> str:
        """Return a piece of the answer as it is shown."""
        shown = ""
        at = 0
        for match in _MARKER.finditer(piece):
            citation = self.citations.get(int(match[1]))
            if citation is None:  # no marker of ours
                continue
            shown += inert(piece[at : match.start()])
            at = match.end()
            marker = match.group() if self.style == "markers" else f"([{title(citation)}]({self.link(citation)}))"
            if self.style == "links" and shown.endswith(")"):  # two links in a row
                shown += " "
            start = self.length + len(shown)
            shown += marker
            self.placed.append(Placed(citation, start, start + len(marker)))
        shown += inert(piece[at:])
        self.length += len(shown)
        return shown

    def in_order(self) -> list[Placed]:
        """Return the first place of each citation by number, then the repeats: frontends number them as they come."""
        first: dict[int, Placed] = {}
        repeats: list[Placed] = []
        for one in self.placed:
            if one.citation.number in first:
                repeats.append(one)
            else:
                first[one.citation.number] = one
        return [*first.values(), *repeats]


def remarks(answer: Answer) -> str:
    """Return what a frontend that shows only text would not tell: where the sources differ, what is missing."""
    said = [
        f"The sources differ on {one.about.partition(': ')[2] or one.about}: "
        + "; ".join(f"{value.value} " + "".join(f"[{n}]" for n in value.citations) for value in one.values)
        + "."
        for one in answer.conflicts
        if one.kind == "contradiction"
    ]
    if answer.statements and not answer.complete:
        said.append("The answer was cut short.")
    elif answer.status == "partial":
        said.append("The articles answer only a part of this question.")
    return "".join(f"\n\n{one}" for one in said)


def title(citation: Citation) -> str:
    """Return a citation's name, safe as the text of a link."""
    source = citation.source
    name = visible_line(source.title or source.outlet or source.article_id).translate(_TITLE_SIGNS)
    return inert(name if len(name) <= _TITLE_CHARS else name[: _TITLE_CHARS - 1] + "…")


def inert(words: str) -> str:
    """Return words that Markdown shows as they are: no link, image, footnote, tag or address of their own."""
    words = _ADDRESS.sub(lambda found: f"`{found.group()}`", words)
    words = _IMAGE.sub("! ", _LINK.sub("] ", words))
    return _TAG.sub("&lt;", _FOOTNOTE.sub("[ ", words))
