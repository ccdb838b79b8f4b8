"""A judge's row of tokens: its text's offsets slice the text, and it is never longer than the model was trained for."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings, strategies as st
from tokenizers import Tokenizer

from qa.embeddings.minilm_weights import TOKENIZER_SHA256, find_weights, open_tokenizer
from qa.judges.sequence import CLS, FIRST_TOKENS, MAX_TOKENS, SEP, TITLE_TOKENS, TokenRow, build_rows

LONG = "The council of Trondheim closed the ferry. " * 100
TEXTS = [
    "The old ferry closed in 1990.",
    "Cafe\u0301 Zoe\u0308 and café Zoë",
    "😀 the 👩‍👩‍👧‍👦 family 🏳️‍🌈 came 👍🏽, they said",
    "first line\r\nsecond\tline\u2028third",
    "東京都は火曜日に発表した。",
    "ferry ferry ferry, unaffordable unaffordable",
    "a lone \ud83d half and \udc00 another",
    "\u202eright to left\u202c עברית",
]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    weights = find_weights()
    assert weights is not None
    return open_tokenizer(weights / "tokenizer.json", TOKENIZER_SHA256, None)


def bare(text: str) -> str:
    """Return text as the tokenizer's vocabulary has it: small letters without marks."""
    return "".join(char for char in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(char) != "Mn")


def check(row: TokenRow, text: str) -> None:
    """Check what holds for every row."""
    assert len(row.ids) <= MAX_TOKENS
    assert row.ids[0] == CLS and row.ids[row.text_start - 1] == SEP and row.ids[-1] == SEP
    assert row.ids[row.text_start + len(row.offsets)] == SEP
    assert all(0 <= start < end <= len(text) for start, end in row.offsets)
    starts = [start for start, _ in row.offsets]
    assert starts == sorted(starts)


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_offsets_slice_the_text(tokenizer: Tokenizer, text: str) -> None:
    """Each token of the text is what the text has at its offsets, in characters, or unknown to the vocabulary."""
    (row,) = build_rows(tokenizer, [("who closed the ferry? 😀", text, "Café")])
    check(row, text)
    assert row.offsets
    for token, (start, end) in zip(row.ids[row.text_start :], row.offsets, strict=False):
        said = tokenizer.id_to_token(token).removeprefix("##")
        assert said in (bare(text[start:end]), "[UNK]", "?"), (said, text[start:end])


def test_offsets_cover_the_text(tokenizer: Tokenizer) -> None:
    """What is between two tokens is blank, also where words repeat."""
    text = "ferry ferry,  ferry\r\nCafe\u0301; ferry"
    (row,) = build_rows(tokenizer, [("", text, "")])
    covered = {place for start, end in row.offsets for place in range(start, end)}
    assert {text[place] for place in range(len(text)) if place not in covered} <= set(" \r\n\u0301")
    assert len(row.offsets) == len(set(row.offsets))


@pytest.mark.parametrize("title", ["", "The ferry", LONG])
@pytest.mark.parametrize("text", ["It closed.", LONG])
@pytest.mark.parametrize("first", ["who closed it?", LONG])
def test_no_row_is_over_the_limit(tokenizer: Tokenizer, first: str, text: str, title: str) -> None:
    """A long question, text or title is cut, each to its own room; the others keep theirs."""
    (row,) = build_rows(tokenizer, [(first, text, title)])
    check(row, text)
    assert row.text_start - 2 == (FIRST_TOKENS if first == LONG else 4)
    assert len(row.ids) == MAX_TOKENS if text == LONG else len(row.offsets) == 3
    titled = len(row.ids) - row.text_start - len(row.offsets) - 1
    assert titled == {"": 0, "The ferry": 3, LONG: TITLE_TOKENS + 1}[title]


def test_an_empty_title_is_left_out(tokenizer: Tokenizer) -> None:
    """There is no second mark of an end, and the text is where it is with a title."""
    bare_row, blank, titled = build_rows(
        tokenizer, [("who?", "It closed.", ""), ("who?", "It closed.", " \n"), ("who?", "It closed.", "News")]
    )
    assert bare_row == blank
    assert bare_row.ids.count(SEP) == 2
    assert titled.ids[: len(bare_row.ids)] == bare_row.ids
    assert (titled.text_start, titled.offsets) == (bare_row.text_start, bare_row.offsets)


def test_a_text_of_nothing_has_no_tokens(tokenizer: Tokenizer) -> None:
    """The row is still whole."""
    (row,) = build_rows(tokenizer, [("", "", "")])
    assert row == TokenRow((CLS, SEP, SEP), 2, ())
    assert build_rows(tokenizer, []) == []


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(*[st.text(st.characters(exclude_categories=()))] * 3), max_size=3))
def test_any_text_makes_a_row(tokenizer: Tokenizer, rows: list[tuple[str, str, str]]) -> None:
    """Whatever the characters, lone surrogates among them, and each row is that of its own texts."""
    built = build_rows(tokenizer, rows)
    assert len(built) == len(rows)
    for row, parts in zip(built, rows, strict=True):
        check(row, parts[1])
        assert build_rows(tokenizer, [parts]) == [row]


def test_an_article_cannot_end_its_text(tokenizer: Tokenizer) -> None:
    """The marks between the parts of a row are letters where an article or a question writes them."""
    (row,) = build_rows(tokenizer, [("Who [SEP] won? [CLS]", "Nobody [SEP] Ana won [PAD][MASK].", "[SEP]")])
    assert row.ids.count(SEP) == 3 and row.ids.count(CLS) == 1
