"""Metrics of answer text: exact match, token F1, containment of gold answers, nugget recall. Pure."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence

_MARKER = re.compile(r"\[(\d+)\]")
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*\w*|\w+")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
# Scripts written without spaces (Thai to Khmer, kana, CJK): there a word has no visible boundary.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


def marker_numbers(answer: str) -> list[int]:
    """Return the numbers of the `[n]` markers in order, repeats included."""
    return [int(number) for number in _MARKER.findall(answer)]


def without_markers(answer: str) -> str:
    """Return the answer without citation markers, and without the space that they leave before punctuation."""
    return re.sub(r"\s+([.,;:!?])", r"\1", re.sub(r"\s+", " ", _MARKER.sub("", answer))).strip()


def squad_normalise(words: str) -> str:
    """Return the words in lower case, without ASCII punctuation and articles. Source: SQuAD's evaluate-v2.0.py."""
    return " ".join(_ARTICLES.sub(" ", words.lower().translate(_PUNCTUATION)).split())


def exact_match(answer_text: str, answers: Sequence[str]) -> float:
    """Return 1 if the normalised words equal those of a gold answer. Source: SQuAD (Rajpurkar et al., 2016)."""
    return max((float(squad_normalise(answer_text) == squad_normalise(answer)) for answer in answers), default=0.0)


def token_f1(answer_text: str, answers: Sequence[str]) -> float:
    """Return the best F1 of the words (a multiset) of a gold answer. Source: SQuAD (Rajpurkar et al., 2016)."""
    return max((_token_f1(answer_text, answer) for answer in answers), default=0.0)


def _token_f1(answer_text: str, answer: str) -> float:
    predicted, gold = squad_normalise(answer_text).split(), squad_normalise(answer).split()
    if not predicted or not gold:  # as in the official v2.0 script: two empty answers match
        return float(predicted == gold)
    common = (Counter(predicted) & Counter(gold)).total()
    return 2 * common / (len(predicted) + len(gold))


def plain_words(words: str) -> str:
    """Return the words case-folded and joined by single spaces; numbers keep decimals but no thousands separators."""
    folded = unicodedata.normalize("NFKC", words).casefold()
    return " ".join(_THOUSANDS.sub("", token) for token in _TOKEN.findall(folded))


def contains(words: str, answers: Sequence[str]) -> bool:
    """Tell whether one of the answers occurs in the words at word boundaries, ignoring case and punctuation."""
    plain = plain_words(words)
    return any(_phrase_pattern(answer).search(plain) for answer in map(plain_words, answers) if answer)


def contains_outside(words: str, answer: str, others: Sequence[str]) -> bool:
    """Tell whether an answer occurs in the words outside any other answer: "all-girls" does not contain "girls"."""
    plain, answer = plain_words(words), plain_words(answer)
    enclosing = [other for other in map(plain_words, others) if contains(other, [answer])]
    for other in sorted(enclosing, key=len, reverse=True):
        plain = _phrase_pattern(other).sub("\0", plain)  # a non-word, so that the words around it are not adjacent
    return bool(answer) and _phrase_pattern(answer).search(plain) is not None


def nugget_recall(answer_text: str, nuggets: Sequence[Sequence[str]]) -> float:
    """Return the share of the nuggets that the answer contains, each in one of its accepted spellings.

    Source: nugget recall of long answers (Voorhees, 2003), with string matching in place of assessors.
    """
    if not nuggets:
        raise ValueError("no nuggets to look for")
    return sum(contains(answer_text, spellings) for spellings in nuggets) / len(nuggets)


def _phrase_pattern(answer: str) -> re.Pattern[str]:
    before = "" if _UNSPACED.match(answer[0]) else r"(?<!\S)"
    after = "" if _UNSPACED.match(answer[-1]) else r"(?!\S)"
    return re.compile(before + re.escape(answer) + after)


def answer_contains(answer_text: str, answers: Sequence[str]) -> float:
    """Return 1 if the answer contains a gold answer at word boundaries, else 0.

    Source: the "accuracy" of open-domain QA (a gold string in the output), with boundaries so that 40 is not in 400.
    """
    return float(contains(answer_text, answers))
