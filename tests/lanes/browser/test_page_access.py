"""Everybody can use the page: no accessibility fault in any of its states, light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qa.types import Conflict, ConflictValue, Rejected, ResolvedDate
from tests.lanes.browser.conftest import DESKTOP, PHONE, ask
from tests.lanes.browser.scripted import Said, Stage, staged

ROW = {
    "id": "bridge",
    "title": "Bridge opens",
    "outlet": "Corvane Wire",
    "url": "https://wire.example/bridge",
    "published_at": "2023-03-21",
    "text": "The bridge opened on Monday. It cost 4 million euros. Nobody was hurt.\n\nLeave a Reply\n",
}
_RUN = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"] });
  const told = (node) => node.html + " " + node.any.map((one) => one.message).join(" ");
  return found.violations.map((one) => one.id + ": " + one.nodes.map(told).join(" "));
}"""

_CUT_OFF = """() => [...document.querySelectorAll("html, #log, #ask, #reader, dialog")]
  .filter((one) => one.scrollWidth > one.clientWidth).map((one) => `${one.tagName} ${one.id} is cut off`)"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Serve an answer that has everything an answer can have."""
    values = (
        ConflictValue("4 million", (1,), ("Wire",), ("2023-03-21",)),
        ConflictValue("5 million", (2,), ("Post",), (None,)),
    )
    with staged(tmp_path_factory.mktemp("staged"), ROW) as served:
        served.said = (
            Said("The bridge opened on Monday.", "bridge", "The bridge opened on Monday."),
            Said("It cost 5 million euros.", "bridge", "It cost 4 million euros.", "partial", ("5 is not in it",)),
            Said("Somebody was hurt.", "bridge", "Nobody was hurt.", "unsupported", ("negation",)),
        )  # fmt: skip
        served.more = {
            "status": "conflicting",
            "complete": False,
            "degraded": ("llm",),
            "conflicts": (Conflict("cost", values), Conflict("cost", values, "update")),
            "dates": (ResolvedDate(1, "on Monday", "2023-03-20", "published 2023-03-21"),),
            "rejected": (Rejected("number not in cited text", "It cost 6 million."),),
        }
        yield served


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing(
    visit: Callable[..., Any], stage: Stage, axe: str, size: tuple[int, int], scheme: str
) -> None:
    """Start, filters, answer, panel, list of articles and question before erasing: 0 violations, nothing cut off."""
    page = visit(stage.port, size=size, color_scheme=scheme, reduced_motion="reduce")
    page.evaluate(axe)
    found: dict[str, list[str]] = {}

    def look(state: str) -> None:
        found[state] = page.evaluate(_RUN)
        found[state] += page.evaluate(_CUT_OFF)

    look("start")
    page.click("#filters summary")
    look("filters")
    page.click("#filters summary")
    turn = ask(page, "What did the bridge cost?")
    turn.locator(".rejected summary").click()
    look("answer")
    turn.locator(".marker").first.click()
    page.locator("#reader mark").wait_for()
    look("panel")
    page.keyboard.press("Escape")
    page.click("#library-open")
    page.locator(".rows li").first.wait_for()
    page.click(".uploads summary")
    look("articles")
    page.get_by_role("button", name="Take down").first.click()
    look("take down")
    assert [one for one in found.items() if one[1]] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_without_scripts_are_usable_too(
    visit: Callable[..., Any], stage: Stage, axe: str, scheme: str, tmp_path: Path
) -> None:
    """The article's own page and a page that tells an error: 0 violations."""
    page = visit(stage.port, color_scheme=scheme, tells=("404",))
    for path in ("/articles/bridge?span=0-28&chat_id=1", "/articles/none"):
        page.goto(f"http://127.0.0.1:{stage.port}{path}")
        page.evaluate(axe)
        assert page.evaluate(_RUN) == []


def test_the_panel_covers_a_phone_and_nothing_under_it_is_reached(visit: Callable[..., Any], stage: Stage) -> None:
    """On a phone the article is a sheet: what lies under it is inert until it is closed."""
    page = visit(stage.port, size=PHONE)
    ask(page, "When?").locator(".marker").first.click()
    page.locator("#reader mark").wait_for()
    assert page.evaluate("document.querySelector('main').inert") is True
    page.get_by_role("button", name="Close").click()
    assert page.evaluate("document.querySelector('main').inert") is False
    assert page.evaluate("document.activeElement.className") == "marker"
