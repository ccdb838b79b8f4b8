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
_NUMBER_WORDS = frozenset(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion dozen"
    " no not never first second third half quarter double twice".split()
)


def collapse(hits: Sequence[Hit]) -> list[Hit]:
    """Fold each hit whose every sentence stands in a better hit of another article into that one."""
    kept: list[Hit] = []
    said: dict[str, tuple[set[tuple[str, str]], set[str]]] = {}  # article id: word pairs and numbers of its kept hits
    for hit in hits:
        original = next((one for one in kept if _repeats(hit, one.source, said[one.source.article_id])), None)
        if original is not None:
            place = kept.index(original)
            kept[place] = replace(original, reprints=_with(original.reprints, hit.source))
            continue
        pairs, numbers = said.setdefault(hit.source.article_id, (set(), set()))
        words = text.words(hit.text)
        pairs |= set(pairwise(words))
        numbers |= _numbers(words)
        kept.append(hit)
    return kept


def _repeats(hit: Hit, source: Source, said: tuple[set[tuple[str, str]], set[str]]) -> bool:
    if hit.source.article_id == source.article_id:
        return False
    compared = False
    for span in hit.sentences:
        words = text.words(hit.text[span.start - hit.span.start : span.end - hit.span.start])
        pairs = list(pairwise(words))
        if not pairs:
            continue
        if sum(pair in said[0] for pair in pairs) < _SHARED * len(pairs) or not _numbers(words) <= said[1]:
            return False
        compared = True
    return compared


def _numbers(words: Sequence[str]) -> set[str]:
    return {word for word in words if word in _NUMBER_WORDS or any(char.isdigit() for char in word)}


def _with(reprints: tuple[Source, ...], source: Source) -> tuple[Source, ...]:
    known = {one.article_id for one in reprints}
    return reprints if source.article_id in known else (*reprints, source)
