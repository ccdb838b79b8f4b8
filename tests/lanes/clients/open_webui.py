"""Drive the real Open WebUI in Chromium: our model is listed, a question is asked, its chip opens our marked article.

    python open_webui.py OPEN_WEBUI_URL MODEL SCREENSHOT

It runs in an environment with the package playwright; `make test-open-webui` starts both servers.
"""

from __future__ import annotations

import json
import shutil
import sys
import urllib.request

from playwright.sync_api import sync_playwright

QUESTION = "What will it cost to rebuild the eastern approach of the Orrin Bridge?"
SAID = "€46 million"


def listed(url: str) -> list[str]:
    """Return the models that Open WebUI lists."""
    sign_in = urllib.request.Request(
        f"{url}/api/v1/auths/signin", b'{"email": "", "password": ""}', {"content-type": "application/json"}
    )
    with urllib.request.urlopen(sign_in) as reply:
        token = json.load(reply)["token"]
    request = urllib.request.Request(f"{url}/api/models", headers={"authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request) as reply:
        return [entry["id"] for entry in json.load(reply)["data"]]


def main() -> None:
    """Ask, look and click. Raises if something is missing."""
    url, model, screenshot = sys.argv[1:]
    assert model in listed(url), listed(url)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(40_000)
        page.goto(f"{url}/?models={model}")
        box = page.locator("#chat-input")
        greeting = page.get_by_text("Okay, Let's Go!")  # shown once to a new user, at an unknown moment
        page.add_locator_handler(greeting, lambda: greeting.click())
        box.click()
        box.press_sequentially(QUESTION, delay=2)
        page.keyboard.press("Enter")
        page.get_by_text(SAID).first.wait_for()
        page.get_by_text("2 Sources").first.wait_for()
        page.screenshot(path=screenshot.replace(".png", "-answer.png"))
        chip = page.locator("#response-content-container button").first
        chip.click()
        frame = page.frame_locator("iframe").first
        marked = frame.locator("mark").first
        marked.wait_for()
        assert SAID in marked.inner_text(), marked.inner_text()
        print("marked:", marked.inner_text())
        page.screenshot(path=screenshot)
        browser.close()


if __name__ == "__main__":
    main()
