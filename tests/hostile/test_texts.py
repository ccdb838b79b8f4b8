"""Sizes, encodings and characters of articles: every chunk is exactly the slice that its span says."""

from __future__ import annotations

import codecs
import os
import time
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from qa.errors import BadArticle
from qa.ingest.prepare import prepare
from qa.readers.boilerplate import find
from qa.readers.read import read
from qa.readers.rows import MAX_BYTES, article_from_row
from qa.text.chunking import chunk
from qa.text.normalise import sha256
from qa.types import Article, Refused
from tests.hostile.naughty import STRINGS

SIZE = MAX_BYTES if os.environ.get("FULL_NUMBERS") else 60_000

# One character as often as an article may hold it: any step that looks back or ahead is quadratic in one of these.
UNITS = [
    "a",
    ".",
    "\n",
    "!",
    "漢",
    "\u0301",
    "\u200b",
    "\u202e",
    "😀",
    "\U000e0041",
    "“",
    "(",
    "[",
    "-",
    "1",
    " ",
    "\t",
    "\r\n",
    "\u2028",
]
PAIRS = [". ", "A. ", "Mr. ", "1,", "- a\n", "---\n", "© 2020 A\n", "x.\n", "http://a.b/ ", "QWxhZGRpbjpv", "By A\n"]


def check(text: str) -> int:
    """Check spans and coverage of an article with this text; return the number of chunks."""
    chunks = chunk(text, find(text))
    starts = [piece.span.start for piece in chunks]
    assert starts == sorted(set(starts))
    covered = bytearray(len(text))
    for piece in chunks:
        assert 0 <= piece.span.start < piece.span.end <= len(text)
        assert [sentence.start for sentence in piece.sentences] == sorted(
            {sentence.start for sentence in piece.sentences}
        )
        for sentence in piece.sentences:
            assert piece.span.start <= sentence.start < sentence.end <= piece.span.end
            covered[sentence.start : sentence.end] = b"\1" * (sentence.end - sentence.start)
    for span in find(text):
        covered[span.start : span.end] = b"\1" * (span.end - span.start)
    missed = [at for at, letter in enumerate(text) if not covered[at] and not letter.isspace()]
    assert not missed, f"character {missed[0]} is in no sentence: {text[missed[0]]!r}"
    return len(chunks)


@pytest.mark.parametrize("unit", [*UNITS, *PAIRS], ids=ascii)
def test_one_character_repeated_is_covered_or_refused(unit: str) -> None:
    """It costs no more than any text of that size and is covered without a gap, or it is refused."""
    row = {"text": unit * (SIZE // len(unit.encode())), "id": "a"}
    began = time.monotonic()
    try:
        article = article_from_row(row, "test")
    except BadArticle as exc:
        assert "empty" in str(exc)
    else:
        prepared = prepare(article)
        assert time.monotonic() - began < 10
        assert isinstance(prepared, Refused) == (not check(article.text))
    assert time.monotonic() - began < 60


@pytest.mark.parametrize(
    ("size", "sign"), [(MAX_BYTES + 1, "😀"), (3_000_000, "漢"), (5_000_000, " a"), (50_000_000, "a")]
)
def test_too_large_is_refused_at_once(tmp_path: Path, size: int, sign: str) -> None:
    """The limit is in bytes, applies to rows and files, and is checked without reading."""
    text = sign * (size // len(sign.encode()) + 1)
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8")
    began = time.monotonic()
    with pytest.raises(BadArticle, match="more than 2000000 bytes"):
        article_from_row({"text": text}, "test")
    (refused,) = read([str(path)])
    assert time.monotonic() - began < 1
    assert isinstance(refused, Refused) and "more than 2000000 bytes" in refused.reason


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\u00a0", "\t \r\n", "\ufeff"])
def test_blank_texts_are_refused(text: str) -> None:
    """A blank text is never indexed, whatever characters it is made of."""
    with pytest.raises(BadArticle, match="empty"):
        article_from_row({"text": text, "title": "Only a title"}, "test")


def test_one_character_is_an_article_or_nothing() -> None:
    """One letter is a text; a single other character may be refused, and is not stored as empty."""
    prepared = prepare(article_from_row({"text": "x"}, "test"))
    assert not isinstance(prepared, Refused) and prepared.chunks[0].span.slice("x") == "x"


ENCODED = {
    "utf-8": "Café 😀 über.".encode(),
    "utf-8 with a mark": codecs.BOM_UTF8 + "Café 😀 über.".encode(),
    "utf-16 with a mark": "Café 😀 über.".encode("utf-16"),
    "utf-32 with a mark": "Café 😀 über.".encode("utf-32"),
}
NOT_TEXT = {
    "utf-16 without a mark": "Café über.".encode("utf-16-le"),
    "latin-1": "Café über.".encode("latin-1"),
    "cut in the middle of a character": "Café 😀".encode()[:-2],
    "two encodings": "Café ".encode() + "über".encode("latin-1"),
    "overlong": b"A\xc0\xafB",
    "surrogates as utf-8": b"A\xed\xa0\x80B",
    "beyond unicode": b"A\xf5\x80\x80\x80B",
    "pdf": b"%PDF-1.7 words",
    "zip": b"PK\x03\x04 words",
    "gzip": b"\x1f\x8b\x08 words",
    "nul": b"words\0words",
    "controls": bytes(range(1, 9)) * 20 + b"words",
}


@pytest.mark.parametrize("name", ENCODED)
def test_marked_encodings_are_read(tmp_path: Path, name: str) -> None:
    """Bytes are decoded once, by their byte order mark or as UTF-8, and the text is unchanged."""
    (tmp_path / "a.txt").write_bytes(ENCODED[name])
    (article,) = read([str(tmp_path / "a.txt")])
    assert isinstance(article, Article) and article.text == "Café 😀 über."


@pytest.mark.parametrize("name", NOT_TEXT)
def test_bytes_of_other_encodings_are_refused(tmp_path: Path, name: str) -> None:
    """Other encodings are not guessed, and binary data is not read as text."""
    (tmp_path / "a.txt").write_bytes(NOT_TEXT[name])
    (refused,) = read([str(tmp_path / "a.txt")])
    assert isinstance(refused, Refused) and refused.reason


PRINTABLE = [string for string in STRINGS if string.strip() and not {"\0"} & set(string)]


@pytest.mark.parametrize("between", [" ", "\r\n", "\r", "\n\n", ". ", ""], ids=ascii)
def test_spans_hold_for_any_characters(between: str) -> None:
    """Control, bidi, tag and combining characters and all line ends: the text is normalised first, then chunked."""
    row = {"text": between.join(f"{string} ends." for string in PRINTABLE), "id": "a"}
    article = article_from_row(row, "test")
    assert "\r" not in article.text
    assert check(article.text)
    assert article.text == article_from_row({"text": article.text, "id": "a"}, "test").text


def test_composed_and_decomposed_letters_are_kept_apart() -> None:
    """Composed and decomposed letters are different texts: what is stored is what was sent."""
    texts = [article_from_row({"text": text}, "test").text for text in ("Caf\u00e9.", "Cafe\u0301.")]
    assert texts == ["Caf\u00e9.", "Cafe\u0301."] and sha256(texts[0]) != sha256(texts[1])


@pytest.mark.parametrize("bad", ["\ud800", "a\udfffb", "\0", "x\0"], ids=ascii)
@pytest.mark.parametrize("field", ["text", "id", "title", "outlet"])
def test_nul_and_surrogates_are_refused_by_name(field: str, bad: str) -> None:
    """An article with a lone surrogate or a NUL in any field is refused."""
    with pytest.raises(BadArticle):
        article_from_row({"text": "Words.", "id": "a", field: f"x{bad}y"}, "test")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=400))
def test_spans_hold_for_random_text(text: str) -> None:
    """Spans and coverage hold for any text that can be stored."""
    try:
        article = article_from_row({"text": text}, "test")
    except BadArticle:
        return
    check(article.text)
