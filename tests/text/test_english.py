from __future__ import annotations

import re
import unicodedata
from datetime import date

import pytest

from qa.conflicts.values import find_values
from qa.query.time_window import window
from qa.temporal.phrases import resolve
from qa.text import english


@pytest.mark.parametrize("name", ["august", "August", "AUGUST", "auguſt", "Aug", "aug.", "AUG."])
def test_a_month_has_its_number_in_any_spelling(name: str) -> None:
    """Whatever a pattern that ignores case may find for a month is read as that month."""
    assert english.month_number(name) == 8


def test_each_month_and_weekday_is_numbered_once() -> None:
    """Names count from January and Monday; an abbreviation has the number of its name."""
    assert [english.month_number(name) for name in english.MONTHS] == list(range(1, 13))
    assert [english.weekday_number(name) for name in english.WEEKDAYS] == list(range(7))
    for short in english.MONTH_ABBREVIATIONS:
        assert english.MONTHS[english.month_number(short) - 1].startswith(short)


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("Who won in auguſt 2023?", "2023-08-01"),
        ("Who won in APRİL 2023?", "2023-04-01"),
        ("Who won in aprıl 2023?", "2023-04-01"),
        ("Who won on laſt Frıday?", "2024-05-10"),
        ("Who won in the fırſt quarter of 2023?", "2023-01-01"),
    ],
)
def test_a_question_with_letters_like_ours_is_read(said: str, day: str) -> None:
    """A long s, a dotless i and a dotted capital I match their ASCII fellows, and are looked up as those."""
    found = window(said, date(2024, 5, 15))
    assert found is not None and found[0].isoformat() == day


@pytest.mark.parametrize(
    "said",
    [
        "He left ſix days ago.",
        "He left laſt March.",
        "It opened in the fırſt quarter of laſt year.",
        "On Frıday he left.",
    ],
)
def test_an_article_with_letters_like_ours_is_read(said: str) -> None:
    """The same in an article: no phrase that is found is missing in the lists."""
    assert [phrase.resolved for phrase in resolve(said, "2024-05-15")]
    find_values(said, "2024-05-15")


def test_every_listed_form_survives_a_search_without_case() -> None:
    """`listed` brings back every letter that an English word matches when case is ignored."""
    for letter in "abcdefghijklmnopqrstuvwxyz":
        pattern = re.compile(letter, re.IGNORECASE)
        for other in map(chr, range(0x10000)):
            if pattern.fullmatch(other):
                assert english.listed(other) == letter


def test_what_is_compared_has_a_form() -> None:
    """Every size and currency that figures are compared by is a unit that a text can name, and a weight is no money."""
    assert set(english.SIZES) <= set(english.UNITS.values())
    assert {*english.CURRENCIES, *english.CURRENCY_SIGNS.values()} <= set(english.UNITS.values())
    assert not english.CURRENCY_FORMS.keys() & english.SIZE_FORMS.keys()
    assert "lbs" not in english.CURRENCY_FORMS


NAMES = (
    "Émile",
    "E\u0301mile",  # the same, decomposed
    "Ásgeir",
    "Đặng",
    unicodedata.normalize("NFD", "Đặng"),
    "İbrahim",
    "Østergård",
    "Łukasz",
    "O’Brien",
    "O'Neill",
    "McDonald",
    "Jean-Luc",
    "Jean‑Luc",
    "Ünal",
    "Ǆemal",
    "ǅemal",
    "Владимир",
    "Ελένη",
    "Ａｎｎａ",
    "NATO",
    "E4",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_capital_of_any_alphabet_begins_a_name(name: str) -> None:
    """A name is found whole, however its letters are written and whatever is beside it."""
    for around in (" {} ", "\r\n{}\r\n", "😀 {} 😀", "({}),", "“{}”", "{}’ ", "the {}."):
        assert re.findall(english.CAPITALISED, around.format(name)) == [name]
    assert [word.group().rstrip(".’") for word in english.capitalised(f"who is {name}?")] == [name]


@pytest.mark.parametrize(
    "words", ["émile", "e\u0301mile", "A", "É", "E\u0301", "ß", "42", "😀", "❤️", "東京", "مصر", "’", ""]
)
def test_what_has_no_capital_is_no_name(words: str) -> None:
    """A small letter, a letter of a script without capitals, a sign, and a capital alone begin no name."""
    assert re.findall(english.CAPITALISED, words) == []


def test_a_name_that_a_question_gives_is_whole() -> None:
    """A question keeps the marks of a decomposed letter, and a word that begins small keeps its inner capitals."""
    asked = unicodedata.normalize("NFD", "did Beyoncé sing with d’Arc of AT&T?")
    assert [word.group() for word in english.capitalised(asked)] == [unicodedata.normalize("NFD", "Beyoncé"), "AT&T"]
