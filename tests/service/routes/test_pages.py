"""The HTML pages: an article with its span marked, and the start page."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from qa.errors import BadSettings
from qa.service.html.article_page import ArticleView, is_web_link, render_article, visible
from qa.service.html.home_page import render_answer
from qa.settings import load_settings
from qa.types import Source
from tests import ROOT
from tests.service.serving import BRIDGE, client, empty_answer, reading

FILES = ROOT / "qa/service/static"
EVIL = "</mark><script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp; {{7*7}}"


class _Page(HTMLParser):
    """Collect tags, links, and the text of the article and of the mark."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.texts = {"article": "", "mark": "", "h1": "", "title": ""}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        for name in self.texts:
            if name in self.open:
                self.texts[name] += data

    @property
    def links(self) -> list[str]:
        return [value or "" for name, value in self.attributes if name in ("href", "src", "action")]


TEXTS = {
    "plain": "The bridge opened again on Monday. Nobody was hurt.",
    "emoji": "😀 The bridge opened. 👨‍👩‍👧 Nobody was hurt. 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "paragraphs": "First.\n\nSecond <b>bold</b> & so on.\n\n\n  Third.",
    "marks": "Cafe\u0301 owners said no. Cafe\u0301 owners said no.",
    "cjk": "桥于周一重新开放。没有人受伤。",
    "bidi": "He said \u202eevil\u202c and \u2066left\u2069 \u200bzero \u2028 line \ufeff end.",
    "evil": EVIL,
}


def test_the_page_holds_the_text_and_marks_the_span(tmp_path: Path) -> None:
    """The page's text is the article's, and the mark's text is the span's, code point by code point."""
    with client(tmp_path, *(BRIDGE | {"id": name, "text": text} for name, text in TEXTS.items())) as http:
        for name, text in TEXTS.items():
            for start, end in {(0, len(text)), (3, 9), (len(text) - 1, len(text)), (5, 6)}:
                page = http.get(f"/articles/{name}?span={start}-{end}")
                assert page.status_code == 200
                parsed = _Page(page.text)
                assert parsed.texts["article"] == text
                assert parsed.texts["mark"] == text[start:end]
                assert parsed.tags.count("mark") == 1
        assert "mark" not in _Page(http.get("/articles/plain").text).tags


def test_the_short_answer_is_marked_inside_the_span(tmp_path: Path) -> None:
    """The text stays the article's, also where boilerplate and an edge of the span touch the short answer."""
    text = "😀 Cafe\u0301 Nø opened. Cafe\u0301 Nø opened again.\n\nShare"
    with client(tmp_path, BRIDGE | {"text": text}) as http:
        for start, end in ((18, 26), (31, 36), (18, 37), (19, 20)):
            page = http.get(f"/articles/bridge-1?span=18-37&short_answer={start}-{end}").text
            parsed = _Page(page)
            assert (parsed.texts["article"], parsed.texts["mark"]) == (text, text[18:37])
            inner = page.split('<mark class="short">')[1].split("</mark>")[0]
            assert inner == text[start:end]
            assert f"<strong>{inner}</strong>" in page.split('class="cited"')[1].split("</section>")[0]
        for wrong in ("17-20", "30-38", "x", "20-19"):
            assert http.get(f"/articles/bridge-1?span=18-37&short_answer={wrong}").status_code == 422
        assert http.get("/articles/bridge-1?short_answer=18-26").status_code == 422


def test_the_start_page_shows_the_short_answer(tmp_path: Path) -> None:
    """A line above the answer, bold at its place in the quoted sentence, and marked in the article it links to."""
    text = "On <b>Monday</b> 😀 it rained.\r\n\r\nThe bridge & the  road opened on Monday, not on any Monday."
    with reading("Monday"), client(tmp_path, BRIDGE | {"text": text}) as http:
        page = http.get("/", params={"q": "When did the bridge and the road open?"}).text
        address = re.search(r'<a class="marker" href="([^"]+)">', page)
        assert address
        article = http.get(html.unescape(address[1])).text
    assert '<p class="short">Monday</p><p>Corvane Wire, 21 March 2023: The bridge &amp; the road opened on' in page
    assert " on Monday, not on any <strong>Monday</strong>. <a" in page
    assert '<mark class="short">Monday</mark>.</mark>' in article


def test_nothing_an_article_says_becomes_markup(tmp_path: Path) -> None:
    """Title, outlet, id, text and question are escaped on every page, and no page loads or links to foreign content."""
    row = BRIDGE | {"id": EVIL, "title": EVIL, "outlet": EVIL, "text": f"{EVIL} The bridge opened on Monday."}
    with client(tmp_path, row) as http:
        citation = http.post("/v1/ask", json={"question": "When did the bridge open?"}).json()["citations"][0]
        pages = [citation["link"], "/", f"/articles/{EVIL}", "/articles/nothing-here"]
        replies = [http.get(page) for page in pages]
        replies.append(http.get("/", params={"q": f"bridge {EVIL}"}))
        replies.append(http.get(citation["link"].partition("?")[0], params={"span": EVIL}))
    for reply in replies:
        parsed = _Page(reply.text)
        assert not {"img", "iframe", "object", "embed", "base"} & set(parsed.tags)
        assert parsed.tags.count("script") == parsed.links.count("/page/chat.js") // 2, "ours, and its preloading"
        assert not [name for name, _ in parsed.attributes if name.startswith("on")]
        allowed = ("/", "#q", "#span", "data:,", "https://wire.example/bridge")
        assert all(link in allowed or link.startswith(("/articles/", "/page/")) for link in parsed.links), parsed.links


def test_headers_forbid_everything_else(served: TestClient) -> None:
    """No page loads foreign content or sends a referrer; nothing is inline; only the start page runs scripts."""
    for address in ("/", "/articles/bridge-1", "/articles/none", "/articles/bridge-1?span=9-1", "/?q=bridge"):
        reply = served.get(address)
        assert reply.headers["content-type"] == "text/html; charset=utf-8"
        policy = dict(rule.split(" ", 1) for rule in reply.headers["content-security-policy"].split("; "))
        start = address.startswith("/?") or address == "/"
        own = {"script-src": "'self'", "connect-src": "'self'"} if start else {}
        assert policy == own | {
            "default-src": "'none'",
            "style-src": "'self'",
            "img-src": "data:",
            "form-action": "'self'",
            "base-uri": "'none'",
            "frame-ancestors": "'self'",
            "require-trusted-types-for": "'script'",
            "trusted-types": "'none'",
        }
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert "<style" not in reply.text
        assert _Page(reply.text).tags.count("script") == start


def test_chosen_sites_may_frame_the_pages(tmp_path: Path) -> None:
    """`QA_FRAME_ANCESTORS` lists who may frame pages, and error pages."""
    with client(tmp_path, BRIDGE, frame_ancestors="https://chat.example, http://127.0.0.1:8902") as http:
        for address in ("/", "/articles/bridge-1?span=0-34&chat_id=1", "/articles/none"):
            policy = http.get(address).headers["content-security-policy"]
            assert "frame-ancestors 'self' https://chat.example http://127.0.0.1:8902;" in policy


@pytest.mark.parametrize("value", ["*", "https://a.example; script-src *", "chat.example", "https://a.example/path"])
def test_only_origins_may_be_named(value: str) -> None:
    """A value that would inject another policy directive, or be invalid, is refused at the start."""
    with pytest.raises(BadSettings, match="QA_FRAME_ANCESTORS"):
        load_settings({"QA_FRAME_ANCESTORS": value}, None)


def test_the_pages_files_are_ours(served: TestClient) -> None:
    """Every file that a page loads exists, has its type and an ETag; no other file is served."""
    page = _Page(served.get("/").text)
    loaded = {link for link in page.links if link.startswith("/page/")}
    scripts = {f"/page/{path.name}" for path in FILES.glob("*.js")}
    assert loaded == scripts | {"/page/page.css", "/page/chat.css"}
    for address in loaded:
        reply = served.get(address)
        kind = "text/css" if address.endswith(".css") else "text/javascript"
        assert reply.headers["content-type"] == f"{kind}; charset=utf-8"
        assert reply.headers["x-content-type-options"] == "nosniff"
        again = served.get(address, headers={"If-None-Match": reply.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    for other in ("/page/", "/page/none.js", "/page/../pages.py", "/page/%2e%2e%2fpages.py", "/page/..%5cpages.py"):
        assert served.get(other).status_code == 404
    for script in FILES.glob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|https?://", script.read_text()
        )


def test_a_key_knows_what_it_opens(tmp_path: Path) -> None:
    """The page learns its scopes; a password grants only reading, because a browser sends it automatically."""
    with client(tmp_path, BRIDGE) as http:
        assert http.get("/page/rights").json() == {"key_needed": False, "scopes": ["admin", "ask"]}
    with client(tmp_path / "keys", api_keys=("both", "ask:reader")) as http:

        def scopes(**request: Any) -> list[str]:
            rights = http.get("/page/rights", **request).json()
            assert rights["key_needed"] is True
            return list(rights["scopes"])

        assert scopes() == scopes(headers={"Authorization": "Bearer wrong"}) == scopes(auth=("", "wrong")) == []
        assert scopes(headers={"Authorization": "Bearer both"}) == ["admin", "ask"]
        assert scopes(auth=("any", "both")) == scopes(auth=("any", "reader")) == ["ask"]
        assert http.post("/v1/ask", json={"question": "x"}, auth=("any", "reader")).status_code == 200
        assert http.post("/v1/articles", json=BRIDGE, auth=("any", "both")).status_code == 401
        assert http.get("/page/page.css").status_code == 200
        assert "as the password" in http.get("/").text


@pytest.mark.parametrize(
    "query",
    ["span=9-1", "span=0-0", "span=5", "span=a-b", "span=-1-3", "span=0-54", "span=", "span=٠-٣",
     "span=0-5&version=x", "span=0-5&version=0", "span=0-99999999999999999999", "collection=a%20b"],
)  # fmt: skip
def test_a_span_that_is_none_is_said(served: TestClient, query: str) -> None:
    """An impossible span or version is a 422 error page."""
    reply = served.get(f"/articles/bridge-1?{query}")
    assert reply.status_code == 422
    assert "<h1>Error 422</h1>" in reply.text


def test_unknown_keys_are_let_be(served: TestClient) -> None:
    """Unknown query keys are ignored: chat frontends add their own to a link."""
    assert served.get("/articles/bridge-1?span=0-34&chat_id=1&message_id=2&source_id=x").status_code == 200
    assert served.get("/articles/nothing").status_code == 404
    assert served.get("/articles/bridge-1?version=2").status_code == 404


def test_versions_are_named(tmp_path: Path) -> None:
    """A citation's link keeps marking its words when the article changes, and the page names the other versions."""
    with client(tmp_path, BRIDGE) as http:
        http.post("/v1/articles", json=BRIDGE | {"text": "The bridge was closed again on Tuesday."})
        old = http.get("/articles/bridge-1?span=0-34")
        assert _Page(old.text).texts["mark"] == "The bridge opened again on Monday."
        assert "an older version" in old.text
        assert "/articles/bridge-1?span=0-34&amp;version=2" in old.text
        answer = http.post("/v1/ask", json={"question": "When was the bridge closed?"}).json()
        (citation,) = answer["citations"]
        assert citation["version"] == 2
        assert _Page(http.get(citation["link"]).text).texts["mark"] == citation["quote"]
        assert "closed again on Tuesday" in http.get("/articles/bridge-1").text


def test_furniture_is_grey(tmp_path: Path) -> None:
    """Boilerplate is greyed out, also where a span overlaps its edge."""
    text = "The bridge opened again on Monday. Nobody was hurt.\n\nLeave a Reply\n"
    with client(tmp_path, BRIDGE | {"text": text}) as http:
        furniture = http.get("/v1/articles/bridge-1/text").json()["furniture"]
        assert [text[start:end].strip() for start, end in furniture] == ["Leave a Reply"]
        page = http.get("/articles/bridge-1?span=40-60").text
        assert '<span class="furniture">' in page
        assert _Page(page).texts["mark"] == text[40:60]


def test_what_cannot_be_seen_is_shown() -> None:
    """Control, zero-width and bidi characters are marked; joiners in emoji and Persian words are not."""
    assert visible("a\u202eb") == 'a<bdi class="hidden" data-code="U+202E">\u202e</bdi>b'
    assert visible("a\u200bb").count("U+200B") == 1
    assert visible("a\u200db").count("U+200D") == 1, "a joiner between plain letters hides something"
    for fine in ("👨‍👩‍👧", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "می‌خواهم", "e\u0301", "line\n\ttab", "日本"):
        assert visible(fine) == fine
    assert visible("x\U000e0041").count("U+E0041") == 1


@pytest.mark.parametrize(
    ("url", "safe"),
    [("https://a.example/x", True), ("HTTP://a.example", True), ("javascript:alert(1)", False), ("//a.example", False),
     ("data:text/html,x", False), ("https:///x", False), ("http://[", False), ("", False), (None, False)],
)  # fmt: skip
def test_only_web_addresses_become_links(url: Any, safe: bool) -> None:
    """Only http and https URLs become links."""
    assert is_web_link(url) is safe


def test_an_unsafe_original_is_not_linked() -> None:
    """The page checks the URL again, however it got into the store."""
    source = Source("a", 1, "0" * 64, "Title", None, "javascript:alert(1)", None)
    page = render_article(ArticleView(source, "Text.", (), None, True, None, None, ()))
    assert "javascript" not in page


def test_original_is_linked_without_trace(served: TestClient) -> None:
    """The link to the original sends no referrer."""
    page = served.get("/articles/bridge-1").text
    assert '<a href="https://wire.example/bridge" rel="noopener nofollow noreferrer">' in page


def test_start_page_answers_without_scripts(served: TestClient) -> None:
    """The form works as a plain link: numbered markers lead to the marked passage, sources show their quotes."""
    assert "1 article, 1 indexed passage." in served.get("/").text
    page = served.get("/", params={"q": "When did the bridge open again?", "as_of": ""}).text
    assert '<a class="marker" href="/articles/bridge-1?span=0-34&amp;short_answer=27-33">[1]</a>' in page
    assert "<blockquote>The bridge opened again on Monday.</blockquote>" in page
    assert ">When did the bridge open again?</textarea>" in page
    assert "<h2>Not in the articles</h2>" in served.get("/", params={"q": "bridge open", "outlet": "Nobody"}).text
    assert 'value="Corvane Wire" checked' in served.get("/", params={"q": "bridge", "outlet": "Corvane Wire"}).text
    assert (
        "Not in the articles" in served.get("/", params={"q": "bridge open", "after": "2024-01-01", "before": ""}).text
    )
    assert served.get("/", params={"q": "bridge", "after": "2024-01-02", "before": "2024-01-01"}).status_code == 422
    assert served.get("/", params={"q": "bridge", "as_of": "someday"}).status_code == 422
    assert served.get("/", params={"q": "x" * 2_001}).status_code == 422


def test_another_site_cannot_ask(served: TestClient) -> None:
    """A link or an image on another site only fills in the form and asks nothing: questions cost money."""
    page = served.get("/?q=bridge", headers={"Sec-Fetch-Site": "cross-site"}).text
    assert ">bridge</textarea>" in page
    assert 'class="answer"' not in page


def test_the_form_offers_the_outlets_there_are(tmp_path: Path) -> None:
    """Each outlet of a live article is listed once, in order; an outlet without live articles is gone."""
    rows = [BRIDGE | {"id": name, "outlet": outlet} for name, outlet in zip("abcd", "zBaa", strict=True)]
    with client(tmp_path, *rows, BRIDGE | {"id": "e", "outlet": None}) as http:

        def offered() -> list[str]:
            return re.findall(r'name="outlet" value="([^"]*)"', http.get("/").text)

        assert offered() == ["a", "B", "z"]
        http.delete("/v1/articles/a")
        http.post("/v1/articles", json=BRIDGE | {"id": "b", "outlet": "<C>", "text": "The bridge is closed."})
        assert offered() == ["&lt;C&gt;", "a"]


def test_the_page_without_scripts_says_what_was_withdrawn() -> None:
    """A taken-down article and an unreachable part have separate notes."""
    shown = render_answer(replace(empty_answer(), degraded=("vectors", "withdrawn")), ())
    assert "Away while this was answered: vectors." in shown
    assert "was taken down while this was written" in shown
