"""Reprints of one wire story count once: find chunks and sentences that say the same in the same words. Pure.

Compared at question time among the few chunks that were found, so nothing has to be stored or kept up to date. A
reprint that changes a number is no reprint of that sentence: such a chunk is kept, because the change is the news.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from qa.text import stemming
from qa.text.english import CAPITALISED, MARKS, MONTHS, ONES, ORDINALS, SCALES, SMALL, TENS, WEEKDAYS
from qa.types import Hit, Source

_SHARED = 0.8  # the share of a sentence's word pairs that must be found in the other article
_DAYS = {name.lower() for name in (*WEEKDAYS, *MONTHS) if name != "May"}  # in small letters nearly always a verb
_TELLING_WORDS = frozenset(
    "no not never without half quarter double twice dozen cannot cant dont doesnt didnt isnt arent wasnt werent hasnt"
    " havent hadnt wont wouldnt couldnt shouldnt".split()
).union(ONES, TENS, ORDINALS, SCALES, _DAYS)

# Capitals inside a sentence, its line ends included; a headline's or a first word's say nothing.
_INSIDE = f"[{SMALL}{MARKS},;\u2600-\u27bf\ufe0f\U0001f300-\U0001faff]"  # or behind an emoji
_NAME = re.compile(rf"(?:(?<={_INSIDE}\s)|(?<={_INSIDE}\r\n)){CAPITALISED}")

_Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Passage:
    """What is compared of one chunk: its words, each with its neighbour, the telling ones, and those of its names."""

    words: frozenset[str]
    pairs: frozenset[_Pair]
    telling: frozenset[str]
    names: frozenset[str]


class _Said:
    """What the kept hits of one article say: neighbouring words, numbers and other telling words."""

    def __init__(self) -> None:
        self.pairs: set[_Pair] = set()
        self.telling: set[str] = set()
        self.words: set[str] = set()

    def add(self, passage: _Passage) -> None:
        self.pairs |= passage.pairs
        self.telling |= passage.telling
        self.words |= passage.words


def collapse(hits: Sequence[Hit]) -> list[Hit]:
    """Fold each hit whose every sentence stands in a better hit of another article into that one."""
    kept: list[Hit] = []
    said: dict[str, _Said] = {}  # by article id
    first: dict[str, int] = {}  # the place in `kept` of each article's best hit
    for hit in hits:
        passage = _passage(hit.text)
        original = _original(hit, passage, said)
        if original is not None:
            place = first[original]
            kept[place] = replace(kept[place], reprints=_with(kept[place].reprints, hit.source))
            continue
        said.setdefault(hit.source.article_id, _Said()).add(passage)
        first.setdefault(hit.source.article_id, len(kept))
        kept.append(hit)
    return kept


# The same chunks come back with each question about a story, and reading them was a quarter of the search.
@lru_cache(maxsize=256)  # 28 KB each
def _passage(chunk: str) -> _Passage:
    words = stemming.words(chunk)
    names = frozenset(word for name in _NAME.findall(chunk) for word in stemming.words(name))
    return _Passage(frozenset(words), frozenset(pairwise(words)), frozenset(_telling(words)), names)


def _original(hit: Hit, passage: _Passage, said: dict[str, _Said]) -> str | None:
    """Return the article that says all that the hit says, if there is one."""
    sentences: list[list[str]] | None = None
    for article_id, one in said.items():
        if article_id == hit.source.article_id or not passage.names <= one.words:
            continue
        # Most hits share next to nothing: half of the pairs in all is less than what each sentence must share.
        if 2 * len(passage.pairs & one.pairs) < len(passage.pairs):
            continue
        if sentences is None:
            sentences = [
                stemming.words(hit.text[at.start - hit.span.start : at.end - hit.span.start]) for at in hit.sentences
            ]
        if _repeats(sentences, stemming.words(hit.source.title or ""), one):
            return article_id
    return None


def _repeats(sentences: Sequence[Sequence[str]], headline: Sequence[str], said: _Said) -> bool:
    compared = False
    for words in sentences:
        if not _telling(words) <= said.telling:
            return False
        pairs = list(pairwise(words))
        if not pairs or words == headline:  # each outlet writes its own headline
            continue
        new = [pair for pair in pairs if pair not in said.pairs]
        if len(new) > (1 - _SHARED) * len(pairs) or any(_skips(pair, said) for pair in new):
            return False
        if pairs[-1] in new:  # "a strike over pay", "a strike over hours": a sentence ends with its news
            return False
        compared = True
    return compared


def _skips(pair: _Pair, said: _Said) -> bool:
    """Tell whether two words stand side by side because a number or a "not" between them was left out."""
    return any((pair[0], word) in said.pairs and (word, pair[1]) in said.pairs for word in said.telling)


def _telling(words: Sequence[str]) -> set[str]:
    return {word for word in words if word in _TELLING_WORDS or (not word.isalpha() and any(map(str.isdigit, word)))}


def _with(reprints: tuple[Source, ...], source: Source) -> tuple[Source, ...]:
    known = {one.article_id for one in reprints}
    return reprints if source.article_id in known else (*reprints, source)
