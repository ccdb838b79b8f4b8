"""Decoding and normalising article text."""

import codecs
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from qa.errors import BadArticle
from qa.text.normalise import decode, normalise, normalise_spans, sha256, utf16_offsets
from qa.types import Span

NEWS = "Xi said “no” – 😀 café 习近平\n"


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_a_byte_order_mark_decides(mark: bytes, encoding: str) -> None:
    """The mark names the encoding, whatever the page declares, and is not part of the text."""
    assert decode(mark + NEWS.encode(encoding), declared="iso-8859-1") == NEWS


def test_utf8_wins_over_what_is_declared() -> None:
    """Bytes that are valid UTF-8 are UTF-8: pages declare Latin-1 by habit."""
    assert decode("café".encode(), declared="iso-8859-1") == "café"


def test_the_declared_charset_is_used_when_utf8_fails() -> None:
    """A page in another charset is decoded by its declaration."""
    assert decode("москва".encode("koi8-r"), declared="KOI8-R") == "москва"
    assert decode("新闻".encode("gb18030"), declared=" gb18030 ") == "新闻"


def test_declared_latin_1_is_read_as_browsers_read_it() -> None:
    """Latin-1 has no curly quotes, and pages that declare it are full of them."""
    assert decode(b"\x93Hello\x94 caf\xe9", declared="ISO-8859-1") == "“Hello” café"


def test_an_undecodable_byte_is_named() -> None:
    """The message names the byte and its place, and what to do."""
    with pytest.raises(BadArticle, match="byte 0x93 at offset 3 is not UTF-8; convert the file"):
        decode(b"abc\x93d")
    with pytest.raises(BadArticle, match="at offset 4 is not UTF-16"):
        decode(codecs.BOM_UTF16_LE + b"a\x00\x00\xd8")


@pytest.mark.parametrize("declared", ["klingon", "utf-7", "unicode_escape", "rot13", "base64", "a\0b", "", "undefined"])
def test_a_charset_that_cannot_be_trusted_is_refused(declared: str) -> None:
    """An unknown charset, or one that turns plain bytes into something else, is refused and not guessed."""
    with pytest.raises(BadArticle):
        decode(b"+AG8- caf\xe9", declared=declared)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"%PDF-1.7\n...", "PDF"),
        (b"PK\x03\x04rest", "ZIP"),
        (b"\x1f\x8b\x08rest", "gzip"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"some\x00text that goes on", "binary"),
        ("news of the day".encode("utf-16-le"), "UTF-16 without a byte order mark"),
        (b"\x01\x02\x03\x04 ok \x05\x06", "control characters"),
    ],
)
def test_what_is_not_text_is_refused_by_what_it_looks_like(data: bytes, kind: str) -> None:
    """A wrong kind of file is refused by its kind."""
    with pytest.raises(BadArticle, match=kind):
        decode(data)


def test_a_stray_control_character_is_kept() -> None:
    """Scraped text may hold a form feed or an escape: that alone does not make it binary."""
    assert decode(b"Page one of the news\x0cPage two\x1b") == "Page one of the news\x0cPage two\x1b"
    assert decode(b"") == ""


def test_normalise_changes_line_ends_and_a_leading_mark_only() -> None:
    """Composed and decomposed letters, odd spaces and a later mark stay as the outlet wrote them."""
    assert normalise("\ufeffone\r\ntwo\rthree\n\n") == "one\ntwo\nthree\n\n"
    untouched = "e\u0301 é \u00a0\u2028\u200b\ufeff ﬁ 😀 习"
    assert normalise(untouched) == untouched


@pytest.mark.parametrize(
    ("text", "message"), [("ab\0c", "NUL character at character 2"), ("a\ud800", "U\\+D800 at character 1")]
)
def test_what_cannot_be_stored_is_refused(text: str, message: str) -> None:
    """NUL and lone surrogates break databases and protocols; the message names the place."""
    with pytest.raises(BadArticle, match=message) as caught:
        normalise(text)
    assert caught.value.param == "text"


@given(st.text())
def test_normalise_twice_is_normalise_once(text: str) -> None:
    """The stored text is a fixed point, or hashes would change from ingest to ingest."""
    try:
        once = normalise(text)
    except BadArticle:
        return
    assert "\r" not in once
    assert normalise(once) == once


@pytest.mark.parametrize("text", ["\ufeff\ufeffone", "\ufeff\r\r\n\n", "\ufeff\ufeff\ufeff"])
def test_several_leading_marks_leave_none(text: str) -> None:
    """A file that has a mark, rewritten by a program that adds another, keeps its text."""
    assert normalise(normalise(text)) == normalise(text)
    assert not normalise(text).startswith("\ufeff")


@given(st.text("a😀\u0301\ufeff\r\n", max_size=12), st.data())
def test_spans_follow_the_text(text: str, data: st.DataObject) -> None:
    """Each covers what remains of its characters, whatever is removed around them; none is empty or overlaps."""
    places = sorted(data.draw(st.lists(st.integers(0, len(text) + 3), max_size=6)))
    spans = [Span(start, end) for start, end in pairwise(places) if start < end]
    normal = normalise(text)
    moved = normalise_spans(text, spans)
    assert [span.slice(normal) for span in moved] == [words for span in spans if (words := _kept(text, span))]
    assert all(before.end <= after.start for before, after in pairwise(moved))
    assert all(span.end <= len(normal) for span in moved)


def _kept(text: str, span: Span) -> str:
    """Return what remains of a span, decided character by character."""
    start = len(text) - len(text.lstrip("\ufeff"))
    return "".join(
        "\n" if text[at] == "\r" else text[at]
        for at in range(max(start, span.start), min(span.end, len(text)))
        if text[at : at + 2] != "\r\n"
    )


def test_sha256_is_of_the_utf8_bytes() -> None:
    """Anyone can check it: printf 'abc' | sha256sum."""
    assert sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256("é") != sha256("e\u0301")


def test_utf16_offsets_count_an_emoji_twice() -> None:
    """Browsers count UTF-16 units: a character outside the first plane is two."""
    text = "😀 a 𝒳 習b"
    assert utf16_offsets(text, Span(2, 3)) == (3, 4)
    assert utf16_offsets(text, Span(4, 7)) == (5, 9)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.data())
def test_utf16_offsets_cut_the_same_words(text: str, data: st.DataObject) -> None:
    """What a browser cuts with the offsets is the quote."""
    start = data.draw(st.integers(0, len(text) - 1))
    span = Span(start, data.draw(st.integers(start + 1, len(text))))
    first, last = utf16_offsets(text, span)
    assert text.encode("utf-16-le")[2 * first : 2 * last].decode("utf-16-le") == span.slice(text)
