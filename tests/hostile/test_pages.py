"""HTML pages that break parsers: the child process that reads them may die, and the rest goes on."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from qa.errors import BadArticle
from qa.readers import rows
from qa.readers.html_process import PageReader
from qa.readers.read import read
from qa.service.app import create_app
from qa.types import Article, Refused
from tests.service.serving import running, settings_for

STORY = "<p>The council agreed on Monday, after a long debate, that the old bridge will be rebuilt for 46 million.</p>"
XXE = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hosts">]>'
LAUGHS = "<!DOCTYPE a [<!ENTITY a 'ha'>" + "".join(
    f"<!ENTITY {name} '{f'&{before};' * 10}'>" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
# Pages that take milliseconds, refused or read.
QUICK = {
    "nested tags": "<html><body>" + "<div>" * 100_000 + "x",
    "less-than signs": "<" * 500_000,
    "entities": "<html><body><p>" + "&amp;" * 390_000,
    "half entities": "<html><body><p>" + "&a" * 100_000,
    "comments that never end": "<html><body>" + "<!--" * 200_000,
    "comments": "<html><body>" + "<!--x-->" * 200_000 + STORY,
    "unclosed fonts": "<html><body>" + "<font>" * 300_000 + "x",
    "XXE": f"{XXE}<html><body><p>&x; {STORY}",
    "laughs": f"{LAUGHS}]><html><body><p>&i; {STORY}",
    "deep JSON-LD": "<html><head><script type='application/ld+json'>" + "[" * 900_000 + f"</script></head>{STORY}",
    "a long word": "<html><body><p>" + "a" * 1_900_000,
    "a long gap": "<html><body><p>a" + " " * 1_900_000 + "b",
    "a title without end": "<title>" + "a " * 900_000,
    "NUL": f"<html><body>\0{STORY}",
    "frames of frames": "<frameset>" * 100_000,
}
# Pages that take the parsers minutes.
SLOW = {
    "attributes": "<p " + " ".join(f"a{number}=1" for number in range(200_000)) + ">x</p>",
    "bold words": "<html><body>" + "<p>a<b>b</b></p>" * 120_000,
    "line breaks": "<html><body><p>a" + "<br>" * 450_000 + "b</p>",
}


@pytest.fixture(scope="module")
def pages() -> Iterator[PageReader]:
    with PageReader(limit_s=30) as reader:
        yield reader


@pytest.mark.parametrize("name", QUICK)
def test_pages_that_only_look_dangerous_are_read_or_refused_alone(pages: PageReader, name: str) -> None:
    """Each is read or refused individually, and no file of this machine gets into the text."""
    try:
        text = str(pages.read_page(QUICK[name])["text"])
    except BadArticle as exc:
        assert str(exc).startswith("HTML: ")
    else:
        assert text.strip() and "localhost" not in text and "haha" not in text
    assert pages.read_page(STORY)["text"]


@pytest.mark.parametrize("name", SLOW if os.environ.get("FULL_NUMBERS") else ["attributes"])
def test_pages_that_hold_the_parser_up_are_killed_alone(name: str) -> None:
    """The child is killed at its limit and leaves no zombie; the pages before and after are read, in order."""
    with PageReader(limit_s=3) as pages:
        given = [STORY, SLOW[name], STORY.replace("Monday", "Friday")]
        items = list(_read(pages, given))
        assert [type(item) for item in items] == [Article, Refused, Article]
        assert isinstance(items[1], Refused) and "took longer than 3 s" in items[1].reason
        assert isinstance(items[2], Article) and "Friday" in items[2].text
    assert not [child for child in psutil.Process().children() if child.status() == psutil.STATUS_ZOMBIE]


def _read(pages: PageReader, given: list[str]) -> Iterator[Article | Refused]:
    for number, page in enumerate(given):
        try:
            yield rows.article_from_row({"html": page, "id": str(number)}, str(number), pages=pages)
        except BadArticle as exc:
            yield Refused(str(number), str(exc))


def test_a_page_beyond_the_memory_limit_is_refused_alone() -> None:
    """Only the page that exceeds the child's memory limit is refused, and our own memory does not grow."""
    with PageReader(limit_s=30, memory_bytes=30_000_000) as pages:
        pages.read_page(STORY)
        before = psutil.Process().memory_info().rss
        with pytest.raises(BadArticle, match="HTML"):
            pages.read_page(SLOW["bold words"])
        assert psutil.Process().memory_info().rss - before < 50_000_000
        assert pages.read_page(STORY)["text"]


@pytest.mark.parametrize(
    "feed",
    [
        f"{XXE}<rss><channel><title>&x;</title></channel></rss>",
        f"{LAUGHS}]><rss><channel><title>&i;</title></channel></rss>",
        "<rss>" * 100_000,
        "<rss><channel>" + "<item>" * 100_000,
        "<rss " + " ".join(f"a{number}='1'" for number in range(20_000)) + "/>",
        "<rss><channel><title>" + "x" * 11_000_000 + "</title></channel></rss>",
    ],
    ids=["XXE", "laughs", "deep", "open items", "attributes", "one long text"],
)
def test_hostile_feeds_are_refused_whole(tmp_path: Path, pages: PageReader, feed: str) -> None:
    """A feed that declares entities or never closes is refused entirely."""
    (tmp_path / "feed.xml").write_text(feed, encoding="utf-8")
    items = list(read([str(tmp_path / "feed.xml")], pages=pages))
    assert all(isinstance(item, Refused) for item in items)


def test_the_service_answers_while_pages_hold_the_parser_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While slow pages occupy the parser and are refused, the service answers and other articles are ingested."""
    with PageReader(limit_s=2) as reader, running(create_app(settings_for(tmp_path / "store"))) as port:
        reader.read_page(STORY)
        monkeypatch.setitem(rows.article_from_row.__kwdefaults__, "pages", reader)
        monkeypatch.setitem(read.__kwdefaults__, "pages", reader)
        lines = [{"id": "a", "html": STORY}, {"id": "b", "html": SLOW["attributes"]}, {"id": "c", "html": STORY}]
        report, waits = asyncio.run(_watched(port, "\n".join(map(json.dumps, lines)).encode()))
    assert (report["added"], [refusal["source"] for refusal in report["refused"]]) == (2, ["stdin:2"])
    assert "took longer" in report["refused"][0]["reason"]
    assert len(waits) >= 20
    assert sorted(waits)[len(waits) * 9 // 10] < 0.1 + 0.01 * psutil.getloadavg()[0]  # other work on this machine


async def _watched(port: int, body: bytes) -> tuple[Any, list[float]]:
    """Send the articles, and poll the health endpoint while they are read."""
    waits: list[float] = []
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
        headers = {"content-type": "application/x-ndjson"}
        sending = asyncio.create_task(http.post("/v1/articles", content=body, headers=headers))
        while not sending.done():
            began = time.monotonic()
            assert (await http.get("/healthz")).status_code == 200
            waits.append(time.monotonic() - began)
            await asyncio.sleep(0.05)
        return (await sending).json(), waits
