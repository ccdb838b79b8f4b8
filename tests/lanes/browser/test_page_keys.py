"""API keys in the browser: entered once, kept in the tab, and only an admin key can change the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from qa.service.app import create_app
from tests.lanes.browser.conftest import ask
from tests.lanes.browser.scripted import send
from tests.service.serving import BRIDGE, running, settings_for

Visit = Callable[..., Any]
READER = {"http_credentials": {"username": "any", "password": "reader"}}
ROWS = [BRIDGE | {"id": f"row-{number}", "title": f"Row {number}", "text": f"Row {number}."} for number in range(60)]


@pytest.fixture
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Serve articles with API keys required."""
    app = create_app(settings_for(tmp_path_factory.mktemp("keys") / "store", api_keys=("ask:reader", "böss")))
    with running(app) as served:
        send(served, [BRIDGE, *ROWS], "b\u00c3\u00b6ss")
        yield served


def _enter_key(page: Any, key: str) -> None:
    page.get_by_label("Key", exact=True).fill(key)
    page.get_by_role("button", name="Use this key").click()


def test_a_reader_is_asked_once(visit: Visit, port: int) -> None:
    """The password that opened the page opens the answers and the articles too, and nothing that changes the store."""
    page = visit(port, **READER)
    ask(page, "When did the bridge open again?").locator(".marker").first.click()
    assert page.locator("#reader mark").first.text_content() == "The bridge opened again on Monday."
    page.keyboard.press("Escape")
    page.click("#library-open")
    page.locator(".rows li").first.wait_for()
    assert page.locator(".uploads, .danger").count() == 0


def test_an_admin_adds_lists_and_takes_down(visit: Visit, port: int) -> None:
    """With an admin key: pages of articles, a result for each uploaded file, a takedown after a confirmation."""
    page = visit(port, **READER)
    page.click("#key-open")
    _enter_key(page, "böss")
    page.click("#library-open")
    listing = page.locator(".listing")
    listing.get_by_text("1 to 50 of 61 articles").wait_for()
    listing.get_by_role("button", name="Next").click()
    listing.get_by_text("51 to 61 of 61 articles").wait_for()
    page.click(".uploads summary")
    page.set_input_files("#files", [
        {"name": "good.txt", "mimeType": "text/plain", "buffer": b"A ferry sank on Tuesday."},
        {"name": "<b>bad.jsonl", "mimeType": "text/plain", "buffer": b'{"text": "Fine words."}\n{"text": 5}\n'},
        {"name": "worse.bin", "mimeType": "text/plain", "buffer": b"\x00\x01"},
    ])  # fmt: skip
    page.get_by_role("button", name="Upload").click()
    page.locator(".results > li").nth(2).wait_for()
    results = page.locator(".results > li").all_text_contents()
    assert results[0] == "good.txt: 1 added, 0 updated, 0 unchanged"
    assert results[1].startswith("<b>bad.jsonl: 1 added, 0 updated, 0 unchangedRefused:")
    assert "worse.bin: 0 added" in results[2]
    assert "Refused:" in results[2]
    listing.get_by_text("1 to 50 of 63 articles").wait_for()
    page.get_by_role("button", name="Take down Bridge opens again").click()
    page.get_by_role("button", name="Keep it").click()
    page.get_by_role("button", name="Take down Bridge opens again").click()
    page.get_by_role("dialog", name="Take down").get_by_role("button", name="Take down").click()
    listing.get_by_text("1 to 50 of 62 articles").wait_for()
    assert listing.get_by_text("Bridge opens again").count() == 0


def test_a_key_stays_in_the_tab(visit: Visit, port: int) -> None:
    """It survives a reload of this tab and is stored nowhere else; after a wrong key the page asks again."""
    page = visit(port, expected_errors=("401",), extra_http_headers={}, **READER)
    page.click("#key-open")
    _enter_key(page, "wrong")
    page.fill("#q", "When did the bridge open again?")
    page.press("#q", "Enter")
    _enter_key(page, "böss")
    page.locator(".statement").first.wait_for()
    page.reload()
    page.wait_for_selector("html.scripted")
    ask(page, "When did the bridge open again?")
    assert page.evaluate("[localStorage.length, document.cookie, Object.keys(sessionStorage).join()]") == [
        0,
        "",
        "qa.key",
    ]
