"""Check what a statement puts in quotation marks, and whom it says to have spoken. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from qa import lexicon, text
from qa.facts import Token
from qa.types import Evidence

_MARK = re.compile(r"[“”\"«»„]")
_CUTS = re.compile(r"\s*(?:\.{3}|…|\[[^\]]*\])\s*")
_EDGES = " .,;:!?'\"‘’“”-–—"
_WINDOW = 4  # how far from "said" its speaker stands, in words
_ALIKE = 0.6  # share of a quotation's words from which on it is an altered one, not an invented one


def quoted(statement: str) -> Iterator[str]:
    """Yield what stands between quotation marks, without the marks; one that is missing stands at the end."""
    opened: int | None = 0 if _closes_first(statement) else None
    for mark in _MARK.finditer(statement):
        if opened is None:
            opened = mark.end()
        else:
            yield from _worded(statement[opened : mark.start()])
            opened = None
    if opened is not None:
        yield from _worded(statement[opened:])


def _worded(words: str) -> Iterator[str]:
    if words.strip(_EDGES):
        yield words.strip()


def _closes_first(statement: str) -> bool:
    """Tell whether the first mark ends a quotation that began before the statement."""
    mark = _MARK.search(statement)
    if mark is None or mark.start() == 0:
        return False
    return mark[0] in "”»" or (
        mark[0] == '"' and not statement[mark.start() - 1].isspace() and statement[mark.start() - 1] not in "(-—–'‘"
    )


def wrong_quotes(statement: str, cited: Sequence[Evidence], others: Sequence[Evidence]) -> Iterator[str]:
    """Yield a reason for each quotation that is not word for word in a cited sentence.

    Only white space and the form of quotation marks and dashes may differ, and the full stop at its end.
    """
    for quote in quoted(statement):
        if any(_holds(one.text, quote) for one in cited):
            continue
        shown = _short(quote)
        if any(_holds(one.text, quote) for one in others) or any(_holds(one.context, quote) for one in cited):
            yield f"said in another sentence: {shown}"
        elif any(_likeness(quote, one.text) >= _ALIKE for one in cited):
            yield f"quotation altered: {shown}"
        else:
            yield f"quotation not in cited text: {shown}"


def _holds(words: str, quote: str) -> bool:
    """Tell whether the parts of a quotation, cut at "..." and [brackets], stand in the words, in order."""
    plain, at = _plain(words), 0
    for part in (_plain(one).strip(_EDGES) for one in _CUTS.split(quote)):
        found = re.compile(rf"(?<!\w){re.escape(part)}(?!\w)").search(plain, at) if part else None
        if part and found is None:
            return False
        at = found.end() if found else at
    return True


def _plain(words: str) -> str:
    """Return the words with plain marks and single spaces, their case kept."""
    kept = [char if char.isascii() or char.isalpha() else text.fold(char) or " " for char in words]
    return " ".join("".join(kept).split())


def _likeness(quote: str, words: str) -> float:
    own = text.stem_set(quote)
    return len(own & text.stem_set(words)) / len(own) if own else 0.0


def _short(quote: str) -> str:
    return quote if len(quote) <= 60 else quote[:57].rstrip() + "..."


def speakers(words: Sequence[Token]) -> set[str]:
    """Return the names that stand beside a word of speaking, in front of it or behind."""
    found: set[str] = set()
    for at, token in enumerate(words):
        if token.bare in lexicon.SPEAKING:
            beside = [*reversed(words[max(0, at - _WINDOW) : at]), *words[at + 1 : at + 1 + _WINDOW]]
            found |= {one.key for one in beside if one.kind == "name"}
    return found


def speaks(words: Sequence[Token]) -> set[str]:
    """Return the names that a text clearly has speak: right in front of "said", or right behind it."""
    found: set[str] = set()
    for at, token in enumerate(words):
        if token.bare not in lexicon.SPEAKING:
            continue
        if at and words[at - 1].kind == "name":
            found.add(words[at - 1].key)
        elif (
            at + 1 < len(words)
            and words[at + 1].kind == "name"
            and (not at or words[at - 1].bare not in lexicon.PRONOUNS)
        ):
            run = at + 1
            while run < len(words) and words[run].kind == "name":
                found.add(words[run].key)
                run += 1
    return found
