"""Chunks: exact, in order, complete, bounded in overlap, free of boilerplate."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings, strategies as st

from qa.text.chunking import chunk
from qa.text.sentences import MAX_SENTENCE_CHARS, split_sentences
from qa.types import Chunk, Span
from tests.text.test_sentences import articles


def check(text: str, furniture: Sequence[Span], chunks: Sequence[Chunk], size: int, overlap: int) -> None:
    """Assert the properties of any chunker. The slice alone proves little: repeated text fits in many places."""
    whole = split_sentences(text, furniture)
    seen: set[Span] = set()
    covered = [False] * len(text)
    for ordinal, piece in enumerate(chunks):
        assert piece.ordinal == ordinal
        assert piece.span == Span(piece.sentences[0].start, piece.sentences[-1].end)
        assert list(piece.sentences) == [span for span in whole if piece.span.start <= span.start < piece.span.end]
        assert not any(piece.span.overlaps(hole) for hole in furniture)
        assert piece.span.end - piece.span.start <= max(1.25 * size, MAX_SENTENCE_CHARS)
        seen.update(piece.sentences)
        for span in piece.sentences:
            covered[span.start : span.end] = [True] * (span.end - span.start)
    for before, after in pairwise(chunks):
        assert before.span.start < after.span.start
        assert before.span.end < after.span.end
        assert before.span.end - after.span.start <= overlap
    assert seen == set(whole)
    for at, letter in enumerate(text):
        if not letter.isspace() and not any(hole.start <= at < hole.end for hole in furniture):
            assert covered[at]


@settings(deadline=None, max_examples=300)
@given(articles(), st.integers(1, 400), st.data())
def test_chunks_keep_their_properties(article: tuple[str, tuple[Span, ...]], size: int, data: st.DataObject) -> None:
    """Whatever the text, the boilerplate and the sizes."""
    text, furniture = article
    overlap = data.draw(st.integers(0, size - 1))
    check(text, furniture, chunk(text, furniture, size, overlap), size, overlap)


def chunk_by_search(text: str, size: int, overlap: int) -> list[Chunk]:
    """Split correctly, forget the spans, and search for each piece afterwards: how it must not be done."""
    placed: list[Chunk] = []
    after = -1
    for right in chunk(text, (), size, overlap):
        start = after = text.find(right.span.slice(text), after + 1)
        shift = start - right.span.start
        moved = tuple(Span(span.start + shift, span.end + shift) for span in right.sentences)
        placed.append(Chunk(right.ordinal, Span(moved[0].start, moved[-1].end), moved))
    return placed


def test_a_chunker_that_searches_fails_on_repeated_text() -> None:
    """The check is effective: it catches a chunker whose every slice is equal to its text."""
    text = "Share. Share. Share. Like. " * 30
    check(text, (), chunk(text, (), 60, 0), 60, 0)
    with pytest.raises(AssertionError):
        check(text, (), chunk_by_search(text, 60, 0), 60, 0)


def test_the_check_catches_every_kind_of_damage() -> None:
    """Each property can fail."""
    text = "One is here. Two is here. Three is here. Four is here. Five is here."
    good = chunk(text, (), 30, 15)
    assert len(good) > 2
    check(text, (), good, 30, 15)
    lost = tuple(replace(piece, ordinal=n) for n, piece in enumerate(good[:-1]))
    swapped = (replace(good[1], ordinal=0), replace(good[0], ordinal=1), *good[2:])
    shorter = (replace(good[0], sentences=good[0].sentences[:-1]), *good[1:])
    for damaged in (lost, swapped, shorter, good[1:]):
        with pytest.raises(AssertionError):
            check(text, (), damaged, 30, 15)
    with pytest.raises(AssertionError):
        check(text, (), good, 30, 5)
    with pytest.raises(AssertionError):
        check(text, (Span(14, 20),), good, 30, 15)


def cut(text: str, furniture: Sequence[Span] = (), size: int = 900, overlap: int = 150) -> list[str]:
    return [piece.span.slice(text) for piece in chunk(text, furniture, size, overlap)]


def test_a_chunk_takes_as_many_sentences_as_fit() -> None:
    """Sentences of 10 characters, size 32: three each, the last of them once more in the next."""
    text = "Aaa aaaaa. Bbb bbbbb. Ccc ccccc. Ddd ddddd. Eee eeeee."
    assert cut(text, size=32, overlap=0) == ["Aaa aaaaa. Bbb bbbbb. Ccc ccccc. Ddd ddddd. Eee eeeee."[:32], text[33:]]
    assert cut(text, size=32, overlap=10) == [text[:32], text[22:]]


def test_a_chunk_that_is_full_enough_ends_with_its_paragraph() -> None:
    """At more than 60 per cent a paragraph's end is a better place than the next sentence's."""
    text = "A" * 600 + ".\n\n" + "B" * 100 + ". " + "C" * 300 + "."
    assert cut(text, overlap=0) == [text[:601], text[603:]]


def test_a_tiny_rest_joins_the_chunk_before_it() -> None:
    """A last line of a few words is not a chunk of its own."""
    text = "A" * 880 + ". The end is near now."
    assert cut(text) == [text]
    apart = "A" * 880 + ". " + "B" * 300 + "."
    assert len(cut(apart)) == 2


def test_furniture_parts_chunks_and_overlap_does_not_cross_it() -> None:
    """A share bar in the middle is in no chunk."""
    text = "He left. Share this! She stayed."
    assert cut(text, [Span(9, 20)]) == ["He left.", "She stayed."]
    assert cut(text, [Span(8, 9)]) == ["He left.", "Share this! She stayed."]


def test_blank_text_has_no_chunks() -> None:
    """Nothing to index is an empty tuple, not an empty chunk."""
    assert chunk("") == ()
    assert chunk(" \n\u00a0\n") == ()
    assert chunk("Cookies?", [Span(0, 8)]) == ()


def test_repeated_paragraphs_keep_their_own_places() -> None:
    """Two equal paragraphs are two chunks at two places."""
    paragraph = "The same words were printed twice by the same outlet, " * 11 + "it seems."
    text = f"{paragraph}\n\n{paragraph}"
    first, second = chunk(text, (), 700, 0)
    assert first.span == Span(0, len(paragraph))
    assert second.span == Span(len(paragraph) + 2, len(text))


@pytest.mark.parametrize(("size", "overlap"), [(0, 0), (100, 100), (100, -1), (-5, -6)])
def test_impossible_sizes_are_refused(size: int, overlap: int) -> None:
    """With an overlap as large as the chunk, chunking would never end."""
    with pytest.raises(ValueError, match="overlap_chars"):
        chunk("text", (), size, overlap)
