import pytest

from qa.errors import BadArticle
from qa.readers.front_matter import Head, read_day, read_head, split

LONG = (
    "The council voted on Monday to rebuild the bridge, which had been closed to traffic since the flood of last May."
)


def test_front_matter_gives_fields_and_is_not_text() -> None:
    """Front matter becomes row fields, all of them text, and the text begins after it."""
    block = "id: 007\ntitle: Bridge\ndate: 2023-03-21\nauthor: Ann Lee\noutlet: ~\ntags: [a, b]\n"
    fields = {"id": "007", "title": "Bridge", "published_at": "2023-03-21", "authors": ["Ann Lee"]}
    assert split(f"---\n{block}---\n# Heading\nBody\n") == (fields, "# Heading\nBody\n")


def test_heading_gives_the_title_and_stays() -> None:
    """Without a title the first heading of the first level is it, and remains part of the text."""
    assert split("Intro\n## Small\n# Bridge to open #\nBody") == (
        {"title": "Bridge to open"},
        "Intro\n## Small\n# Bridge to open #\nBody",
    )


@pytest.mark.parametrize("text", ["---\nJust prose between rules.\n---\nMore", "---\nno end", "----\na: b\n---\n", ""])
def test_rules_are_not_front_matter(text: str) -> None:
    """A horizontal rule, or prose between two, is text."""
    assert split(text) == ({}, text)


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        ("a: &x [1]\nb: *x", "aliases"),
        ("a: [[[[[1]]]]]", "deep"),
        ("a: [1", "front matter line"),
        ("title: a\n\tb: c", "front matter line"),
        ("a: " + "x" * 20_000, "more than"),
        ("[" * 10_000, "deep"),
    ],
)
def test_bad_front_matter_is_refused(block: str, reason: str) -> None:
    """YAML that is broken, too large, too deep or able to grow without bound is refused."""
    with pytest.raises(BadArticle, match=reason):
        split(f"---\n{block}\n---\nBody")


def test_head_of_a_scraped_page() -> None:
    """Title, author and date are read from their lines, however those are run together."""
    text = f"Latest In\n\nBridge to be rebuilt\n\n{LONG}\n\nMar 21, 2023164 Shares2565 Views\n{LONG}"
    assert read_head(text) == Head(title="Bridge to be rebuilt", published_at="2023-03-21")
    text = f"The Marsh logo\n\nBridge to be rebuilt.\n\nBy Ann LeePublished about a year ago 3 min read\n2\n\n{LONG}"
    assert read_head(text) == Head(title="Bridge to be rebuilt.", authors=("Ann Lee",))


@pytest.mark.parametrize(
    "line",
    [
        "March 21, 2023",
        "Published 21 March 2023",
        "Published: Tuesday, March 21, 2023 10:15 GMT",
        "By Ann Lee | March 21, 2023 | 3 min read",
        "21 Mar 2023 · 4:05 p.m. ET",
        "March 21, 2023 Updated March 24, 2023, 10:50 a.m. ET",
        "Updated: March 21, 2023",
        "2023-03-21T10:15:00Z",
    ],
)
def test_date_lines(line: str) -> None:
    """A line that is mainly a date gives that date, and the publication date before that of an update."""
    assert read_day(line) == "2023-03-21"
    assert read_head(f"Bridge to be rebuilt\n{line}\n\n{LONG}").published_at == "2023-03-21"


@pytest.mark.parametrize(
    "line",
    [
        "The bridge was closed on March 21, 2023.",
        "March 21, 2023 was the day it fell.",
        "March 21, 2023, the mayor said",
        "Published about a year ago",
        "Feb 30, 2023",
        "03/04/2023",
        "© 2023 Example News",
    ],
)
def test_prose_and_vague_dates_give_none(line: str) -> None:
    """A date inside prose, a relative date and an ambiguous one are not dates of publication."""
    assert read_head(f"Bridge to be rebuilt\n{line}\n\n{LONG}").published_at is None


def test_date_heading_behind_prose_is_news() -> None:
    """After the first sentence a date on a line of its own is a heading."""
    assert read_head(f"Bridge to be rebuilt\n\n{LONG}\n\nMarch 21, 2023\n\n{LONG}").published_at is None


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("By Ann Lee", ("Ann Lee",)),
        ("By ANN LEE AND BO DAL", ("ANN LEE", "BO DAL")),
        ("By Ann Lee, Example News", ("Ann Lee",)),
        ("By Ann Lee, Bo van Dal and Zoë O'Neil", ("Ann Lee", "Bo van Dal", "Zoë O'Neil")),
        ("By Émile Roux", ("Émile Roux",)),
        ("By E\u0301mile Roux and Đặng Ân", ("E\u0301mile Roux", "Đặng Ân")),
        ("By the élan vital", ()),
        ("By élan vital", ()),
        ("By 山田 太郎", ("山田 太郎",)),
        ("By Reuters", ()),
        ("By Example News Staff", ()),
        ("By the river", ()),
    ],
)
def test_bylines(line: str, names: tuple[str, ...]) -> None:
    """A byline yields people, not agencies."""
    assert read_head(f"Bridge to be rebuilt\n{line}\n\n{LONG}").authors == names


def test_rights_line_names_the_outlet_as_last_resort() -> None:
    """The owner in a copyright line at the end is the outlet; a paragraph about copyright is not such a line."""
    assert read_head(f"Title of it\n\n{LONG}\n\n© 2023 ExampleNews right Reserves").outlet == "ExampleNews"
    assert read_head(f"Title of it\n\n{LONG}\n\n© 2020-2023 Marsh, Inc. All Rights Reserved.").outlet == "Marsh"
    assert read_head(f"Title of it\n\n{LONG}\n\nCopyright law is old.").outlet is None


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (f"World\n\nBridge to be rebuilt\n\n{LONG}", "Bridge to be rebuilt"),
        (f"{LONG}{LONG}\n\nOn the desk\n\n{LONG}", None),
        ("重建大桥的决定\n\n市议会周一投票决定重建这座大桥。", "重建大桥的决定"),
        (f"😀 Bridge, at last!\n\n{LONG}", "😀 Bridge, at last!"),
        ("Only one line of text", None),
        ("", None),
    ],
)
def test_titles(text: str, title: str | None) -> None:
    """The title is the first line that looks like a headline; prose at the top means there is none."""
    assert read_head(text).title == title
