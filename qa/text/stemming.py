"""Tokenise text: fold words to a comparable form and stem them. Pure."""

from __future__ import annotations

import re
import threading
import unicodedata
from itertools import chain

from Stemmer import Stemmer

from qa.text.english import CJK, INITIALS, IRREGULAR_VERBS, WORD

# Quotes and dashes become ASCII; zero-width characters are dropped.
_PLAIN = str.maketrans(
    dict.fromkeys("‘’‚‛′´`ʼ＇", "'")
    | dict.fromkeys("“”„‟″«»＂", '"')
    | dict.fromkeys("‐‑‒–—―−﹘﹣－", "-")
    | dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", None)
)
_BEYOND_LATIN = re.compile("[^\x00-\u02ff]")  # where combining marks begin
_TOKEN = re.compile(rf"[{CJK}]|{INITIALS}|\d{{1,3}}(?:,\d{{3}})+(?!\d)(?:\.\d+)?|\d+\.\d+|{WORD}")


def fold(text: str) -> str:
    """Return the text for comparison: case-folded, NFKC, with ASCII quotes and dashes and single spaces."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_PLAIN)).translate(_PLAIN)
        text = unicodedata.normalize("NFKC", text.casefold())
    return " ".join(text.casefold().split())


def words(text: str) -> list[str]:
    """Return the words and numbers, folded: "The U.S.' 1,500" is the, us, 1500; each CJK character is a word."""
    return [token if token.isalnum() else _plain_word(token) for token in _tokens(text)]


def _tokens(text: str) -> list[str]:
    folded = fold(text)
    if _BEYOND_LATIN.search(folded):  # a combining mark that NFKC could not compose must not split its word
        folded = "".join(letter for letter in folded if not unicodedata.category(letter).startswith("M"))
    return _TOKEN.findall(folded)


def _plain_word(token: str) -> str:
    """Return "china's" as china, "don't" as dont, "u.s" as us, "1,500" as 1500, and "1.5" as it is."""
    if token[0].isdigit() and "'" not in token:
        return token.replace(",", "")
    return token.removesuffix("'s").replace("'", "").replace(".", "")


def stems(text: str) -> list[str]:
    """Return the words, each reduced to its English stem."""
    return list(chain.from_iterable(map(_stemmed.__getitem__, _pieces(text))))


def stem_set(text: str) -> set[str]:
    """Return the distinct stems: `set(stems(text))`."""
    return set().union(*map(_stemmed.__getitem__, set(_pieces(text))))


def _pieces(text: str) -> list[str]:
    # `fold` treats a backtick as a quote only in a text that is not ASCII, which a single piece cannot know.
    return (text if text.isascii() else text.replace("`", "'")).split()


class _Stemmed(dict[str, tuple[str, ...]]):
    """A cache of the stems of white-space-separated pieces: no word spans two, and news repeats the same thousands."""

    def __missing__(self, piece: str) -> tuple[str, ...]:
        bare = piece.strip(_EDGES)
        if bare != piece:
            stems = self[bare]
        elif piece.isascii() and piece.isalnum():
            stems = (_stem(piece.lower()),)
        else:
            stems = tuple(map(_stem, words(piece)))
        if len(piece) <= _CACHED_CHARS:
            if len(self) >= _CACHED_PIECES:
                self.clear()
            self[piece] = stems
        return stems


_stemmers = threading.local()
_CACHED_PIECES = 1 << 17  # about 30 MB when full
_CACHED_CHARS = 40
_EDGES = ".,;:!?()\"'“”‘’"  # no word begins or ends with any of these
_stemmed = _Stemmed()


def _stem(word: str) -> str:
    # A stemmer stores the word that it works on: if threads shared it, they would get each other's stems.
    if not hasattr(_stemmers, "english"):
        _stemmers.english = Stemmer("english")
    stem: str = _stemmers.english.stemWord(IRREGULAR_VERBS.get(word, word))
    return stem
