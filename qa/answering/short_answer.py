"""The short answer: the words of a cited sentence that the reader takes for the answer, cut at whole words. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from qa.query.analysis import AnalysedQuestion, asks_yes_or_no
from qa.text.english import CAPITALISED, CJK, CURRENCY_SIGNS, MONTHS, WEEKDAYS
from qa.text.sentences import inside_grapheme
from qa.types import Evidence, Reading, Span

# The least share of a reading that is shown: below it the reader sees several answers in the sentence. Not fitted yet.
LEAST_SHARE: Final = 0.3
MAX_CLAUSE_WORDS: Final = 30  # a longer sentence is no short answer to "is it so?"

_UNSPACED = re.compile(f"[{CJK}\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")  # scripts that put no space between words
_APOSTROPHES = "'’"
_PAIRS = {"(": ")", "[": "]", "{": "}", "“": "”", "‘": "’", "«": "»", "„": "“”", "‹": "›", "「": "」", "『": "』"}
_CLOSERS = frozenset("".join(_PAIRS.values()))
_LOOSE = frozenset(",;:.!?…–—-·•、，。；：！？")  # nothing of an answer at its ends
_SIGNS = frozenset(".-−–+")  # before a digit these belong to the number
_INITIALISM = re.compile(r"(?<![^\W_])(?:[^\W\d_]\.){2,}")
_POSSESSIVE = re.compile(r"[’']s(?![^\W_])")


def find(question: AnalysedQuestion, evidence: Evidence, reading: Reading | None) -> Span | None:
    """Return the words that answer as a span of the article; None where the reader sees none, or several.

    The answer to a yes-no question is the whole sentence without its full stop, if it is short.
    """
    if reading is None:
        return None
    if asks_yes_or_no(question.text):
        found = _clause(evidence.text)
    elif reading.start < reading.end and reading.share >= LEAST_SHARE:
        words = whole_words(evidence.text, reading.start, reading.end)
        found = None if words is None else whole_name(evidence.text, words)
    else:
        return None
    return None if found is None else Span(evidence.span.start + found.start, evidence.span.start + found.end)


def _clause(text: str) -> Span | None:
    if len(text.split()) > MAX_CLAUSE_WORDS:
        return None
    end = len(text.rstrip())
    if text[:end].endswith(".") and not text[:end].endswith("..") and not _is_initialism(text, end):
        end -= 1
    start = len(text) - len(text.lstrip())
    return Span(start, end) if start < end else None


def whole_words(text: str, start: int, end: int) -> Span | None:
    """Return `text[start:end]` widened to whole words, numbers and graphemes, without loose punctuation at its ends."""
    start, end = max(0, start), min(end, len(text))
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    if start >= end:
        return None
    while _is_inside(text, start):
        start -= 1
    while _is_inside(text, end):
        end += 1
    start, end = _trim(text, start, _with_closer(text, start, end))
    return Span(start, end) if start < end else None


_DAYS = frozenset((*MONTHS, *WEEKDAYS))
_NAME_GOES_ON = re.compile(rf" {CAPITALISED}")
_NAME_BEGINS = re.compile(rf"(?<=[^.!?:;\"“'‘] ){CAPITALISED} $")  # not the first word of a sentence


def whole_name(text: str, span: Span) -> Span:
    """Widen words that end or begin inside a name by the rest of it: of a rare name the reader may see only a part."""
    start, end = span.start, span.end
    if re.fullmatch(CAPITALISED, re.split(r"\s", text[start:end])[-1]):
        while found := _NAME_GOES_ON.match(text, end):
            end = found.end()
    if re.match(CAPITALISED, text[start:end]):
        while (found := _NAME_BEGINS.search(text[:start])) and found[0].strip() not in _DAYS:
            start = found.start()
    return Span(start, end)


def _is_inside(text: str, at: int) -> bool:
    """Tell whether a cut before `at` would be inside a grapheme, a word or a number."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if inside_grapheme(text, 0, at):
        return True
    if _is_letter(before) and _is_letter(after):
        return not (_UNSPACED.match(before) or _UNSPACED.match(after))
    earlier, later = text[at - 2 : at - 1], text[at + 1 : at + 2]
    if before.isdigit() and after in ".,:":
        return later.isdigit()
    if before in ".,:" and after.isdigit():
        return earlier.isdigit()
    if before in _APOSTROPHES and _is_letter(after):
        return _is_letter(earlier)
    if _is_letter(before) and after in _APOSTROPHES:
        return _is_letter(later) and not _POSSESSIVE.match(text, at)
    if before in CURRENCY_SIGNS or after == "%":
        return after.isdigit() or before.isdigit()
    return any(found.start() < at < found.end() for found in _INITIALISM.finditer(text))


def _is_initialism(text: str, end: int) -> bool:
    """Tell whether the text before `end` ends with initials, whose last full stop is theirs."""
    return any(found.end() == end for found in _INITIALISM.finditer(text))


def _is_letter(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char or " ").startswith("M")


def _with_closer(text: str, start: int, end: int) -> int:
    """Return the end after the bracket or quotation mark that closes one inside the words: "Kestrel (north)"."""
    inner, after = text[start + 1 : end], text[end : end + 1]
    is_open = any(
        after and after in closers and inner.count(opener) > sum(map(inner.count, closers))
        for opener, closers in _PAIRS.items()
    )
    return end + is_open


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and _is_loose_first(text, start, end) and not inside_grapheme(text + " ", start, start + 1):
        start += 1
    while start < end and _is_loose_last(text, start, end) and not inside_grapheme(text + " ", start, end - 1):
        end -= 1
    return start, end


def _is_loose_first(text: str, start: int, end: int) -> bool:
    first, rest = text[start], text[start + 1 : end]
    if first in _SIGNS and rest[:1].isdigit() and not text[start - 1 : start].isdigit():
        return False
    if first in _PAIRS:
        return not any(closer in rest for closer in _PAIRS[first])
    return first.isspace() or first in _LOOSE or first in _CLOSERS or (first in "\"'" and first not in rest)


def _is_loose_last(text: str, start: int, end: int) -> bool:
    last, rest = text[end - 1], text[start : end - 1]
    if last == "." and _is_initialism(text, end):
        return False
    if last in _CLOSERS:
        return not any(last in closers and opener in rest for opener, closers in _PAIRS.items())
    return last.isspace() or last in _LOOSE or last in _PAIRS or (last in "\"'" and last not in rest)
