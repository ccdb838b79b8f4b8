"""Check a statement against what it cites. Pure.

A verdict never comes from likeness alone: a number, a name or a negation that the cited text does not have makes a
statement unsupported, however many of its other words are there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from qa import text
from qa.types import Citation, Evidence, Support

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
)
_NUMBER_WORDS = {word: str(number) for number, word in enumerate((_ONES + " eighteen nineteen").split())} | {
    word: str(number * 10)
    for number, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)
}
_ORDINAL = re.compile(r"^(\d+)(?:st|nd|rd|th)$")
_NEGATION = frozenset("not no never none nobody nothing nor neither without cannot denied denies deny refused".split())
_CONTRACTED = re.compile(r"^(?:is|are|was|were|do|does|did|has|have|had|could|would|should|wo|must|need)nt$|^cant$")
_NAME = re.compile(r"\b[A-ZÀ-ÖØ-Þ][\w’'-]*")
_SENTENCE_START = re.compile(r"(?:^|[.!?:]\s+|[“\"‘]\s*)$")
_FILLER = frozenset(
    "a about after all also an and any are as at be because been before but by can could did do does during each for"
    " from had has have he her his how i if in into is it its may more most of on one or other our out over said say"
    " says she since so some such than that the their them then there these they this those through to told under up"
    " was we were what when where which while who will with would you according".split()
)
_PARTLY, _FULLY = 0.3, 0.55  # shares of a statement's words that its sources must hold


def check(statement: str, cited: Sequence[Evidence]) -> tuple[Support, tuple[str, ...]]:
    """Return how far the cited sentences support a statement, and why not if they do not."""
    if not cited:
        return "unsupported", ("cites nothing",)
    sources = " ".join(one.text for one in cited)
    around = " ".join(f"{one.context} {one.source.title or ''} {one.source.outlet or ''}" for one in cited)
    dates = " ".join(one.source.published_at or "" for one in cited)
    reasons: list[str] = []
    missing = numbers(statement) - numbers(f"{sources} {dates}")
    if missing:
        reasons.append(f"number not in cited text: {', '.join(sorted(missing))}")
    # A name may stand in the sentence before, where the cited one says "he".
    strange = _names(statement) - set(text.words(f"{sources} {around}"))
    if strange:
        reasons.append(f"name not in cited text: {', '.join(sorted(strange))}")
    if negated(statement) and not negated(sources):
        reasons.append("negation not in cited text")
    if reasons:
        return "unsupported", tuple(reasons)
    share = _overlap(statement, f"{sources} {around}")
    if share < _PARTLY:
        return "unsupported", ("says other things than the cited text",)
    if negated(sources) and not negated(statement):
        return "partial", ("the cited text holds a negation that the statement lacks",)
    if share < _FULLY:
        return "partial", ("says more than the cited text",)
    return "supported", ()


def numbers(statement: str) -> set[str]:
    """Return the numbers in a text as digits: "the 40th of four" holds 40 and 4."""
    found: set[str] = set()
    for word in text.words(statement):
        ordinal = _ORDINAL.match(word)
        if ordinal:
            found.add(ordinal[1])
        elif word in _NUMBER_WORDS:
            if word != "one":  # nearly always a pronoun
                found.add(_NUMBER_WORDS[word])
        elif any(char.isdigit() for char in word):
            found |= {part.lstrip("0") or "0" for part in re.findall(r"\d+(?:\.\d+)?", word)}
    return found


def negated(statement: str) -> bool:
    """Tell whether a text denies something."""
    return any(word in _NEGATION or _CONTRACTED.match(word) for word in text.words(statement))


def _names(statement: str) -> set[str]:
    found: set[str] = set()
    for name in _NAME.finditer(statement):
        if _SENTENCE_START.search(statement[: name.start()]):
            continue  # its capital comes from its place
        found |= {word for word in text.words(name.group()) if word not in _FILLER}
    return found


def _overlap(statement: str, sources: str) -> float:
    own = set(text.stems(" ".join(word for word in text.words(statement) if word not in _FILLER)))
    return len(own & set(text.stems(sources))) / len(own) if own else 1.0


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
        start, end = text.utf16_offsets(article_text, evidence.span)
        quote = evidence.span.slice(article_text)
        citation = Citation(len(self._citations) + 1, evidence.source, evidence.span, start, end, quote)
        self._citations[key] = citation
        return citation, True

    def all(self) -> tuple[Citation, ...]:
        """Return every citation given so far, in order."""
        return tuple(self._citations.values())


def markers(citations: Iterable[Citation]) -> str:
    """Return the markers of citations as they stand in the answer: `[1][2]`."""
    return "".join(f"[{one.number}]" for one in citations)


_FORGED_MARKER = re.compile(r"\[(\d+)\]")


def without_markers(statement: str) -> str:
    """Return text that cannot be mistaken for one of our markers, on one line."""
    return " ".join(_FORGED_MARKER.sub(r"(\1)", statement).split())
