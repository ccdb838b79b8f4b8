"""Joining hard-wrapped lines."""

from qa.text.lines import joined_lines

WRAPPED = """\
Talks begin in the capital
The two leaders met for the first time in a year on Monday, and both said
that the talks had gone well. Officials of the U.S. and its allies watched
closely. Nothing was signed at the end of the day, which surprised no one.

A second paragraph that is short stays as it
is, because its lines do not reach the column where the others broke.
"""


def joined(text: str) -> list[str]:
    return [text[start:end] for start, end in joined_lines(text)]


def test_hard_wrapped_lines_are_joined() -> None:
    """Lines that an editor broke at a column become one line; a short line still ends."""
    assert joined(WRAPPED) == [
        "Talks begin in the capital",
        "The two leaders met for the first time in a year on Monday, and both said\n"
        "that the talks had gone well. Officials of the U.S. and its allies watched\n"
        "closely. Nothing was signed at the end of the day, which surprised no one.",
        "A second paragraph that is short stays as it",
        "is, because its lines do not reach the column where the others broke.",
    ]


def test_a_list_of_headlines_is_not_joined() -> None:
    """Lines of like length that begin with capitals are a list."""
    lines = [
        "Storm closes roads and schools along the whole northern coast",
        "Minister resigns after a vote that nobody had thought possible",
        "Team wins the cup for the third time in a row before full house",
        "Prices fall",
    ]
    assert joined("\n".join(lines)) == lines
