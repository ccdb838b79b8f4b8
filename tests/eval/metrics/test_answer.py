"""Answer metrics against tables worked by hand."""

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


def test_markers_are_read_and_taken_out():
    """A reader hears the sentence, not its numbers."""
    said = "They met 40 times [1][2], or 39 [12]. 😀 [1]"
    assert marker_numbers(said) == [1, 2, 12, 1]
    assert without_markers(said) == "They met 40 times, or 39. 😀"


@pytest.mark.parametrize(
    ("words", "normal"),
    [
        ("The Eiffel Tower!", "eiffel tower"),
        ("  an  apple\r\na day ", "apple day"),
        ("theatre another", "theatre another"),  # articles go as words, not as letters
        ("U.S.", "us"),
        ("“Squid”", "“squid”"),  # the official script knows ASCII punctuation only
    ],
)
def test_squad_normalisation(words, normal):
    """Lower case, no ASCII punctuation, no English article, single spaces."""
    assert squad_normalise(words) == normal


@pytest.mark.parametrize(
    ("said", "answers", "em", "f1"),
    [
        ("the Denver Broncos", ["Denver Broncos", "Broncos"], 1, 1),
        ("Denver", ["Denver Broncos"], 0, 2 / 3),
        ("a b b", ["b b c"], 0, 0.8),  # words: [b b] and [b b c], two shared as a multiset
        ("b", ["b b"], 0, 2 / 3),  # as sets this would be 1
        ("Boston", ["Denver"], 0, 0),
        ("", ["Denver"], 0, 0),
        ("Denver", [], 0, 0),
        ("the", ["a"], 1, 1),  # nothing is left of either: the official script calls that right
    ],
)
def test_exact_match_and_f1_by_hand(said, answers, em, f1):
    """The best gold answer counts; words count as often as they stand."""
    assert exact_match(said, answers) == em
    assert token_f1(said, answers) == pytest.approx(f1)


@pytest.mark.parametrize(
    ("said", "answers", "holds"),
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
        ("彼は東京で会った", ["東京"], 1),  # no spaces in the script: no bounds to ask for
        ("one\r\nword", ["one word"], 1),
        ("He did not win", ["win win"], 0),
        ("anything", [""], 0),
        ("anything", ["!"], 0),
        ("anything", [], 0),
    ],
)
def test_answer_contains_by_hand(said, answers, holds):
    """A gold answer must stand whole: "some word in common" scores 0."""
    assert answer_contains(said, answers) == holds


def test_plain_words_keep_decimals_and_drop_thousands_separators():
    """1,250,000 and 1250000 are one number, 1.25 is another."""
    assert plain_words("1,250,000 and 1250000, 1.25 or 12,34") == "1250000 and 1250000 1.25 or 12,34"


@pytest.mark.parametrize(
    ("said", "recall"),
    [
        ("The bridge opened on 20 March 2023 and cost €46 million 😀.", 1),
        ("It opened on 2023-03-20.", 0.5),
        ("It cost 46 euros on 20 March.", 0),  # neither is said whole
        ("", 0),
    ],
)
def test_nugget_recall_by_hand(said, recall):
    """Two things to say, the day in either of two spellings."""
    assert nugget_recall(said, [["20 March 2023", "2023-03-20"], ["46 million"]]) == recall


def test_without_nuggets_there_is_no_recall():
    """A share of nothing is no figure."""
    with pytest.raises(ValueError, match="no nuggets"):
        nugget_recall("It opened.", [])
