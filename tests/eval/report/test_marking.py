"""Marks in article text: exact, however they overlap."""

from hypothesis import given, strategies as st

from eval.report.marking import Mark, cut, excerpts

TEXT = "The 😀 bridge\r\nopened on Monday. 東京 cafe\u0301 opened on Monday."


def words(pieces, mark):
    return "".join(piece.text for piece in pieces if mark in piece.marks)


def joined(pieces):
    return "".join(piece.text for piece in pieces)


def test_overlapping_marks_are_cut_where_one_begins_or_ends():
    """The same marks apply throughout a piece, and a mark is labelled where it begins."""
    gold, cited = Mark(0, 6, "gold", "gold 1"), Mark(4, 12, "cited", "[1]")
    found = [(piece.start, piece.text, piece.kinds, piece.opened) for piece in cut("The 😀 bridge", [gold, cited])]
    assert found == [
        (0, "The ", ["gold"], "gold 1"),
        (4, "😀 ", ["cited", "gold"], "[1]"),
        (6, "bridge", ["cited"], ""),
    ]


def test_equal_and_nested_marks_keep_their_names():
    """Two marks at one place are one piece with both labels; a nested mark does not end the outer one."""
    marks = [Mark(2, 8, "gold", "gold 1"), Mark(2, 8, "cited", "[1]"), Mark(4, 6, "cited", "[2]")]
    found = cut("0123456789", marks)
    assert [(piece.text, piece.tags, piece.opened) for piece in found] == [
        ("01", [], ""),
        ("23", ["[1]", "gold 1"], "[1] · gold 1"),
        ("45", ["[1]", "gold 1", "[2]"], "[2]"),
        ("67", ["[1]", "gold 1"], ""),
        ("89", [], ""),
    ]


def spans(text):
    ends = st.integers(0, len(text))
    pairs = st.tuples(ends, ends).filter(lambda pair: pair[0] != pair[1])
    return st.lists(pairs.map(lambda pair: Mark(min(pair), max(pair), "cited", "[1]")), min_size=1, max_size=6)


@given(spans(TEXT))
def test_pieces_are_the_text_and_marks_are_their_words(marks):
    """No text is lost, duplicated or moved, also next to emoji, CRLF and combining marks."""
    pieces = cut(TEXT, marks)
    assert joined(pieces) == TEXT
    for mark in marks:
        assert words(pieces, mark) == TEXT[mark.start : mark.end]


@given(spans(TEXT * 30), st.integers(0, 50))
def test_excerpts_contain_every_mark_entirely_and_do_not_overlap(marks, context):
    """Excerpts are disjoint parts of the text in order, and each mark lies in one of them."""
    text = TEXT * 30
    at = 0
    seen = []
    for part in excerpts(text, marks, context):
        start = part.pieces[0].start
        assert start >= at
        at = start + len(joined(part.pieces))
        assert joined(part.pieces) == text[start:at]
        seen += [mark for mark in set(marks) if words(part.pieces, mark)]
        assert all(words(part.pieces, mark) in ("", text[mark.start : mark.end]) for mark in marks)
    assert sorted(seen) == sorted(set(marks))


def test_distant_marks_are_in_separate_excerpts_and_close_ones_in_the_same():
    """An excerpt knows on which side the article continues, and is cut at a blank."""
    text = "word " * 400
    first, near, far = Mark(0, 4, "gold"), Mark(100, 104, "cited"), Mark(1500, 1504, "cited")
    found = excerpts(text, [far, near, first])
    assert [(part.first_mark, part.cut_before, part.cut_after) for part in found] == [
        (0, False, True),
        (1500, True, True),
    ]
    assert joined(found[1].pieces).startswith("word")
    assert joined(found[1].pieces).endswith("word")


def test_blank_ends_of_an_article_are_not_an_excerpt():
    """Leading and trailing blank lines are left out without being reported as cut text."""
    (found,) = excerpts("\n\nOpened.\n", [Mark(2, 9, "gold")])
    assert (joined(found.pieces), found.cut_before, found.cut_after) == ("Opened.", False, False)


def test_a_mark_that_begins_in_blanks_is_complete():
    """Only unmarked blanks are left out."""
    (found,) = excerpts("\n\nOpened.\n", [Mark(1, 10, "cited")])
    assert joined(found.pieces) == "\nOpened.\n"
