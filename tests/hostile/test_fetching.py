"""SSRF: URLs are fetched only if enabled, only from public addresses, and only from the address that was checked."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from qa.errors import BadArticle
from qa.readers.fetch import Fetcher, is_public
from qa.readers.read import read
from qa.readers.rows import article_from_row
from qa.types import Article, Refused
from tests.service.serving import client

PAGE = b"<html><head><title>Bridge</title></head><body><p>Caf\xc3\xa9 by the bridge.</p></body></html>"


class _Handler(BaseHTTPRequestHandler):
    """Answer by path; note the Host header of each request."""

    seen: list[str]

    def do_GET(self) -> None:
        self.seen.append(f"{self.headers['host']}{self.path}")
        kind, _, rest = self.path.removeprefix("/").partition("/")
        if kind == "to":
            self.send_response(302)
            self.send_header("Location", rest)
            self.end_headers()
            return
        self.send_response(404 if kind == "gone" else 200)
        media = {"picture": "image/png", "latin": "text/html; charset=iso-8859-1", "words": "text/plain"}
        self.send_header("Content-Type", media.get(kind, "text/html"))
        if kind == "bomb":
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        if kind in ("endless", "trickle"):
            while True:
                self.wfile.write(b"x" * (65_536 if kind == "endless" else 1))
                time.sleep(0 if kind == "endless" else 0.05)
        bodies = {"bomb": gzip.compress(bytes(10**7)), "latin": "<p>Café</p>".encode("latin-1"), "words": b"Two words."}
        self.wfile.write(bodies.get(kind, PAGE))

    def handle(self) -> None:
        with suppress(ConnectionError):  # the client may disconnect in the middle
            super().handle()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    _Handler.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


class Names:
    """A scripted DNS resolver: the addresses of each name, one answer after the other."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self._answers = {name.replace("_", "."): iter(found) for name, found in answers.items()}
        self.looked_up: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.looked_up.append(host)
        return next(self._answers[host], [])


def _only_here(address: object) -> bool:
    return (
        str(address) == "127.0.0.1"
    )  # in these tests it stands for the internet, and 127.0.0.2 for the internal network


def _fetcher(names: Names, port: int, **more: Any) -> Fetcher:
    return Fetcher(resolve=names, ports={port}, is_allowed=_only_here, **more)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "192.0.0.8", "198.18.0.1", "192.0.2.1", "224.0.0.1", "239.255.255.250", "240.0.0.1",
        "255.255.255.255", "::", "::1", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2001:0:7f00:1::",
        "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_of_inner_networks_are_not_public(address: str) -> None:
    """Loopback, private, multicast and documentation addresses, and IPv6 forms that embed one of them."""
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "193.99.144.85", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_of_the_open_internet_are_public(address: str) -> None:
    """The test above would also pass with a check that refuses everything."""
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/",
        "http://169.254.169.254/latest", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/",
        "http://127.1/", "http://0/", "http://0x7f.1/", "http://134744072/", "http://127.0.0.1./", "http://localhost/",
        "file:///etc/hosts", "gopher://127.0.0.1/", "ftp://127.0.0.1/", "http://user@127.0.0.1/",
        "http://8.8.8.8:pw@127.0.0.1/", "http://127.0.0.1:22/", "http://8.8.8.8:6379/", "http:///x", "http://",
        "http://[fe80::1%25lo]/", "http://[::1", "http://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3/",
        "http://\uff11\uff12\uff17.0.0.1/", "http://a b/", "http://a\r\nb/", "//127.0.0.1/", "javascript:1",
    ],
)  # fmt: skip
def test_inner_addresses_are_refused_without_connecting(url: str) -> None:
    """With the real resolver and rule nothing connects: the network guard of the tests would raise."""
    with pytest.raises(BadArticle) as refused:
        Fetcher().fetch(url, 1_000)
    assert refused.value.param == "url"


def test_a_page_is_fetched_from_the_address_that_was_checked(port: int) -> None:
    """The request goes to the checked address with the name as Host; the name is resolved once."""
    names = Names(news_example=[["127.0.0.1"]])
    fetched = _fetcher(names, port).fetch(f"http://news.example:{port}/page", 1_000)
    assert fetched == {"html": PAGE.decode()}
    assert (_Handler.seen, names.looked_up) == ([f"news.example:{port}/page"], ["news.example"])
    names = Names(a_example=[["127.0.0.1"]], b_example=[["127.0.0.1"]])
    assert _fetcher(names, port).fetch(f"http://a.example:{port}/latin", 1_000) == {"html": "<p>Café</p>"}
    assert _fetcher(names, port).fetch(f"http://b.example:{port}/words", 1_000) == {"text": "Two words."}


def test_dns_rebinding_is_not_asked_a_second_time(port: int) -> None:
    """The second DNS answer would be an internal address, and the name is not resolved a second time."""
    names = Names(evil_example=[["127.0.0.1"], ["127.0.0.2"]])
    assert _fetcher(names, port).fetch(f"http://evil.example:{port}/page", 1_000)
    assert names.looked_up == ["evil.example"]
    with pytest.raises(BadArticle, match="not public"):  # a new request resolves again
        _fetcher(names, port).fetch(f"http://evil.example:{port}/page", 1_000)
    assert len(_Handler.seen) == 1


@pytest.mark.parametrize("found", [["127.0.0.1", "127.0.0.2"], ["127.0.0.2", "127.0.0.1"], ["127.0.0.1", "::1"], []])
def test_every_address_of_a_name_is_checked(port: int, found: list[str]) -> None:
    """A name with one internal address among several is refused; so is one without any."""
    with pytest.raises(BadArticle, match="not public"):
        _fetcher(Names(evil_example=[found]), port).fetch(f"http://evil.example:{port}/page", 1_000)
    assert _Handler.seen == []


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("http://inner.example:{port}/page", "not public"),
        ("http://127.0.0.2:{port}/page", "not public"),
        ("http://2130706434:{port}/page", "four decimal numbers"),
        ("http://news.example:1/page", "port 1 "),
        ("file:///etc/hosts", "only http"),
        ("gopher://news.example:{port}/", "only http"),
        ("http://user@news.example:{port}/", "no user"),
        ("//inner.example:{port}/page", "not public"),
        ("http://news.example:{port}/to/again", "more than 5 times"),
        ("http://[::1", "cannot be fetched"),
    ],
)
def test_every_redirect_is_checked(port: int, target: str, reason: str) -> None:
    """A redirect target is checked like the first URL, and a refused one is not requested."""
    answers = {"news_example": [["127.0.0.1"]] * 9, "inner_example": [["127.0.0.2"]]}
    url = f"http://news.example:{port}/to/{target.format(port=port)}"
    with pytest.raises(BadArticle, match=reason):
        _fetcher(Names(**answers), port).fetch(url, 1_000)
    assert all("to/" in host for host in _Handler.seen)


def test_a_redirect_to_another_public_page_is_followed(port: int) -> None:
    """Each hop is resolved individually."""
    names = Names(a_example=[["127.0.0.1"]] * 2, b_example=[["127.0.0.1"]])
    url = f"http://a.example:{port}/to/http://b.example:{port}/page"
    assert _fetcher(names, port).fetch(url, 1_000) == {"html": PAGE.decode()}
    assert names.looked_up == ["a.example", "b.example"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("endless", "more than 1000 bytes"),
        ("trickle", "within 0.5 s"),
        ("bomb", "unpacked"),
        ("picture", "neither HTML"),
        ("gone", "answered 404"),
    ],
)
def test_what_is_fetched_is_limited(port: int, path: str, reason: str) -> None:
    """Time, size, content type and status; compressed bodies are not decompressed."""
    began = time.monotonic()
    with pytest.raises(BadArticle, match=reason):
        _fetcher(Names(a_example=[["127.0.0.1"]]), port, limit_s=0.5).fetch(f"http://a.example:{port}/{path}", 1_000)
    assert time.monotonic() - began < 3


def test_nothing_is_fetched_while_the_setting_is_off(tmp_path: Path) -> None:
    """Without the setting a URL is only a name, in rows, in paths and over HTTP."""
    url = "http://192.0.2.1/a"
    assert list(read([url])) == [Refused(url, "addresses are not fetched; QA_FETCH_URLS=on allows it")]
    with pytest.raises(BadArticle, match="neither text nor html"):
        article_from_row({"url": url}, "test")
    with client(tmp_path) as http:
        assert "neither" in http.post("/v1/articles", json={"url": url}).json()["refused"][0]["reason"]


def test_an_address_becomes_its_article_and_the_links_of_a_feed_do_not(tmp_path: Path, port: int) -> None:
    """A row or path that is a URL becomes the article at it; the links of a feed are not followed."""
    url = f"http://news.example:{port}/page"
    fetch: Callable[[str, int], Any] = _fetcher(Names(news_example=[["127.0.0.1"]] * 9), port).fetch
    (article,) = read([url], fetch=fetch)
    assert isinstance(article, Article)
    assert (article.id, article.text, article.title) == (url, "Café by the bridge.", "Bridge")
    row = article_from_row({"url": url, "id": "mine", "title": "Ours"}, "test", fetch=fetch)
    assert (row.id, row.text, row.title) == ("mine", "Café by the bridge.", "Ours")
    assert len(_Handler.seen) == 2
    (tmp_path / "f.xml").write_text(f"<rss><channel><item><link>{url}</link></item></channel></rss>", encoding="utf-8")
    (refused,) = read([str(tmp_path / "f.xml")], fetch=fetch)
    assert isinstance(refused, Refused)
    assert len(_Handler.seen) == 2


def test_over_http_inner_addresses_are_refused(tmp_path: Path) -> None:
    """With the setting on, the service fetches, but not from its own network."""
    with client(tmp_path, fetch_urls="on") as http:
        (refused,) = http.post("/v1/articles", json={"url": "http://127.0.0.1/a"}).json()["refused"]
    assert "not public" in refused["reason"]
