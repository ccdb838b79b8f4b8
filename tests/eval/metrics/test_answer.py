"""Metrics of answer text against tables worked by hand."""

import pytest

from eval.metrics.answer import (
    answer_contains,
    exact_match,
    marker_numbers,
    nugget_recall,
    plain_words,
    squad_normalise,
    token_f1,
    without_markers,
)


def test_markers_are_parsed_and_removed():
    """Numbers keep their order and repeats; no space is left before punctuation."""
    text = "They met 40 times [1][2], or 39 [12]. 😀 [1]"
    assert marker_numbers(text) == [1, 2, 12, 1]
    assert without_markers(text) == "They met 40 times, or 39. 😀"


@pytest.mark.parametrize(
    ("words", "normal"),
    [
        ("The Eiffel Tower!", "eiffel tower"),
        ("  an  apple\r\na day ", "apple day"),
        ("theatre another", "theatre another"),  # articles are removed as words, not as letters
        ("U.S.", "us"),
        ("“Squid”", "“squid”"),  # the official script knows ASCII punctuation only
    ],
)
def test_squad_normalisation(words, normal):
    """Lower case, no ASCII punctuation, no English article, single spaces."""
    assert squad_normalise(words) == normal


@pytest.mark.parametrize(
    ("text", "answers", "em", "f1"),
    [
        ("the Denver Broncos", ["Denver Broncos", "Broncos"], 1, 1),
        ("Denver", ["Denver Broncos"], 0, 2 / 3),
        ("a b b", ["b b c"], 0, 0.8),  # words: [b b] and [b b c], two shared as a multiset
        ("b", ["b b"], 0, 2 / 3),  # as sets this would be 1
        ("Boston", ["Denver"], 0, 0),
        ("", ["Denver"], 0, 0),
        ("Denver", [], 0, 0),
        ("the", ["a"], 1, 1),  # both normalise to nothing: a match in the official script
    ],
)
def test_exact_match_and_f1_by_hand(text, answers, em, f1):
    """The best gold answer counts; words are compared as multisets."""
    assert exact_match(text, answers) == em
    assert token_f1(text, answers) == pytest.approx(f1)


@pytest.mark.parametrize(
    ("text", "answers", "holds"),
    [
        ("They have met 40 times.", ["40"], 1),
        ("They have met 400 times.", ["40"], 0),
        ("They have met 40,000 times.", ["40"], 0),
        ("They have met 40,000 times.", ["40000"], 1),
        ("It costs €14.20.", ["14.20"], 1),
        ("It costs €14.20.", ["14"], 0),
        ("It fell 6.3 per cent", ["3 per cent"], 0),
        ("a bill of €46m", ["46"], 0),
        ("Mayor Anne O’Hara said", ["anne o'hara"], 1),
        ("The Cafe\u0301 closed", ["café"], 1),  # a combining mark and its composed form
        ("彼は東京で会った", ["東京"], 1),  # a script without spaces has no word boundaries
        ("one\r\nword", ["one word"], 1),
        ("He did not win", ["win win"], 0),
        ("anything", [""], 0),
        ("anything", ["!"], 0),
        ("anything", [], 0),
    ],
)
def test_answer_contains_by_hand(text, answers, holds):
    """A gold answer must occur completely: "some word in common" scores 0."""
    assert answer_contains(text, answers) == holds


def test_plain_words_keep_decimals_and_drop_thousands_separators():
    """1,250,000 and 1250000 are one number, 1.25 is another."""
    assert plain_words("1,250,000 and 1250000, 1.25 or 12,34") == "1250000 and 1250000 1.25 or 12,34"


@pytest.mark.parametrize(
    ("text", "recall"),
    [
        ("The bridge opened on 20 March 2023 and cost €46 million 😀.", 1),
        ("It opened on 2023-03-20.", 0.5),
        ("It cost 46 euros on 20 March.", 0),  # neither occurs completely
        ("", 0),
    ],
)
def test_nugget_recall_by_hand(text, recall):
    """Two nuggets, one of them with two spellings."""
    assert nugget_recall(text, [["20 March 2023", "2023-03-20"], ["46 million"]]) == recall


def test_without_nuggets_there_is_no_recall():
    """The share of an empty list is undefined."""
    with pytest.raises(ValueError, match="no nuggets"):
        nugget_recall("It opened.", [])
