"""Number the cited spans of an answer. Pure; what a citation proves is decided in `verification`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from qa.text.normalise import utf16_offsets
from qa.text.plain import plain_statement
from qa.types import Citation, Evidence


class Numbering:
    """Give each cited span its number: from 1, without gaps, by first appearance."""

    def __init__(self) -> None:
        self._citations: dict[tuple[str, int, int, int], Citation] = {}

    def cite(self, evidence: Evidence, article_text: str) -> tuple[Citation, bool]:
        """Return the citation of a sentence, and whether it is new. The quote is cut from the article anew."""
        key = (evidence.source.article_id, evidence.source.version, evidence.span.start, evidence.span.end)
        known = self._citations.get(key)
        if known is not None:
            return known, False
        start, end = utf16_offsets(article_text, evidence.span)
        quote = evidence.span.slice(article_text)
        citation = Citation(len(self._citations) + 1, evidence.source, evidence.span, start, end, quote)
        self._citations[key] = citation
        return citation, True

    def number_of(self, evidence: Evidence) -> int | None:
        """Return the number of a sentence that is cited already."""
        key = (evidence.source.article_id, evidence.source.version, evidence.span.start, evidence.span.end)
        known = self._citations.get(key)
        return known.number if known else None

    def all(self) -> tuple[Citation, ...]:
        """Return every citation given so far, in order."""
        return tuple(self._citations.values())


def markers(citations: Iterable[Citation]) -> str:
    """Return the markers of citations as they stand in the answer: `[1][2]`."""
    return "".join(f"[{one.number}]" for one in citations)


_FORGED_MARKER = re.compile(r"\[(\d+)\]")


def without_markers(statement: str) -> str:
    """Return plain text on one line that cannot be mistaken for one of our markers.

    An article's sentence is text that others wrote: its tags, addresses and hidden signs stay in the quote.
    """
    return " ".join(_FORGED_MARKER.sub(r"(\1)", plain_statement(statement)).split())
