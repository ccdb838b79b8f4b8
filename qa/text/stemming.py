"""Fold words to a form that can be compared, and stem them. Pure."""

from __future__ import annotations

import re
import threading
import unicodedata
from itertools import chain

from Stemmer import Stemmer

from qa.text.english import CJK, INITIALS, IRREGULAR_VERBS, WORD

# Quotes and dashes to their plain forms; what has no width and no meaning to a reader is dropped.
_PLAIN = str.maketrans(
    dict.fromkeys("‘’‚‛′´`ʼ＇", "'")
    | dict.fromkeys("“”„‟″«»＂", '"')
    | dict.fromkeys("‐‑‒–—―−﹘﹣－", "-")
    | dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", None)
)
_BEYOND_LATIN = re.compile("[^\x00-\u02ff]")  # where combining marks begin
_TOKEN = re.compile(rf"[{CJK}]|{INITIALS}|\d{{1,3}}(?:,\d{{3}})+(?!\d)(?:\.\d+)?|\d+\.\d+|{WORD}")


def fold(text: str) -> str:
    """Return the text for comparing words: no case, plain quotes and dashes, compatibility forms, single spaces."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_PLAIN)).translate(_PLAIN)
        text = unicodedata.normalize("NFKC", text.casefold())
    return " ".join(text.casefold().split())


def words(text: str) -> list[str]:
    """Return the words and numbers, folded: "The U.S.' 1,500" is the, us, 1500; each CJK character is one."""
    return [token if token.isalnum() else _plain_word(token) for token in _tokens(text)]


def _tokens(text: str) -> list[str]:
    folded = fold(text)
    if _BEYOND_LATIN.search(folded):  # a mark that NFKC could not compose must not break its word in two
        folded = "".join(letter for letter in folded if not unicodedata.category(letter).startswith("M"))
    return _TOKEN.findall(folded)


def _plain_word(token: str) -> str:
    """Return "china's" as china, "don't" as dont, "u.s" as us, "1,500" as 1500, and "1.5" as it is."""
    if token[0].isdigit() and "'" not in token:
        return token.replace(",", "")
    return token.removesuffix("'s").replace("'", "").replace(".", "")


def stems(text: str) -> list[str]:
    """Return the words, each cut to its English stem."""
    return list(chain.from_iterable(map(_stemmed.__getitem__, _pieces(text))))


def stem_set(text: str) -> set[str]:
    """Return the distinct stems: `set(stems(text))`."""
    return set().union(*map(_stemmed.__getitem__, set(_pieces(text))))


def _pieces(text: str) -> list[str]:
    # `fold` takes a backtick for a quote only beside letters that are not ASCII; a piece alone does not know of them.
    return (text if text.isascii() else text.replace("`", "'")).split()


class _Stemmed(dict[str, tuple[str, ...]]):
    """The stems of what stands between two spaces; no word reaches over one, and news repeats the same few thousand."""

    def __missing__(self, piece: str) -> tuple[str, ...]:
        bare = piece.strip(_EDGES)
        if bare != piece:
            found = self[bare]
        elif piece.isascii() and piece.isalnum():
            found = (_stem(piece.lower()),)
        else:
            found = tuple(map(_stem, words(piece)))
        if len(piece) <= _KEPT_CHARS:
            if len(self) >= _KEPT_PIECES:
                self.clear()
            self[piece] = found
        return found


_stemmers = threading.local()
_KEPT_PIECES = 1 << 17  # about 30 MB when full
_KEPT_CHARS = 40
_EDGES = ".,;:!?()\"'“”‘’"  # no word begins or ends with one of these
_stemmed = _Stemmed()


def _stem(word: str) -> str:
    # A stemmer keeps the word it works on in itself: one shared by threads gives each the other's stem.
    if not hasattr(_stemmers, "english"):
        _stemmers.english = Stemmer("english")
    stem: str = _stemmers.english.stemWord(IRREGULAR_VERBS.get(word, word))
    return stem
