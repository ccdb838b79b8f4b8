"""Check the quotations of a statement, and find who speaks in a text. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from qa.text import english, stemming
from qa.text.english import NAME_TITLES
from qa.types import Evidence, Source
from qa.verification import lexicon
from qa.verification.tokens import Token, tokenise

_CLOSING = {"“": "”", "„": "“”", "«": "»", "»": "«", "「": "」", "『": "』", '"': '"', "”": "”"}
_MARK = re.compile(r"[“”\"«»„「」『』]")
_CUTS = re.compile(r"\s*(?:\.{3}|…|\[[^\]]*\])\s*")
_EDGES = " .,;:!?'\"‘’“”-–—"
_FAR_WINDOW = 9
_ADDRESSING = frozenset("tell tells told ask asks asked warn warns warned report reports reported".split())
_WINDOW = 4  # how far from "said" its speaker may be, in words
_ALTERED = 0.5  # a quotation that shares so many of its words with the cited text is altered, not invented
_ADJACENT = 3  # characters at most between two sentences that follow each other
_UNSPACED = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff]"
)  # scripts without spaces between words


def find_quotations(statement: str) -> Iterator[str]:
    """Yield the text between quotation marks, without the marks; a missing closing mark counts as at the end."""
    opened: int | None = 0 if _begins_inside_quotation(statement) else None
    closing = ""  # any mark closes
    for mark in _MARK.finditer(statement):
        if opened is None:
            opened, closing = mark.end(), _CLOSING.get(mark[0], "")
            if not any(char in statement[opened:] for char in closing):
                closing = ""
        elif not closing or mark[0] in closing:  # another kind of mark is a quotation inside the quotation
            yield from _unless_blank(statement[opened : mark.start()])
            opened = None
    if opened is not None:
        yield from _unless_blank(statement[opened:])


def _unless_blank(words: str) -> Iterator[str]:
    if words.strip(_EDGES):
        yield words.strip()


def _begins_inside_quotation(statement: str) -> bool:
    """Tell whether the first mark ends a quotation that began before the statement."""
    mark = _MARK.search(statement)
    if mark is None or mark.start() == 0:
        return False
    return mark[0] in "”»」』" or (
        mark[0] == '"' and not statement[mark.start() - 1].isspace() and statement[mark.start() - 1] not in "(-—–'‘"
    )


def find_wrong_quotations(
    statement: str, cited: Sequence[Evidence], others: Sequence[Evidence], retrieved: Mapping[Source, str]
) -> Iterator[str]:
    """Yield a reason for each quotation that is not word for word in the cited sentences.

    Only white space, the form of quotation marks and dashes, and the full stop at the end may differ.
    """
    passages = _passages(cited)
    for quote in find_quotations(statement):
        if any(_contains(passage, quote) for passage in passages):
            continue
        shown, cited_ids = _shortened(quote), {sentence.source.article_id for sentence in cited}
        holding = {
            sentence.source.article_id: sentence.source for sentence in others if _contains(sentence.text, quote)
        }
        holding |= {source.article_id: source for source, passage in retrieved.items() if _contains(passage, quote)}
        elsewhere = [source for article_id, source in holding.items() if article_id not in cited_ids]
        if cited_ids & holding.keys() or any(_contains(sentence.context, quote) for sentence in cited):
            yield f"quote is in another sentence of the article: {shown}"
        elif elsewhere:
            origin = ", ".join(filter(None, (elsewhere[0].article_id, elsewhere[0].outlet)))
            yield f"quote is in another article ({origin}): {shown}"
        elif any(_word_overlap(quote, passage) >= _ALTERED for passage in passages):
            yield f"quote altered: {shown}"
        else:
            yield f"quote not in any source: {shown}"


def quotes_verbatim(statement: str, cited: Sequence[Evidence]) -> bool:
    """Tell whether a statement quotes the cited sentences, each time verbatim: then only the speaker can be wrong."""
    quotes, passages = list(find_quotations(statement)), _passages(cited)
    return bool(quotes) and all(any(_contains(passage, quote) for passage in passages) for quote in quotes)


def without_quotations(statement: str) -> str:
    """Return the statement without what it quotes."""
    for quote in find_quotations(statement):
        statement = statement.replace(quote, " ")
    return statement


def _passages(cited: Sequence[Evidence]) -> list[str]:
    """Return the cited sentences, joined where one follows the other: a quotation may span two."""
    passages: list[str] = []
    previous: Evidence | None = None
    for sentence in sorted(
        cited, key=lambda sentence: (sentence.source.article_id, sentence.source.version, sentence.span)
    ):
        follows = previous is not None and previous.source == sentence.source
        if previous is not None and follows and 0 <= sentence.span.start - previous.span.end <= _ADJACENT:
            passages[-1] += " " + sentence.text
        else:
            passages.append(sentence.text)
        previous = sentence
    return passages


def _contains(passage: str, quote: str) -> bool:
    """Tell whether the passage has the parts of a quotation, cut at "..." and [brackets], in order.

    What is left out between them may not be a negation: "It is ... safe".
    """
    plain, at = _with_plain_marks(passage), 0
    for part in (_with_plain_marks(piece).strip(_EDGES) for piece in _CUTS.split(quote)):
        match = re.compile(_word_pattern(part)).search(plain, at) if part else None
        if part and (match is None or (at and _has_negation(plain[at : match.start()]))):
            return False
        at = match.end() if match else at
    return True


def _has_negation(words: str) -> bool:
    return any(token.kind == "negation" for token in tokenise(words))


def _word_pattern(part: str) -> str:
    before = "" if _UNSPACED.match(part[0]) else r"(?<!\w)"
    after = "" if _UNSPACED.match(part[-1]) else r"(?!\w)"
    return f"{before}(?i:{re.escape(part[0])}){re.escape(part[1:])}{after}"  # a quotation may open with a capital


def _with_plain_marks(words: str) -> str:
    """Return the words with ASCII punctuation and single spaces, their case kept."""
    composed = unicodedata.normalize("NFC", words)  # or else a combining accent would end its word
    kept = [
        char if char.isascii() or char.isalpha() or unicodedata.combining(char) else stemming.fold(char) or " "
        for char in composed
    ]
    return " ".join("".join(kept).split())


def _word_overlap(quote: str, passage: str) -> float:
    own = stemming.stem_set(quote)
    return len(own & stemming.stem_set(passage)) / len(own) if own else 0.0


def _shortened(quote: str) -> str:
    return quote if len(quote) <= 60 else quote[:57].rstrip() + "..."


def find_possible_speakers(words: Sequence[Token]) -> set[str]:
    """Return the names near a word of speech, before or after it; "according to" may have its name far behind."""
    names: set[str] = set()
    for at, token in enumerate(words):
        if token.bare in lexicon.SPEECH_WORDS:
            after = at + 1 + (_FAR_WINDOW if token.bare == "according" else _WINDOW)
            end = next((place for place in range(at + 2, len(words)) if words[place].opens_sentence), len(words))
            while after < end and words[after - 1].kind == words[after].kind == "name":
                after += 1  # the whole name
            beside = [*reversed(words[max(0, at - _WINDOW) : at]), *words[at + 1 : min(after, end)]]
            names |= {word.key for word in beside if word.kind == "name"}
    return names


def has_unnamed_speaker(words: Sequence[Token]) -> bool:
    """Tell whether the text has "he said" or "the operator said": the name is in a sentence before, or in this one."""
    described = not find_speakers(words)
    return any(
        after.bare in lexicon.SPEECH_WORDS
        and (
            before.bare in ("he", "she", "they") or before.bare in NAME_TITLES or (described and before.kind == "word")
        )
        for before, after in pairwise(words)
    )


def find_speakers(words: Sequence[Token]) -> set[str]:
    """Return the names that clearly speak: directly before "said", or directly after it."""
    names: set[str] = set()
    for at, token in enumerate(words):
        if token.bare not in lexicon.SPEECH_WORDS:
            continue
        if at and words[at - 1].kind == "name" and token.bare != "according":
            names.add(words[at - 1].key)
        elif (
            token.bare not in _ADDRESSING
            and at + 1 < len(words)
            and words[at + 1].kind == "name"
            and (not at or words[at - 1].bare not in english.PRONOUNS)
        ):
            position = at + 1
            while position < len(words) and words[position].kind == "name":
                names.add(words[position].key)
                position += 1
    return names
