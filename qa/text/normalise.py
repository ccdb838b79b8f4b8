"""Decode, normalise and hash article text; convert offsets to UTF-16 units for browsers. Pure."""

from __future__ import annotations

import codecs
import hashlib
import re
from bisect import bisect_left
from collections.abc import Sequence

from qa.errors import BadArticle
from qa.types import Span

# Longest first: the byte order mark of UTF-32 LE begins with that of UTF-16 LE.
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
# These codecs decode plain ASCII to something else, so that a page could hide text from anyone who inspects its bytes.
_DISGUISES = frozenset({"utf-7", "unicode-escape", "raw-unicode-escape", "punycode", "idna"})
_CONTROLS = "".join(map(chr, (*range(1, 9), *range(14, 27), *range(28, 32), 127)))
_MAX_CONTROL_SHARE = 0.1

_DROPPED = re.compile("\\A\ufeff+|\r(?=\n)")  # what `normalise` removes; a lone CR is replaced by LF
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


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
    except (LookupError, UnicodeError) as exc:  # not a text codec
        raise BadArticle(f"charset {encoding!r} cannot be read; convert the file to UTF-8") from exc


def _encoding(declared: str) -> str:
    try:
        name = codecs.lookup(declared.strip()).name
    except (LookupError, ValueError) as exc:
        raise BadArticle(f"charset {declared!r} is not known; convert the file to UTF-8") from exc
    if name.replace("_", "-") in _DISGUISES:
        raise BadArticle(f"charset {declared!r} is not accepted; convert the file to UTF-8")
    # Browsers read pages that declare Latin-1 as Windows-1252: encoding.spec.whatwg.org, "names and labels".
    return "cp1252" if name in ("iso8859-1", "ascii") else name


def normalise(text: str) -> str:
    """Return the final text to store: no leading BOM, LF line ends, nothing else changed. Raises BadArticle."""
    bad = _UNSTORABLE.search(text)
    if bad:
        kind = "a NUL character" if bad[0] == "\0" else f"a lone surrogate U+{ord(bad[0]):04X}"
        raise BadArticle(f"{kind} at character {bad.start()} of the text", param="text")
    return text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def normalise_spans(text: str, spans: Sequence[Span]) -> tuple[Span, ...]:
    """Map spans of a text to its normalised form; those that become empty are left out."""
    dropped = [offset for found in _DROPPED.finditer(text) for offset in range(*found.span())]
    mapped = (
        [offset - bisect_left(dropped, offset) for offset in (span.start, min(span.end, len(text)))] for span in spans
    )
    return tuple(Span(start, end) for start, end in mapped if start < end)


def sha256(text: str) -> str:
    """Return the SHA-256 of the text's UTF-8 bytes, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def utf16_offsets(text: str, span: Span) -> tuple[int, int]:
    """Return the span's start and end in UTF-16 units, as browsers count."""
    start = len(text[: span.start].encode("utf-16-le")) // 2
    return start, start + len(span.slice(text).encode("utf-16-le")) // 2
