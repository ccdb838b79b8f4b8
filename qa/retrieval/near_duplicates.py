"""Near-duplicate detection: fold reprints of one wire story, chunks that say the same in the same words. Pure.

The few chunks that a search found are compared at question time, so nothing has to be stored or kept up to date. A
chunk that changes a number or a name is not a near-duplicate: it is kept, because the change is the news.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from qa.query.analysis import is_content_word
from qa.text import stemming
from qa.text.english import CAPITALISED, MARKS, MONTHS, ONES, ORDINALS, SCALES, SMALL, TENS, WEEKDAYS
from qa.types import Hit, Source

_SHARED = 0.8  # the share of a sentence's word pairs that must be found in the other article
_DAYS = {name.lower() for name in (*WEEKDAYS, *MONTHS) if name != "May"}  # in small letters nearly always a verb
_NUMBER_WORDS = frozenset((*ONES, *TENS, *ORDINALS, *SCALES)) - {"one"}
_DISTINCTIVE_WORDS = frozenset(
    "no not never without half quarter double twice dozen cannot cant dont doesnt didnt isnt arent wasnt werent hasnt"
    " havent hadnt wont wouldnt couldnt shouldnt".split()
).union(ONES, TENS, ORDINALS, SCALES, _DAYS)

# Capitals inside a sentence, also across its line ends; in a headline or a first word they prove nothing.
_INSIDE = f"[{SMALL}{MARKS},;\u2600-\u27bf\ufe0f\U0001f300-\U0001faff]"  # or behind an emoji
_NAME = re.compile(rf"(?:(?<={_INSIDE}\s)|(?<={_INSIDE}\r\n)){CAPITALISED}")

_Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Passage:
    """What is compared of one chunk: its words, its word pairs, its distinctive words, and the words of its names."""

    words: frozenset[str]
    pairs: frozenset[_Pair]
    distinctive: frozenset[str]
    names: frozenset[str]


class _KeptArticle:
    """The words of the kept hits of one article: its word pairs, numbers and other distinctive words."""

    def __init__(self) -> None:
        self.pairs: set[_Pair] = set()
        self.distinctive: set[str] = set()
        self.words: set[str] = set()

    def add(self, passage: _Passage) -> None:
        self.pairs |= passage.pairs
        self.distinctive |= passage.distinctive
        self.words |= passage.words


def collapse(hits: Sequence[Hit]) -> list[Hit]:
    """Fold each hit whose every sentence is in a better hit of another article into that hit."""
    kept: list[Hit] = []
    kept_articles: dict[str, _KeptArticle] = {}  # by article id
    best_hit: dict[str, int] = {}  # the index in `kept` of each article's best hit
    for hit in hits:
        passage = _read_passage(hit.text)
        original = _find_original(hit, passage, kept_articles)
        if original is not None:
            position = best_hit[original]
            kept[position] = replace(kept[position], reprints=_with_reprint(kept[position].reprints, hit.source))
            continue
        kept_articles.setdefault(hit.source.article_id, _KeptArticle()).add(passage)
        best_hit.setdefault(hit.source.article_id, len(kept))
        kept.append(hit)
    return kept


# Each question about a story finds the same chunks, and reading them was a quarter of the search time.
@lru_cache(maxsize=256)  # 28 KB each
def _read_passage(chunk: str) -> _Passage:
    words = stemming.words(chunk)
    names = frozenset(word for name in _NAME.findall(chunk) for word in stemming.words(name))
    return _Passage(frozenset(words), frozenset(pairwise(words)), frozenset(_distinctive(words)), names)


def _find_original(hit: Hit, passage: _Passage, kept_articles: dict[str, _KeptArticle]) -> str | None:
    """Return the id of an article that says all that the hit says, if there is one."""
    sentences: list[list[str]] | None = None
    for article_id, article in kept_articles.items():
        if article_id == hit.source.article_id or not passage.names <= article.words:
            continue
        # A quick test, since most hits share next to nothing: each sentence must share more than half of its pairs.
        if 2 * len(passage.pairs & article.pairs) < len(passage.pairs):
            continue
        if sentences is None:
            sentences = [
                stemming.words(hit.text[span.start - hit.span.start : span.end - hit.span.start])
                for span in hit.sentences
            ]
        if _is_repeated(sentences, stemming.words(hit.source.title or ""), passage.names, article):
            return article_id
    return None


def _is_repeated(
    sentences: Sequence[Sequence[str]], headline: Sequence[str], names: Set[str], article: _KeptArticle
) -> bool:
    compared = False
    for words in sentences:
        if not _distinctive(words) <= article.distinctive:
            return False
        pairs = list(pairwise(words))
        if not pairs or words == headline:  # each outlet writes its own headline
            continue
        new = [pair for pair in pairs if pair not in article.pairs]
        if len(new) > (1 - _SHARED) * len(pairs) or any(_skips_distinctive_word(pair, article) for pair in new):
            return False
        if pairs[-1] in new:  # "a strike over pay", "a strike over hours": a sentence ends with its news
            return False
        if new and (_opens_with_new_name(words, article) or _moves_name_or_number(pairs, set(new), names, article)):
            return False
        compared = True
    return compared


def _opens_with_new_name(words: Sequence[str], article: _KeptArticle) -> bool:
    """Tell whether the first word can be a name that the article lacks. Its capital proves nothing."""
    return words[0] not in article.words and is_content_word(words[0]) and not words[0].endswith("ly")


def _moves_name_or_number(pairs: Sequence[_Pair], new: Set[_Pair], names: Set[str], article: _KeptArticle) -> bool:
    """Tell whether a number is beside another word of the article, or a name beside no word that it is beside there.

    "Ash beat Berg" and "Berg beat Ash" have the same names, "14 killed, 40 hurt" and "40 killed, 14 hurt" the same
    numbers.
    """
    if any(any(map(_is_number, pair)) and pair[0] in article.words and pair[1] in article.words for pair in new):
        return True
    between = [pair for pair in pairs if pair[0] not in names or pair[1] not in names]
    for before, after in pairwise(between):
        if before[1] in names and {before, after} <= new:
            return True
    return bool(between) and between[0][0] in names and between[0] in new


def _is_number(word: str) -> bool:
    return word in _NUMBER_WORDS or (not word.isalpha() and any(map(str.isdigit, word)))


def _skips_distinctive_word(pair: _Pair, article: _KeptArticle) -> bool:
    """Tell whether two words are adjacent because a number or a "not" between them was left out."""
    return any((pair[0], word) in article.pairs and (word, pair[1]) in article.pairs for word in article.distinctive)


def _distinctive(words: Sequence[str]) -> set[str]:
    return {word for word in words if word in _DISTINCTIVE_WORDS or _is_number(word)}


def differ_in_name_or_number(a: str, b: str) -> bool:
    """Tell whether each of two sentences has a name or a number that the other lacks."""
    words, other_words = stemming.words(a), stemming.words(b)
    own = _marks(a, words) - set(other_words)
    other = _marks(b, other_words) - set(words)
    return bool(own and other)


def _marks(sentence: str, words: Sequence[str]) -> set[str]:
    """Return the words of a sentence that are names or distinctive; its first word is one if it can be a name."""
    names = {word for name in _NAME.findall(sentence) for word in stemming.words(name)}
    return names | _distinctive(words) | {word for word in words[:1] if is_content_word(word)}


def _with_reprint(reprints: tuple[Source, ...], source: Source) -> tuple[Source, ...]:
    known = {reprint.article_id for reprint in reprints}
    return reprints if source.article_id in known else (*reprints, source)
