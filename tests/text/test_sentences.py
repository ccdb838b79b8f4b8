"""Sentence boundaries: exact, complete, linear, and where a reader would put them."""

import time

import pytest
from hypothesis import given, settings, strategies as st

from qa.errors import BadArticle
from qa.text.normalise import normalise
from qa.text.sentences import MAX_SENTENCE_CHARS, split_sentences
from qa.types import Span

# A few pieces, so that the same sentence comes again and again, as it does in scraped pages.
PIECES = [
    "The U.S. said no.",
    "Mr. Xi left at 5 p.m. Monday.",
    "Yes.",
    "Yes. Yes.",
    "“We won. It was hard.” he said.",
    '"Why?" she asked.',
    "HEADLINE WITHOUT A STOP",
    "他走了。“很好！”",
    "👩\u200d👩\u200d👧 won 🇫🇷🇩🇪!",
    "e\u0301te\u0301 a\u0308\u0323 fini.",
    "هل هذا صحيح؟",
    "It rose to $1.5 million... then fell",
    "word " * 60,
    "long" * 80,
    "\u0301",
    "...",
    "•",
]
GAPS = [" ", " ", "\n", "\n\n", "\r\n", "\r", "", "  ", "\u00a0", "\t", "\u2028", "\u3000"]


def storable(text: str) -> bool:
    try:
        normalise(text)
    except BadArticle:
        return False
    return True


TEXTS = st.one_of(
    st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(GAPS)), max_size=40).map(
        lambda parts: normalise("".join(piece + gap for piece, gap in parts))
    ),
    st.text(max_size=200).filter(storable).map(normalise),
    st.text(alphabet=".!?\"' \n“”aA1。)(", max_size=80),
)


@st.composite
def articles(draw: st.DrawFn) -> tuple[str, tuple[Span, ...]]:
    """Draw a text and ranges of boilerplate in it, in any order, some of them overlapping."""
    text = draw(TEXTS)
    place = st.integers(0, len(text))
    ends = draw(st.lists(st.tuples(place, place), max_size=4))
    return text, tuple(Span(min(pair), max(pair)) for pair in ends if pair[0] != pair[1])


def cut(text: str) -> list[str]:
    return [span.slice(text) for span in split_sentences(text)]


@settings(deadline=None, max_examples=300)
@given(articles())
def test_sentences_cover_the_text_once(article: tuple[str, tuple[Span, ...]]) -> None:
    """In order, disjoint, stripped, not too long; every character that is neither blank nor excluded is in one."""
    text, excluded = article
    spans = split_sentences(text, excluded)
    covered = [False] * len(text)
    end = 0
    for span in spans:
        assert span.start >= end
        end = span.end
        piece = span.slice(text)
        assert piece == piece.strip() != ""
        assert len(piece) <= MAX_SENTENCE_CHARS
        assert not any(span.overlaps(hole) for hole in excluded)
        covered[span.start : span.end] = [True] * len(piece)
    for at, letter in enumerate(text):
        if not letter.isspace() and not any(hole.start <= at < hole.end for hole in excluded):
            assert covered[at]


@pytest.mark.parametrize(
    "sentence",
    [
        "The U.S. President met Mr. Xi and Messrs. Putin and Lavrov of the U.N. Security Council.",
        "J. K. Smith, John F. Kennedy Jr. and C.J. Stroud live on St. George St. near Mt. Auburn.",
        "No. 5 beat No. 12 on Jan. 5 at 10 a.m. ET, or 7 a.m. Pacific time (10 p.m. Monday in Tokyo).",
        "The doors open at 10 a.m. January 5 and close at 6 p.m. February 9.",
        "The doors open at 10 a.m. Jul. 5 and close at 6 p.m. Thur. next.",
        "It cost $1.5 million, or 3.2% of sales at Apple Inc. Chief Tim Cook's firm.",
        "The court overturned Roe v. Wade, said Sen. Tammy Baldwin, D-Wis., and Rep. Adam Schiff, D-Calif.",
        "“Why?” he asked.",
        "“Are you sure!?” Tim Cook asked him.",
        "She waited ... and waited… for the U.S.-led talks.",
        "MOSCOW (CNN)—The talks began at cnn.com today.",
        "SALEM, Ore. (AP) — The governor left.",
        "Write to Bruce.Fessier@example.com or call 602-267-1600 ext. 1 now.",
        "12. The second-best city",
    ],
)
def test_one_sentence_stays_whole(sentence: str) -> None:
    """Abbreviations, initials, clocks, decimals, case names and attributions do not end a sentence."""
    assert cut(sentence) == [sentence]


@pytest.mark.parametrize(
    "expected",
    [
        ["He left the U.S.", "The talks failed."],
        ["It opens at 5 p.m.", "Police came."],
        ["“We won.", "It was hard.”", "He left."],
        ['"We won.', 'It was hard."', '"Really?"', "They left."],
        ["(He left.)", "She stayed.[1][2]", "They slept."],
        ["No.", "He did not.", "He said so!", "Why?", "Because."],
        ["Prices rose 4.5%.", "22 states agreed.", "$5 is too much."],
        ["It is sold out.", "iPhone 5 is not."],
        ["Well...", "The end.", "And then …", "He slept."],
        ["She moved to Washington, D.C.", "“I love it,” she said."],
    ],
)
def test_sentences_are_parted(expected: list[str]) -> None:
    """A full stop ends a sentence, with the quotation mark or bracket that closes after it."""
    assert cut(" ".join(expected)) == expected


def test_a_lost_space_still_parts_sentences() -> None:
    """Scrapers drop the space between paragraphs; an address is not a boundary."""
    assert cut("It ended last week.The rest is at Booking.Com today.") == [
        "It ended last week.",
        "The rest is at Booking.Com today.",
    ]


def test_scripts_without_spaces_or_with_other_stops() -> None:
    """Chinese and Japanese need no space after the stop; Arabic, Urdu and Hindi have stops of their own."""
    assert cut("他走了。“很好！”然后呢？好") == ["他走了。", "“很好！”", "然后呢？", "好"]
    assert cut("هل هذا صحيح؟ نعم。 यह है। हाँ") == ["هل هذا صحيح؟", "نعم。", "यह है।", "हाँ"]


def test_a_line_end_ends_a_sentence() -> None:
    """Headlines and list lines have no full stop."""
    assert cut("A headline\nBy Jane Doe\n\n• One\n• Two") == ["A headline", "By Jane Doe", "• One", "• Two"]


WRAPPED = """\
Talks begin in the capital
The two leaders met for the first time in a year on Monday, and both said
that the talks had gone well. Officials of the U.S. and its allies watched
closely. Nothing was signed at the end of the day, which surprised no one.

A second paragraph that is short stays as it
is, because its lines do not reach the column where the others broke.
"""


def test_a_sentence_goes_on_over_hard_wrapped_lines() -> None:
    """A sentence goes on over the line ends of hard-wrapped text; a short line still ends it."""
    assert cut(WRAPPED) == [
        "Talks begin in the capital",
        "The two leaders met for the first time in a year on Monday, and both said\nthat the talks had gone well.",
        "Officials of the U.S. and its allies watched\nclosely.",
        "Nothing was signed at the end of the day, which surprised no one.",
        "A second paragraph that is short stays as it",
        "is, because its lines do not reach the column where the others broke.",
    ]


def test_a_sentence_never_reaches_into_what_is_excluded() -> None:
    """Boilerplate splits a sentence even in its middle."""
    text = "He said Share this! that it is over."
    assert [span.slice(text) for span in split_sentences(text, [Span(8, 19)])] == ["He said", "that it is over."]


def test_an_overlong_sentence_is_cut_at_white_space() -> None:
    """The pieces are as long as the limit lets them be and break no word."""
    text = "words " * 500
    pieces = cut(text)
    assert [len(piece) for piece in pieces] == [1199, 1199, 599]
    assert set(" ".join(pieces).split()) == {"words"}


@pytest.mark.parametrize(
    "grapheme", ["e\u0301\u0323", "👩\u200d👩\u200d👧", "👍🏽", "🇫🇷", "\u1112\u1161\u11ab", "❤\ufe0f"]
)
def test_an_overlong_sentence_is_not_cut_inside_a_grapheme(grapheme: str) -> None:
    """A mark, a joined emoji, a flag or a syllable stays in one piece."""
    for shift in range(len(grapheme)):
        for piece in cut("x" * shift + grapheme * 1000):
            assert piece.strip("x").replace(grapheme, "") == ""


@pytest.mark.parametrize(
    "unit", ["a", " ", ".", "\n", "\u0301", '."', "A. ", "Yes. ", "a\n", "word " * 14 + "\n", "\u200d"]
)
def test_hostile_text_ends(unit: str) -> None:
    """Two million characters of one thing take seconds: a quadratic rule would take hours."""
    text = unit * (2_000_000 // len(unit))
    began = time.monotonic()
    spans = split_sentences(text)
    print(f"{unit!r}: {time.monotonic() - began:.1f} s")
    assert (spans[-1].end if spans else 0) == len(text.rstrip())
