"""Reprints of one wire story count once: find chunks and sentences that say the same in the same words. Pure.

Compared at question time among the few chunks that were found, so nothing has to be stored or kept up to date. A
reprint that changes a number is no reprint of that sentence: such a chunk is kept, because the change is the news.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from qa import text
from qa.types import Hit, Source

_SHARED = 0.8  # the share of a sentence's word pairs that must be found in the other article
_TELLING_WORDS = frozenset(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion dozen"
    " no not never without first second third half quarter double twice cannot cant dont doesnt didnt isnt arent wasnt"
    " werent hasnt havent hadnt wont wouldnt couldnt shouldnt"
    " monday tuesday wednesday thursday friday saturday sunday january february march april june july august september"
    " october november december".split()
)

_Said = tuple[set[tuple[str, str]], set[str]]


def collapse(hits: Sequence[Hit]) -> list[Hit]:
    """Fold each hit whose every sentence stands in a better hit of another article into that one."""
    kept: list[Hit] = []
    said: dict[str, _Said] = {}  # by article id: word pairs and numbers of its kept hits
    for hit in hits:
        original = next((one for one in kept if _repeats(hit, one.source, said[one.source.article_id])), None)
        if original is not None:
            place = kept.index(original)
            kept[place] = replace(original, reprints=_with(original.reprints, hit.source))
            continue
        pairs, numbers = said.setdefault(hit.source.article_id, (set(), set()))
        words = text.words(hit.text)
        pairs |= set(pairwise(words))
        numbers |= _telling(words)
        kept.append(hit)
    return kept


def _repeats(hit: Hit, source: Source, said: _Said) -> bool:
    if hit.source.article_id == source.article_id:
        return False
    compared = False
    headline = text.words(hit.source.title or "")
    for span in hit.sentences:
        words = text.words(hit.text[span.start - hit.span.start : span.end - hit.span.start])
        if not _telling(words) <= said[1]:
            return False
        pairs = list(pairwise(words))
        if not pairs or words == headline:  # each outlet writes its own headline
            continue
        new = [pair for pair in pairs if pair not in said[0]]
        if len(new) > (1 - _SHARED) * len(pairs) or any(_skips(pair, said) for pair in new):
            return False
        compared = True
    return compared


def _skips(pair: tuple[str, str], said: _Said) -> bool:
    """Tell whether two words stand side by side because a number or a "not" between them was left out."""
    return any((pair[0], word) in said[0] and (word, pair[1]) in said[0] for word in said[1])


def _telling(words: Sequence[str]) -> set[str]:
    return {word for word in words if word in _TELLING_WORDS or any(char.isdigit() for char in word)}


def _with(reprints: tuple[Source, ...], source: Source) -> tuple[Source, ...]:
    known = {one.article_id for one in reprints}
    return reprints if source.article_id in known else (*reprints, source)
