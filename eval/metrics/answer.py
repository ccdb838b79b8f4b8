"""Metrics of the words of an answer. Pure."""

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
# Scripts written without spaces: Thai to Khmer, kana, CJK. There a word has no bound that can be seen.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


def marker_numbers(answer: str) -> list[int]:
    """Return the numbers of the `[n]` markers in order, repeats included."""
    return [int(number) for number in _MARKER.findall(answer)]


def without_markers(answer: str) -> str:
    """Return the answer as a reader hears it: no markers, no space left before a full stop."""
    return re.sub(r"\s+([.,;:!?])", r"\1", re.sub(r"\s+", " ", _MARKER.sub("", answer))).strip()


def squad_normalise(words: str) -> str:
    """Return the words lowered, without ASCII punctuation and English articles. Source: SQuAD's evaluate-v2.0.py."""
    return " ".join(_ARTICLES.sub(" ", words.lower().translate(_PUNCTUATION)).split())


def exact_match(said: str, answers: Sequence[str]) -> float:
    """Return 1 if the normalised words equal those of a gold answer. Source: SQuAD (Rajpurkar et al., 2016)."""
    return max((float(squad_normalise(said) == squad_normalise(one)) for one in answers), default=0.0)


def token_f1(said: str, answers: Sequence[str]) -> float:
    """Return the best F1 of shared words, counted as often as they stand. Source: SQuAD (Rajpurkar et al., 2016)."""
    return max((_token_f1(said, one) for one in answers), default=0.0)


def _token_f1(said: str, answer: str) -> float:
    ours, gold = squad_normalise(said).split(), squad_normalise(answer).split()
    if not ours or not gold:  # the official script of v2.0: no words against no words is right
        return float(ours == gold)
    both = (Counter(ours) & Counter(gold)).total()
    return 2 * both / (len(ours) + len(gold))


def plain_words(words: str) -> str:
    """Return the words folded and spaced singly; a number keeps its decimals and loses its thousands separators."""
    folded = unicodedata.normalize("NFKC", words).casefold()
    return " ".join(_THOUSANDS.sub("", token) for token in _TOKEN.findall(folded))


def contains(words: str, answers: Sequence[str]) -> bool:
    """Tell whether one of the answers stands in the words, whole, whatever the case and punctuation."""
    plain = plain_words(words)
    return any(_whole(answer).search(plain) for answer in map(plain_words, answers) if answer)


def contains_apart(words: str, answer: str, others: Sequence[str]) -> bool:
    """Tell whether an answer stands in the words outside of the other answers: "girls" is not said by "all-girls"."""
    plain, answer = plain_words(words), plain_words(answer)
    around = [one for one in map(plain_words, others) if contains(one, [answer])]
    for one in sorted(around, key=len, reverse=True):
        plain = _whole(one).sub("\0", plain)  # no word, so that those beside it do not become neighbours
    return bool(answer) and _whole(answer).search(plain) is not None


def nugget_recall(said: str, nuggets: Sequence[Sequence[str]]) -> float:
    """Return the share of the nuggets that are said, each in one of the ways that it may be written.

    Source: nugget recall of long answers (Voorhees, 2003), with strings in the place of assessors.
    """
    if not nuggets:
        raise ValueError("no nuggets to look for")
    return sum(contains(said, one) for one in nuggets) / len(nuggets)


def _whole(answer: str) -> re.Pattern[str]:
    before = "" if _UNSPACED.match(answer[0]) else r"(?<!\S)"
    after = "" if _UNSPACED.match(answer[-1]) else r"(?!\S)"
    return re.compile(before + re.escape(answer) + after)


def answer_contains(said: str, answers: Sequence[str]) -> float:
    """Return 1 if a gold answer stands in what was said, at word bounds, else 0.

    Source: the "accuracy" of open-domain QA (a gold string in the output), with bounds so that 40 is not in 400.
    """
    return float(contains(said, answers))
