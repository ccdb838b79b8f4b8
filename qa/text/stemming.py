"""Decode and normalise article text once; compare words; find lines. Pure."""

from __future__ import annotations

import codecs
import hashlib
import re
import threading
import unicodedata
from collections.abc import Iterator
from itertools import chain, pairwise

from Stemmer import Stemmer

from qa.errors import BadArticle
from qa.types import Span

# Longest first: the mark of UTF-32 LE begins with that of UTF-16 LE.
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MAGIC = (
    (b"%PDF-", "a PDF file"),
    (b"PK\x03\x04", "a ZIP archive or an Office file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x89PNG\r\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"\xd0\xcf\x11\xe0", "an old Office file"),
    (b"{\\rtf", "an RTF file"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\x00", "an SQLite database"),
)
# These read plain ASCII as something else, which lets a page hide text from whoever looks at its bytes.
_DISGUISES = frozenset({"utf-7", "unicode-escape", "raw-unicode-escape", "punycode", "idna"})
_CONTROLS = "".join(map(chr, (*range(1, 9), *range(14, 27), *range(28, 32), 127)))
_MAX_CONTROL_SHARE = 0.1

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

# Quotes and dashes to their plain forms; what has no width and no meaning to a reader is dropped.
_PLAIN = str.maketrans(
    dict.fromkeys("‘’‚‛′´`ʼ＇", "'")
    | dict.fromkeys("“”„‟″«»＂", '"')
    | dict.fromkeys("‐‑‒–—―−﹘﹣－", "-")
    | dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", None)
)
_BEYOND_LATIN = re.compile("[^\x00-\u02ff]")  # where combining marks begin
_CJK = "\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
_BULLET = re.compile(r"[•*–—-]\s|\d{1,3}[.)]\s|>")
_LETTER = r"[^\W\d_]"
_TOKEN = re.compile(
    rf"[{_CJK}]"
    rf"|(?<![^\W_]){_LETTER}(?:\.{_LETTER})+(?![^\W_])"  # u.s, a.m
    r"|\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+\.\d+"
    rf"|[^\W_{_CJK}]+(?:'[^\W_{_CJK}]+)*"
)


def decode(data: bytes, declared: str | None = None) -> str:
    """Decode by byte order mark, else as strict UTF-8, else by the declared charset. Raises BadArticle."""
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            raise BadArticle(f"this is {kind}, not text")
    text = _decode(data, declared)
    nuls = text.count("\0")
    if nuls:
        utf16 = nuls * 3 > len(text)
        raise BadArticle(f"this is {'UTF-16 without a byte order mark' if utf16 else 'binary data'}, not text")
    if sum(map(text.count, _CONTROLS)) > _MAX_CONTROL_SHARE * len(text):
        raise BadArticle("this is binary data, not text: too many control characters")
    return text


def _decode(data: bytes, declared: str | None) -> str:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _decode_strictly(data[len(mark) :], encoding, skipped=len(mark))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_strictly(data, _encoding(declared) if declared else "utf-8")


def _decode_strictly(data: bytes, encoding: str, skipped: int = 0) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as exc:
        byte, offset, name = data[exc.start], exc.start + skipped, encoding.upper()
        raise BadArticle(f"byte 0x{byte:02x} at offset {offset} is not {name}; convert the file to UTF-8") from exc
    except (LookupError, UnicodeError) as exc:  # a codec that is not one of text
        raise BadArticle(f"charset {encoding!r} cannot be read; convert the file to UTF-8") from exc


def _encoding(declared: str) -> str:
    try:
        name = codecs.lookup(declared.strip()).name
    except (LookupError, ValueError) as exc:
        raise BadArticle(f"charset {declared!r} is not known; convert the file to UTF-8") from exc
    if name.replace("_", "-") in _DISGUISES:
        raise BadArticle(f"charset {declared!r} is not accepted; convert the file to UTF-8")
    # Pages that say Latin-1 mean Windows-1252, and browsers read them so: encoding.spec.whatwg.org, "names and labels".
    return "cp1252" if name in ("iso8859-1", "ascii") else name


def normalise(text: str) -> str:
    """Return the text as it is stored for good: no leading BOM, LF line ends, nothing else changed."""
    bad = _UNSTORABLE.search(text)
    if bad:
        kind = "a NUL character" if bad[0] == "\0" else f"a lone surrogate U+{ord(bad[0]):04X}"
        raise BadArticle(f"{kind} at character {bad.start()} of the text", param="text")
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def sha256(text: str) -> str:
    """Return the SHA-256 of the text's UTF-8 bytes, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def utf16_offsets(text: str, span: Span) -> tuple[int, int]:
    """Return the span's start and end counted in UTF-16 units, as a browser counts."""
    start = len(text[: span.start].encode("utf-16-le")) // 2
    return start, start + len(span.slice(text).encode("utf-16-le")) // 2


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


# Forms that no suffix rule brings together: a question asks who "won", an article says who "wins".
_VERBS = (
    ": become:became begin:began,begun bear:bore,borne beat:beaten bring:brought build:built buy:bought"
    " catch:caught choose:chose,chosen come:came deal:dealt draw:drew,drawn drive:drove,driven eat:ate,eaten"
    " fall:fell,fallen fight:fought find:found flee:fled fly:flew,flown forget:forgot,forgotten get:got,gotten"
    " give:gave,given go:went,gone grow:grew,grown hang:hung hear:heard hide:hid,hidden hold:held keep:kept"
    " know:knew,known lay:laid lead:led leave:left lend:lent lose:lost make:made mean:meant meet:met pay:paid"
    " ride:rode,ridden ring:rang,rung rise:rose,risen run:ran say:said see:saw,seen seek:sought sell:sold"
    " send:sent shake:shook,shaken shoot:shot show:shown sing:sang,sung sink:sank,sunk sit:sat sleep:slept"
    " speak:spoke,spoken spend:spent stand:stood steal:stole,stolen strike:struck swear:swore,sworn sweep:swept"
    " swim:swam,swum take:took,taken teach:taught tear:tore,torn tell:told think:thought throw:threw,thrown"
    " understand:understood wear:wore,worn win:won write:wrote,written"
)
_IRREGULAR = {
    form: verb for verb, _, forms in (entry.partition(":") for entry in _VERBS.split()) for form in forms.split(",")
}
_stemmers = threading.local()
_KEPT_PIECES = 1 << 17  # about 30 MB when full
_KEPT_CHARS = 40
_EDGES = ".,;:!?()\"'“”‘’"  # no word begins or ends with one of these
_stemmed = _Stemmed()


def _stem(word: str) -> str:
    # A stemmer keeps the word it works on in itself: one shared by threads gives each the other's stem.
    if not hasattr(_stemmers, "english"):
        _stemmers.english = Stemmer("english")
    stem: str = _stemmers.english.stemWord(_IRREGULAR.get(word, word))
    return stem


def joined_lines(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each line that is not blank starts and ends; hard-wrapped lines are joined."""
    blocks = _blocks(text)
    width = max(map(_wrap_width, blocks), default=0)
    for block in blocks:
        start, end = block[0][0], block[0][0]
        wrapped = width > 0 and all(len(line) <= width for _, line in block)
        for (at, line), (after, following) in pairwise([*block, (0, "")]):
            end = at + len(line)
            if not (following and wrapped and _is_wrap(line, following, width)):
                yield start, end
                start = after


def _blocks(text: str) -> list[list[tuple[int, str]]]:
    """Return the runs of lines between blank lines: each line's place and its words."""
    blocks: list[list[tuple[int, str]]] = []
    at, blank = 0, True
    for whole in text.splitlines(keepends=True):
        line = whole.rstrip()
        if not line:
            blank = True
        elif blank:
            blocks.append([(at, line)])
            blank = False
        else:
            blocks[-1].append((at, line))
        at += len(whole)
    return blocks


def _wrap_width(block: list[tuple[int, str]]) -> int:
    """Return the column this block was wrapped at by some editor, or 0 where its lines are just lines."""
    width = max(len(line) for _, line in block)
    if len(block) < 3 or not 60 <= width <= 100:
        return 0
    joins = [after for (_, line), (_, after) in pairwise(block) if _is_wrap(line, after, width)]
    small = sum(line.lstrip()[0].islower() for line in joins)
    # Two thirds, because a headline or a byline may stand above the paragraph without a blank line.
    return width if len(joins) >= 2 and 3 * len(joins) >= 2 * (len(block) - 1) and 2 * small >= len(joins) else 0


def _is_wrap(line: str, following: str, width: int) -> bool:
    """Tell whether the line ends only because the first word of the next did not fit."""
    following = following.lstrip()
    return len(line) + 1 + len(following.split(None, 1)[0]) > width and not _BULLET.match(following)
