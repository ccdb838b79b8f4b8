"""Write the pictures of docs/page.md: `python -m tests.lanes.browser.screenshots FOLDER`."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from qa.service.app import create_app
from tests.lanes.browser.conftest import ask
from tests.service.serving import running, settings_for

CONFLICT = "What will it cost to rebuild the eastern approach of the Orrin Bridge?"
REFUSED = "How old is Dorothea Lanyon, the bus driver?"
PICTURES = (
    ("desktop", (1060, 600), "light", "article refusal"),
    ("dark", (1060, 600), "dark", "answer"),
    ("phone", (390, 780), "light", "answer article"),
)


def main(folder: Path) -> None:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as store, sync_playwright() as playwright:
        app = create_app(settings_for(Path(store)), load_samples=True)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        with running(app) as port:
            for name, size, scheme, states in PICTURES:
                page = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
                page.emulate_media(reduced_motion="reduce")
                page.goto(f"http://127.0.0.1:{port}/")
                page.wait_for_selector("html.scripted")
                page.locator("#as_of").evaluate("(input) => (input.value = '2026-06-15')")
                _shoot(page, folder, name, states)
        browser.close()


def _shoot(page: Any, folder: Path, name: str, states: str) -> None:
    def shoot(state: str) -> None:
        if state in states.split():
            page.screenshot(path=folder / f"page-{name}-{state}.png")

    turn = ask(page, CONFLICT)
    shoot("answer")
    turn.locator(".marker").first.click()
    page.locator("#reader mark").wait_for()
    shoot("article")
    page.keyboard.press("Escape")
    ask(page, REFUSED)
    shoot("refusal")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
