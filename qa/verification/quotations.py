"""Check what a statement puts in quotation marks, and whom it says to have spoken. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from qa.text import english, stemming
from qa.types import Evidence, Source
from qa.verification import lexicon
from qa.verification.tokens import Token, tokens

_CLOSING = {"“": "”", "„": "“”", "«": "»", "»": "«", "「": "」", "『": "』", '"': '"', "”": "”"}
_MARK = re.compile(r"[“”\"«»„「」『』]")
_CUTS = re.compile(r"\s*(?:\.{3}|…|\[[^\]]*\])\s*")
_EDGES = " .,;:!?'\"‘’“”-–—"
_WINDOW = 4  # how far from "said" its speaker stands, in words
_ALIKE = 0.5  # share of a quotation's words from which on it is an altered one, not an invented one
_ADJACENT = 3  # characters between two sentences that follow each other
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff]")  # no edge of a word shows there


def quoted(statement: str) -> Iterator[str]:
    """Yield what stands between quotation marks, without the marks; one that is missing stands at the end."""
    opened: int | None = 0 if _closes_first(statement) else None
    closing = ""  # any mark
    for mark in _MARK.finditer(statement):
        if opened is None:
            opened, closing = mark.end(), _CLOSING.get(mark[0], "")
            if not any(char in statement[opened:] for char in closing):
                closing = ""
        elif not closing or mark[0] in closing:  # another kind of mark is a quotation inside the quotation
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
    return mark[0] in "”»」』" or (
        mark[0] == '"' and not statement[mark.start() - 1].isspace() and statement[mark.start() - 1] not in "(-—–'‘"
    )


def wrong_quotes(
    statement: str, cited: Sequence[Evidence], others: Sequence[Evidence], retrieved: Mapping[Source, str]
) -> Iterator[str]:
    """Yield a reason for each quotation that is not word for word in the cited sentences.

    Only white space and the form of quotation marks and dashes may differ, and the full stop at its end.
    """
    passages = _passages(cited)
    for quote in quoted(statement):
        if any(_holds(words, quote) for words in passages):
            continue
        shown, at_home = _short(quote), {one.source.article_id for one in cited}
        holding = {one.source.article_id: one.source for one in others if _holds(one.text, quote)}
        holding |= {source.article_id: source for source, words in retrieved.items() if _holds(words, quote)}
        abroad = [source for article_id, source in holding.items() if article_id not in at_home]
        if at_home & holding.keys() or any(_holds(one.context, quote) for one in cited):
            yield f"quote is in another sentence of the article: {shown}"
        elif abroad:
            named = ", ".join(filter(None, (abroad[0].article_id, abroad[0].outlet)))
            yield f"quote is in another article ({named}): {shown}"
        elif any(_likeness(quote, words) >= _ALIKE for words in passages):
            yield f"quote altered: {shown}"
        else:
            yield f"quote not in any source: {shown}"


def holds_quotes(statement: str, cited: Sequence[Evidence]) -> bool:
    """Tell whether a statement quotes and the cited sentences have each quotation: only its speaker can be wrong."""
    quotes, passages = list(quoted(statement)), _passages(cited)
    return bool(quotes) and all(any(_holds(words, quote) for words in passages) for quote in quotes)


def outside(statement: str) -> str:
    """Return the statement without what it quotes."""
    for quote in quoted(statement):
        statement = statement.replace(quote, " ")
    return statement


def _passages(cited: Sequence[Evidence]) -> list[str]:
    """Return the cited sentences, those that follow each other as one: a quotation may span two."""
    found: list[str] = []
    before: Evidence | None = None
    for one in sorted(cited, key=lambda one: (one.source.article_id, one.source.version, one.span)):
        follows = before is not None and before.source == one.source
        if before is not None and follows and 0 <= one.span.start - before.span.end <= _ADJACENT:
            found[-1] += " " + one.text
        else:
            found.append(one.text)
        before = one
    return found


def _holds(words: str, quote: str) -> bool:
    """Tell whether the parts of a quotation, cut at "..." and [brackets], stand in the words, in order.

    What is left out between them may not deny: "It is ... safe".
    """
    plain, at = _plain(words), 0
    for part in (_plain(one).strip(_EDGES) for one in _CUTS.split(quote)):
        found = re.compile(_bounded(part)).search(plain, at) if part else None
        if part and (found is None or (at and _denies(plain[at : found.start()]))):
            return False
        at = found.end() if found else at
    return True


def _denies(words: str) -> bool:
    return any(token.kind == "negation" for token in tokens(words))


def _bounded(part: str) -> str:
    before = "" if _UNSPACED.match(part[0]) else r"(?<!\w)"
    after = "" if _UNSPACED.match(part[-1]) else r"(?!\w)"
    return f"{before}(?i:{re.escape(part[0])}){re.escape(part[1:])}{after}"  # a quotation may open with a capital


def _plain(words: str) -> str:
    """Return the words with plain marks and single spaces, their case kept."""
    composed = unicodedata.normalize("NFC", words)  # or else an accent would end its word
    kept = [
        char if char.isascii() or char.isalpha() or unicodedata.combining(char) else stemming.fold(char) or " "
        for char in composed
    ]
    return " ".join("".join(kept).split())


def _likeness(quote: str, words: str) -> float:
    own = stemming.stem_set(quote)
    return len(own & stemming.stem_set(words)) / len(own) if own else 0.0


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


def pronoun_speaks(words: Sequence[Token]) -> bool:
    """Tell whether "he said" stands there, so that the speaker's name stands before the sentence."""
    return any(
        before.bare in ("he", "she", "they") and after.bare in lexicon.SPEAKING for before, after in pairwise(words)
    )


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
            and (not at or words[at - 1].bare not in english.PRONOUNS)
        ):
            run = at + 1
            while run < len(words) and words[run].kind == "name":
                found.add(words[run].key)
                run += 1
    return found
