import time
from itertools import pairwise

import pytest

from qa.readers.boilerplate import find

LONG = (
    "The council voted on Monday to rebuild the bridge, which had been closed to traffic since the flood of last May."
)


def marked_lines(text: str) -> list[str]:
    """Return the lines that are not blank and lie in a span; no span may cut a line."""
    spans, start, marked = find(text), 0, []
    for line in text.split("\n"):
        inside = [span for span in spans if span.start <= start and start + len(line) <= span.end]
        assert len(inside) == sum(span.start < start + len(line) and start < span.end for span in spans)
        if inside and line.strip():
            marked.append(line.strip())
        start += len(line) + 1
    return marked


@pytest.mark.parametrize(
    "line",
    [
        "Mar 21, 2023164 Shares2565 Views",
        "12 Shares | 3.4k Views",
        "Share on Facebook",
        "Facebook Twitter WhatsApp Email",
        "Facebook | Twitter | Copy link",
        "By Ann LeePublished about a year ago 3 min read",
        "Advertisement",
        "Story continues below advertisement",
        "Read more: Bridge plan is late again",
        "READ MORE",
        "Leave a Reply",
        "Leave a Comment:",
        "Your email address will not be published. Required fields are marked *",
        "Sign in to comment",
        "Be the first to respond and start the conversation.",
        "There are no comments for this story",
        "Follow Ann Lee on Twitter: @annlee",
        "Contact Ann Lee at ann.lee@example.com or 555-123-4567.",
        "Sign up for our weekly newsletter to get the best of our science coverage.",
        "SPORTS NEWSLETTER: Sign up now to get headlines in your inbox",
        "We use cookies to make this site work for you.",
        "By continuing to browse you agree to our terms of use.",
        "© 2023 Example News. All rights reserved.",
        "Copyright 2023 Example News",
        "Privacy Policy",
        "About the Creator",
        "Source link",
        "Editors' Picks",
    ],
)
def test_boilerplate_is_marked_anywhere(line: str) -> None:
    """A boilerplate line between paragraphs is marked, and the paragraphs are not."""
    assert marked_lines(f"{LONG}\n\n{line}\n\n{LONG}") == [line]


@pytest.mark.parametrize(
    "line",
    [
        "The company will leave a reply deadline open.",
        "Leave a comment with the clerk before noon, the notice said.",
        "Related posts were cut by a third, the ministry said.",
        "Latest figures show a rise of 3 per cent.",
        "Sign up for Medicare Part B before the end of June.",
        "Subscribe rates fell, and the newsletter business with them.",
        "For more than a decade, his newsletter has moved the market.",
        "Like many on Twitter, she was angry at the decision.",
        "Follow the road to the river, the mayor said.",
        "Contact tracers at 12 hospitals said they were tired.",
        "By using privacy laws in this way, the courts have gone too far.",
        "By clicking on the link, users lost their privacy.",
        "Copyright law has not changed since 1998.",
        "Share prices fell by a fifth.",
        "Shares fell 164 points.",
        "The video had 2,565 views.",
        "Comments by the minister drew anger.",
        "Advertisement spending fell last year.",
        "We use cork as bait, the trapper said.",
        "Popular articles of faith were read out.",
        "Jump to it, she told the team.",
        "Read more books, the teacher said.",
        "About the author little is known.",
        "New York",
        "The bridge",
        "• Length: 300 metres",
        "12",
    ],
)
def test_news_is_not_marked(line: str) -> None:
    """Prose that begins like boilerplate, a heading and a fact are not marked, in the middle and at the end."""
    assert marked_lines(f"{LONG}\n\n{line}\n\n{LONG}") == []
    assert marked_lines(f"{LONG}\n\n{line}") == []


def test_header_in_the_tail_takes_the_links_after_it() -> None:
    """After the last paragraph a section header takes short lines, up to a sentence that matches no pattern."""
    links = "Latest Posts\n\nMayor opens school\nWeather: rain\n\n  • Contact"
    text = f"{LONG}\n\n{links}\n\nIt was a small step.\nSoup of the day"
    assert marked_lines(text) == ["Latest Posts", "Mayor opens school", "Weather: rain", "• Contact"]


def test_header_in_the_middle_takes_its_bullets_only() -> None:
    """Between paragraphs a header takes bullets; a heading after them belongs to the news."""
    text = f"{LONG}\n\nMore stories:\n► Mayor opens school\n► Rain to stay\n\nWhat it costs\n\n{LONG}"
    assert marked_lines(text) == ["More stories:", "► Mayor opens school", "► Rain to stay"]


def test_counts_and_tags_beside_boilerplate() -> None:
    """A lone count after a byline, and a tag and a count before a comment box, are boilerplate; elsewhere not."""
    byline = "By Ann LeePublished a year ago 3 min read"
    text = f"{byline}\n2\n\n{LONG}\n\n7\n\n{LONG}\n\npolitics\n2\n\nLeave a Reply"
    assert marked_lines(text) == [byline, "2", "politics", "2", "Leave a Reply"]


def test_logo_only_as_first_line() -> None:
    """The text of a logo is boilerplate in the first line; a headline about a logo is not."""
    assert marked_lines(f"The Marsh logo\n\n{LONG}") == ["The Marsh logo"]
    assert marked_lines(f"{LONG}\n\nThe Marsh logo\n\n{LONG}") == []
    assert marked_lines(f"Council unveils New City logo\n\n{LONG}") == []


def test_spans_are_sorted_disjoint_and_code_points() -> None:
    """Spans are sorted, disjoint and in code points; boilerplate separated only by blank lines is one span."""
    text = f"Advertisement\n\n😀 {LONG}\n\nLeave a Reply\n\n👩‍👩‍👧 é\n\n© 2023 新聞"
    spans = find(text)
    assert [span.slice(text) for span in spans] == ["Advertisement", "Leave a Reply\n\n👩‍👩‍👧 é\n\n© 2023 新聞"]
    assert all(a.end < b.start for a, b in pairwise(spans))


def test_cjk_paragraph_ends_the_tail() -> None:
    """A paragraph of Chinese is a paragraph though it has few characters and no spaces."""
    body = "市议会周一投票决定重建这座自去年五月洪水以来一直关闭的大桥，预计费用为四千万元。"
    assert marked_lines(f"Related\n\n{body}\n\n{body}\n\nRelated\n\n短") == ["Related", "Related", "短"]


@pytest.mark.parametrize("text", ["", "\n\n", "   ", "One line"])
def test_nothing_to_mark(text: str) -> None:
    """Empty and tiny texts have no boilerplate."""
    assert find(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "a\n" * 300_000,
        "\n".join(f"{number:x}" for number in range(100_000)),
        "Related\n" * 100_000,
        "Facebook " * 100_000,
        ("Facebook " * 60 + "\n") * 2_000,
        "Get " * 250_000,
        ("1 share " * 70 + "\n") * 2_000,
        ("Follow " + "on " * 190 + "\n") * 2_000,
        "." * 1_000_000,
        " " * 1_000_000,
    ],
)
def test_hostile_text_takes_linear_time(text: str) -> None:
    """Half a megabyte of anything is searched in seconds."""
    begun = time.perf_counter()
    find(text)
    assert time.perf_counter() - begun < 10
