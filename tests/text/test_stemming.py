"""Folding, tokenising and stemming."""

import pytest
from hypothesis import given, settings, strategies as st

from qa.text.stemming import _stem, fold, stem_set, stems, words


def test_fold_forgets_what_typesetting_adds() -> None:
    """Two prints of one sentence compare equal."""
    assert fold("“It’s  OVER”\u00a0—\nhe said…") == '"it\'s over" - he said...'
    assert fold("ﬁn co\u00adop e\u0301 Straße") == "fin coop é strasse"


@settings(deadline=None)
@given(st.text())
def test_fold_twice_is_fold_once(text: str) -> None:
    """Folded text can be compared with folded text, however often it was folded."""
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The U.S. has 1,500 troops, $1.5bn.", ["the", "us", "has", "1500", "troops", "1.5", "bn"]),
        ("China’s players' don't O’Brien", ["china", "players", "dont", "obrien"]),
        ("$189 billion, the 40th, 2022-23, COVID-19", ["189", "billion", "the", "40th", "2022", "23", "covid", "19"]),
        ("at 5 a.m. see cnn.com, 1,23", ["at", "5", "am", "see", "cnn", "com", "1", "23"]),
        ("习近平 met 푸틴 😀", ["习", "近", "平", "met", "푸", "틴"]),
        ("cafe\u0301 café हिन्दी", ["café", "café", "हनद"]),
        ("— … “ ”", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    """Numbers and initials are whole, apostrophes and thousands commas are gone, each CJK character is a word."""
    assert words(text) == expected


def test_stems_join_the_forms_of_a_word() -> None:
    """A question's "meetings" finds an article's "meeting"; names and numbers stay."""
    assert stems("Meetings meeting, China's 40") == ["meet", "meet", "china", "40"]


def test_stem_set_is_the_set_of_stems():
    """The fast way to the distinct stems finds the same ones."""
    text = "The U.S.' 1,500 men met; meeting men, cafe\u0301 women’s 东京 won 🎉 won"
    assert stem_set(text) == set(stems(text))


@settings(max_examples=300)
@given(st.lists(st.sampled_from([*"aBsé習ﬁي13 .,'’`“”()-_\u0301\u200b\u00a0\u00b4\u3000\n", "U.S.", "1,500", "😀"])))
def test_stems_are_those_of_the_words(pieces: list[str]) -> None:
    """The cache by white-space-separated pieces gives the same stems as stemming the whole text word by word."""
    text = "".join(pieces)
    expected = [_stem(word) for word in words(text)]
    assert stems(text) == expected
    assert stem_set(text) == set(expected)


def test_a_backtick_is_a_quote_beside_letters_that_are_not_ascii() -> None:
    """Whether "dont" is one word or two depends on the rest of the text, not on what is cached."""
    assert stems("don`t") == ["don", "t"]
    assert stems("don`t caf\u00e9") == ["dont", "café"]
    assert stems("don`t") == ["don", "t"]
