from collections.abc import Iterator

import pytest

from qa.errors import BadArticle
from qa.readers.html_process import PageReader
from qa.readers.rows import article_from_row
from qa.types import Article, Span


@pytest.fixture(scope="module")
def pages() -> Iterator[PageReader]:
    with PageReader(limit_s=20) as reader:
        yield reader


def test_a_full_row() -> None:
    """Every field is kept in its normal form; the text gets LF line ends and its boilerplate is marked."""
    row = {
        "id": "n/1",
        "text": "\ufeffThe bridge 😀 fell.\r\nAdvertisement\r\n",
        "title": " The\n bridge ",
        "url": "https://example.com/a#top",
        "outlet": "Example News",
        "published_at": "2023-03-21T10:00:00Z",
        "authors": ["Ann Lee", " "],
        "language": "en-GB",
        "score": float("nan"),
        "tags": {"a": [1]},
    }
    assert article_from_row(row, "rows.jsonl:1", outlet="Other", published="2001-01-01") == Article(
        id="n/1",
        text="The bridge 😀 fell.\nAdvertisement\n",
        title="The bridge",
        url="https://example.com/a#top",
        outlet="Example News",
        published_at="2023-03-21T10:00:00+00:00",
        authors=("Ann Lee",),
        language="en-GB",
        furniture=(Span(19, 32),),
        source="rows.jsonl:1",
    )


def test_absent_fields_and_defaults() -> None:
    """Null and empty fields are absent; outlet and date then come from the defaults."""
    row = {"text": "Words.", "id": None, "title": "", "url": None, "outlet": " ", "published_at": "", "authors": None}
    article = article_from_row(row, "s", outlet="Example News", published="21 March 2023", default_id="rows.jsonl#1")
    assert article == Article("rows.jsonl#1", "Words.", None, None, "Example News", "2023-03-21", source="s")


@pytest.mark.parametrize(
    ("row", "made"),
    [
        ({"id": "https://example.com/a#b", "url": "https://example.com/z"}, "https://example.com/a#b"),
        ({"url": "https://example.com/a?b=1#c"}, "https://example.com/a?b=1"),
        ({"url": "example.com/a"}, "https://example.com/a"),
        ({}, "folder/a.txt"),
    ],
)
def test_ids(row: dict[str, object], made: str) -> None:
    """The id is the given one, or the address without its fragment, or the default."""
    assert article_from_row({"text": "Words.", **row}, "s", default_id="folder/a.txt").id == made


def test_long_addresses_make_short_ids() -> None:
    """An id made from a long URL keeps to the limit, and two such URLs have different ids."""
    ids = {article_from_row({"text": "Words.", "url": "https://e.com/" + "a" * 900 + end}, "s").id for end in "xy"}
    assert len(ids) == 2
    assert all(len(made) == 512 for made in ids)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", 1),
        ("text", ["a"]),
        ("text", "nul \0 here"),
        ("text", "lone \ud800 half"),
        ("html", {"a": 1}),
        ("id", 7),
        ("id", ""),
        ("id", "."),
        ("id", ".."),
        ("id", "a\nb"),
        ("id", "a\0b"),
        ("id", "a\u202eb"),
        ("id", "x" * 513),
        ("title", {"en": "x"}),
        ("title", float("nan")),
        ("title", "bell \x07"),
        ("title", "half \ud800"),
        ("title", "x" * 1001),
        ("url", "javascript:alert(1)"),
        ("url", " JavaScript:alert(1)"),
        ("url", "data:text/html,x"),
        ("url", "file:///etc/passwd"),
        ("url", "//example.com/a"),
        ("url", "https://"),
        ("url", "https://[::1"),
        ("url", "https://example.com/a b"),
        ("url", "no address"),
        ("url", 5),
        ("outlet", ["CNN"]),
        ("published_at", True),
        ("published_at", float("nan")),
        ("published_at", 10**30),
        ("published_at", "2026-02-30"),
        ("published_at", {"date": "2023-03-21"}),
        ("authors", "Ann Lee"),
        ("authors", [1]),
        ("authors", {"name": "Ann"}),
        ("authors", ["Ann"] * 101),
        ("language", "not a code"),
        ("language", 1),
    ],
)
def test_a_bad_field_is_refused_by_name(field: str, value: object) -> None:
    """A known field of the wrong type, form or size is refused, and the refusal names it."""
    row = {"text": "Words.", field: value}
    if field == "html":
        del row["text"]
    with pytest.raises(BadArticle) as caught:
        article_from_row(row, "s")
    assert caught.value.param == field
    assert field in str(caught.value) or field == "text"
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({}, "neither text nor html"),
        ({"title": "x"}, "neither text nor html"),
        ({"text": None}, "neither text nor html"),
        ({"text": ""}, "text: empty"),
        ({"text": " \r\n\t "}, "text: empty"),
        ({"html": ""}, "html: empty"),
    ],
)
def test_a_row_without_words_is_refused(row: dict[str, object], reason: str) -> None:
    """A row without text is refused."""
    with pytest.raises(BadArticle, match=reason):
        article_from_row(row, "s")


def test_the_limit_is_in_bytes(pages: PageReader) -> None:
    """A text may have as many UTF-8 bytes as the limit and not one more; so may HTML."""
    assert article_from_row({"text": "é" * 5}, "s", max_bytes=10).text == "ééééé"
    for row in ({"text": "é" * 5 + "a"}, {"html": "<p>é</p>123"}):
        with pytest.raises(BadArticle, match="more than 10 bytes"):
            article_from_row(row, "s", max_bytes=10, pages=pages)


def test_html_gives_what_the_row_does_not(pages: PageReader) -> None:
    """The text comes from the HTML, its metadata fills the gaps of the row, and invalid metadata is left out."""
    markup = (
        "<html lang='??'><head><title>From the page</title><link rel='canonical' href='javascript:alert(1)'>"
        "<meta property='og:site_name' content='Page News'></head>"
        "<body><article><h1>From the page</h1><p>The bridge fell.</p></article></body></html>"
    )
    article = article_from_row({"html": markup, "title": "From the row", "id": "1"}, "s", outlet="Default", pages=pages)
    assert article.title == "From the row"
    assert article.outlet == "Page News"
    assert article.url is None
    assert article.language is None
    assert article.text.endswith("The bridge fell.")


def test_text_wins_over_html() -> None:
    """With both a text and HTML, the text is the article."""
    assert article_from_row({"text": "Words.", "html": "<p>Other</p>"}, "s").text == "Words."
