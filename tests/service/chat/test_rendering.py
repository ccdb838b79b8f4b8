"""Rendering answers for chat frontends."""

from __future__ import annotations

import pytest

from qa.service.chat.rendering import ChatText, PlacedCitation, Style, inert, title
from qa.types import Citation, ShortAnswer, Source, Span


def _citation(number: int, name: str = "Bridge opens", start: int = 0) -> Citation:
    source = Source("a1", 1, "0" * 64, name, "Wire", None, "2023-03-21")
    return Citation(number, source, Span(start, start + 4), start, start + 4, "Word")


def _text(style: Style, *citations: Citation) -> ChatText:
    text = ChatText(style, lambda citation: f"http://host/a1?span={citation.span.start}-{citation.span.end}")
    for citation in citations:
        text.add_citation(citation)
    return text


@pytest.mark.parametrize(
    ("style", "shown", "marked"),
    [
        ("markers", "It opened 😀. [1] It cost 4. [2][1]", ["[1]", "[2]", "[1]"]),
        (
            "links",
            "It opened 😀. ([Bridge opens](http://host/a1?span=0-4)) It cost 4."
            " ([Bridge opens](http://host/a1?span=9-13)) ([Bridge opens](http://host/a1?span=0-4))",
            [
                "([Bridge opens](http://host/a1?span=0-4))",
                "([Bridge opens](http://host/a1?span=9-13))",
                "([Bridge opens](http://host/a1?span=0-4))",
            ],
        ),
    ],
)
def test_a_marker_is_found_where_its_place_says(style: Style, shown: str, marked: list[str]) -> None:
    """Positions are code points of the whole text, even if it was sent in pieces and contains emoji."""
    text = _text(style, _citation(1), _citation(2, start=9))
    markdown = text.add("It opened 😀. [1]") + text.add(" It cost 4. [2][1]")
    assert markdown == shown
    assert [markdown[placed.start : placed.end] for placed in text.placed] == marked
    assert [placed.citation.number for placed in text.placed] == [1, 2, 1]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("4.2 million\n euros 😀", "**4.2 million euros 😀**\n\n"),
        ("5*5 or 5**2", "**5\\*5 or 5\\*\\*2**\n\n"),
        ("C:\\new\\", "**C:\\\\new\\\\**\n\n"),
        ("room [1]", "**room (1)**\n\n"),
        ("<b>[here](http://evil.example)</b>", "**[here]**\n\n"),
        ("\u200b", ""),
    ],
)
def test_a_short_answer_is_a_bold_line_and_nothing_else(words: str, shown: str) -> None:
    """No sign in it ends the bold, links or looks like a marker; the markers after it are still where they are said."""
    text = _text("markers", _citation(1))
    assert text.add_short_answer(ShortAnswer(words, 1, 0, len(words))) == shown
    markdown = shown + text.add("It opened. [1]")
    assert [markdown[placed.start : placed.end] for placed in text.placed] == ["[1]"]


def test_repeats_come_after_the_first_places() -> None:
    """Frontends number by position in the list, so it begins with each citation once, in order."""
    text = _text("markers", _citation(1), _citation(2, start=9))
    text.add("A. [1] B. [1] C. [2]")
    assert [(placed.citation.number, placed.start) for placed in text.in_order()] == [(1, 3), (2, 17), (1, 10)]
    assert isinstance(text.in_order()[0], PlacedCitation)


def test_a_number_in_brackets_that_is_no_citation_stays_text() -> None:
    """Only the number of a registered citation is a marker."""
    assert _text("links", _citation(1)).add("Room [7] is full. [1]").startswith("Room [7] is full. ([Bridge")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("See [here](http://evil.example/x).", "See [here] (`http://evil.example/x`)."),
        ("![pixel](https://evil.example/p.png)", "! [pixel] (`https://evil.example/p.png`)"),
        ("[a][b] and [c]: d", "[a] [b] and [c] : d"),
        ("<img src=x onerror=y> 3 < 4", "&lt;img src=x onerror=y> 3 < 4"),
        ("Go to www.evil.example, now", "Go to `www.evil.example`, now"),
        ("A note[^1]", "A note[ ^1]"),
        ("The [new] bridge cost $4", "The [new] bridge cost $4"),
        ("e\u0301 日本 👩‍🚒 [x] y", "e\u0301 日本 👩‍🚒 [x] y"),
    ],
)
def test_nothing_of_an_article_becomes_a_link(words: str, shown: str) -> None:
    """Links, images, footnotes, tags and bare URLs are defused; their words stay."""
    assert inert(words) == shown


def test_a_title_cannot_end_its_link() -> None:
    """Brackets and line breaks in a title, which would end the link text, are replaced."""
    assert title(_citation(1, "A [b](http://evil.example)\n<i>c</i>")) == "A (b)(`http://evil.example`) ‹i›c‹/i›"
    assert len(title(_citation(1, "x" * 500))) == 120
