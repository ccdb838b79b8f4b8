"""Accessibility (axe-core): no violation in any state of the page, light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from qa.types import Conflict, ConflictValue, Rejected, ResolvedDate
from tests.lanes.browser.conftest import DESKTOP, PHONE, ask
from tests.lanes.browser.scripted import CitedSentence, Stage, staged

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
  const message = (node) => node.html + " " + node.any.map((check) => check.message).join(" ");
  return found.violations.map((violation) => violation.id + ": " + violation.nodes.map(message).join(" "));
}"""

_CUT_OFF = """() => [...document.querySelectorAll("html, #log, #ask, #reader, dialog")]
  .filter((node) => node.scrollWidth > node.clientWidth).map((node) => `${node.tagName} ${node.id} is cut off`)"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Serve an answer with every element an answer can have."""
    values = (
        ConflictValue("4 million", (1,), ("Wire",), ("2023-03-21",)),
        ConflictValue("5 million", (2,), ("Post",), (None,)),
    )
    with staged(tmp_path_factory.mktemp("staged"), ROW) as served:
        served.sentences = (
            CitedSentence("The bridge opened on Monday.", "bridge", "The bridge opened on Monday."),
            CitedSentence(
                "It cost 5 million euros.", "bridge", "It cost 4 million euros.", "partial", ("5 is not in it",)
            ),
            CitedSentence("Somebody was hurt.", "bridge", "Nobody was hurt.", "unsupported", ("negation",)),
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
    assert [(state, violations) for state, violations in found.items() if violations] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_without_scripts_are_usable_too(
    visit: Callable[..., Any], stage: Stage, axe: str, scheme: str, tmp_path: Path
) -> None:
    """The article's own page and an error page: 0 violations."""
    page = visit(stage.port, color_scheme=scheme, expected_errors=("404",))
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
