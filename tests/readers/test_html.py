import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from qa.errors import BadArticle
from qa.readers import html_process
from qa.readers.html import HEADER
from qa.readers.html_process import PageReader
from tests import ROOT

PARAGRAPHS = "".join(
    f"<p>Paragraph {number} tells at some length of the bridge, its engineers, and the money that it will take.</p>"
    for number in range(5)
)


@pytest.fixture(scope="module")
def pages() -> Iterator[PageReader]:
    with PageReader(limit_s=20) as reader:
        yield reader


def _page(head: str = "", article: str = "", foot: str = "") -> str:
    return (
        f'<!doctype html><html lang="en"><head><title>Bridge plan | Example News</title>{head}</head><body>'
        f"<nav><a href='/'>Home</a><a href='/sport'>Sport</a></nav><article><h1>Bridge plan approved</h1>{article}"
        f"{PARAGRAPHS}</article>{foot}</body></html>"
    )


def test_main_text_and_metadata(pages: PageReader) -> None:
    """The text is the article without navigation and scripts; author, outlet and date come from the metadata."""
    head = (
        "<meta property='og:site_name' content='Example News'><meta name='author' content='Ann Lee'>"
        "<link rel='canonical' href='https://example.com/bridge'>"
        "<meta property='article:published_time' content='2023-03-21T23:30:00-05:00'>"
    )
    page = pages.read_page(_page(head, "<script>alert(1)</script><ul><li>One arch</li><li>Two arches 😀</li></ul>"))
    text = str(page.pop("text"))
    assert "Paragraph 4 tells" in text
    assert "Two arches 😀" in text
    assert "alert" not in text
    assert "Sport" not in text
    assert page == {
        "title": "Bridge plan approved",
        "url": "https://example.com/bridge",
        "outlet": "Example News",
        "authors": ["Ann Lee"],
        "published_at": "2023-03-21",
        "language": "en",
    }


@pytest.mark.parametrize(
    ("head", "article"),
    [
        (
            '<script type="application/ld+json">{"datePublished":"2023-03-21T01:00:00Z"}</script>',
            "",
        ),
        ("", "<p class='date'>Published March 21, 2023</p>"),
        ("", "<time datetime='2023-03-21T10:00:00Z'>2 hours ago</time>"),
        ("", "<div>By Ann Lee | <span>21 March 2023</span></div>"),
    ],
)
def test_stated_dates(pages: PageReader, head: str, article: str) -> None:
    """A date counts from JSON-LD, from a time element, and from a date line beside the headline."""
    assert pages.read_page(_page(head, article))["published_at"] == "2023-03-21"


@pytest.mark.parametrize(
    ("head", "article", "foot"),
    [
        ("", "", ""),
        ("", "", "<footer>© 2024</footer>"),
        ("<meta name='copyright' content='© 2024 Example'>", "", "<div>© 2024 Example News</div>"),
        ("", "<p>The old bridge fell on February 24, 2022, and nobody was hurt, the mayor of the town said.</p>", ""),
        ("", "<p>2 days ago</p>", ""),
        ("", "<p>Today</p>", ""),
        ("", "", "<aside class='related'><time datetime='2021-03-02'>March 2, 2021</time></aside>"),
        ("", "", "<div class='sidebar'><span class='date'>March 2, 2021</span></div>"),
        ("<meta property='article:published_time' content='2093-01-01'>", "", ""),
    ],
)
def test_no_date_is_guessed(pages: PageReader, head: str, article: str, foot: str) -> None:
    """Today, a copyright year, a date in the news, a relative one and that of another article are not the date."""
    assert "published_at" not in pages.read_page(_page(head, article, foot))


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>The mayor resigned.</p><p>She will\n leave.</p>", "The mayor resigned.\nShe will leave."),
        ("Text of an item<br>and more", "Text of an item\nand more"),
        ("<div>A<b>B</b> c</div><script>x()</script><div>D &amp; é</div>", "AB c\nD & é"),
        ('<?xml version="1.0" encoding="ascii"?><p>Ünïcode 😀</p>', "Ünïcode 😀"),
    ],
)
def test_fragments(pages: PageReader, markup: str, text: str) -> None:
    """A short fragment keeps all its paragraphs."""
    assert pages.read_page(markup)["text"] == text


@pytest.mark.parametrize(
    "markup",
    ["", "   ", "<html><body></body></html>", "<script>x()</script>", "<" * 500_000, "<div>" * 100_000 + "x"],
)
def test_pages_without_text(pages: PageReader, markup: str) -> None:
    """A page without words in it is refused."""
    with pytest.raises(BadArticle, match="HTML"):
        pages.read_page(markup)


def test_a_page_that_takes_too_long_is_refused_alone() -> None:
    """A child that a page keeps busy is killed and reaped; a new one reads the next page."""
    attributes = "<p " + " ".join(f"a{number}=1" for number in range(200_000)) + ">x</p>"
    with PageReader(limit_s=3) as pages:
        pages.read_page("<p>One.</p>")
        first = pages._child
        with pytest.raises(BadArticle, match="HTML took longer than 3 s to read"):
            pages.read_page(attributes)
        assert first is not None
        assert first.returncode is not None
        assert pages.read_page("<p>Two.</p>")["text"] == "Two."


def test_a_child_that_dies_is_replaced() -> None:
    """If the child is gone, the next page starts another; closing leaves no process behind."""
    with PageReader() as pages:
        pages.read_page("<p>One.</p>")
        assert pages._child is not None
        pages._child.kill()
        pages._child.wait()
        assert pages.read_page("<p>Two.</p>")["text"] == "Two."
        pid = pages._child.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("paragraphs", [60_000, 150_000, 400_000])
def test_memory_is_limited(paragraphs: int) -> None:
    """A page that needs more memory than it may have is refused with that reason, and the next one is read.

    The parser has an error of its own for it, besides Python's.
    """
    with PageReader(limit_s=20, memory_bytes=30_000_000) as pages:
        with pytest.raises(BadArticle, match="HTML: it takes too much memory to read"):
            pages.read_page("<html><body>" + "<p>a<b>b</b></p>" * paragraphs)
        assert pages.read_page("<p>Two.</p>")["text"] == "Two."


def test_a_reader_that_ran_out_of_memory_is_replaced() -> None:
    """Its memory stays fragmented, and the next page may need all of it."""
    with PageReader(limit_s=20, memory_bytes=30_000_000) as pages:
        pages.read_page("<p>One.</p>")
        first = pages._child
        with pytest.raises(BadArticle, match="too much memory"):
            pages.read_page("<html><body>" + "<p>a<b>b</b></p>" * 400_000)
        pages.read_page("<p>Two.</p>")
        assert pages._child is not first


def test_memory_of_a_feed_is_limited() -> None:
    """A feed that needs more memory than its length allows is refused for that reason too."""
    with PageReader(limit_s=20, memory_bytes=1_000_000) as pages, pytest.raises(BadArticle, match="too much memory"):
        pages.read_feed(b"<rss>" + b"<a/>" * 2_000_000 + b"</rss>")


def test_a_reader_that_nobody_can_kill_ends_by_itself() -> None:
    """With its parent gone a page must not keep a core busy for minutes: the kernel ends the child."""
    page = b"<p " + b" ".join(b"a%d=1" % number for number in range(200_000)) + b">x</p>"
    words = [
        sys.executable,
        "-P",
        "-c",
        html_process._CODE,
        str(ROOT),
        "1",
        str(html_process.MEMORY_BYTES),
    ]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as child:
        assert child.stdin is not None
        child.stdin.write(HEADER.pack(b"P", len(page)) + page)
        child.stdin.flush()
        try:
            assert child.wait(40) == -signal.SIGXCPU
        finally:
            child.kill()


def test_threads_get_their_own_pages(pages: PageReader) -> None:
    """The pages of many threads do not get mixed up."""
    texts: dict[int, object] = {}

    def read(number: int) -> None:
        texts[number] = pages.read_page(f"<p>Page number {number}.</p>")["text"]

    threads = [threading.Thread(target=read, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == {number: f"Page number {number}." for number in range(8)}


def test_feed_goes_through_the_child(pages: PageReader) -> None:
    """A feed is read in the child too, and refused with its reason."""
    assert pages.read_feed(b"<rss><channel><title>T</title></channel></rss>") == {"title": "T", "items": []}
    with pytest.raises(BadArticle, match="XML: not well-formed"):
        pages.read_feed(b"<rss>")
