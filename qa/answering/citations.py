"""Number the cited spans of an answer. Pure; `qa.verification` decides what a citation proves."""

from __future__ import annotations

import re
from collections.abc import Iterable

from qa.text.normalise import utf16_offsets
from qa.text.plain import plain_statement
from qa.types import Citation, Evidence


class Numbering:
    """The numbers of the cited spans: from 1, without gaps, in order of first appearance."""

    def __init__(self) -> None:
        self._citations: dict[tuple[str, int, int, int], Citation] = {}

    def cite(self, evidence: Evidence, article_text: str) -> tuple[Citation, bool]:
        """Return the citation of a sentence, and whether it is new. The quote is sliced from the article text."""
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
    """Return the markers of citations as the answer shows them: `[1][2]`."""
    return "".join(f"[{citation.number}]" for citation in citations)


_FORGED_MARKER = re.compile(r"\[(\d+)\]")


def without_markers(statement: str) -> str:
    """Return a statement as plain text on one line, without anything that looks like one of our markers.

    Others wrote the sentences of articles: their tags, addresses and hidden characters are only in the quote.
    """
    return " ".join(_FORGED_MARKER.sub(r"(\1)", plain_statement(statement)).split())
