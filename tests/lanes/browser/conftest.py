"""The browser lane: our page in a real Chromium. Skipped where that is missing, failed when `ALL_LANES` is 1.

Every page that a test opens is watched: a request to another host, a console error or a CSP violation fails it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import pytest

HERE = Path(__file__).parent
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"
DESKTOP, PHONE = (1280, 800), (360, 740)
_ALL_LANES = os.environ.get("ALL_LANES") == "1"  # read here: tests/conftest.py clears the settings before each test
_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
_REPORT_BREACHES = "addEventListener('securitypolicyviolation', (e) => console.error('policy', e.violatedDirective))"


def _miss(what: str) -> NoReturn:
    if _ALL_LANES:
        pytest.fail(f"the browser lane must run here and {what}", pytrace=False)
    pytest.skip(f"browser lane: {what}")


# Not session-scoped: Playwright keeps an event loop running, and other tests start their own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Start Chromium."""
    chromium = next(filter(None, map(shutil.which, _CHROMIUMS)), None)
    if chromium is None:
        _miss("Chromium is not installed")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _miss("the package playwright is not installed")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="package")
def axe() -> str:
    """Return axe-core's script, installed from npm once."""
    if not AXE.exists():
        npm = shutil.which("npm")
        if npm is None:
            _miss("npm is not installed, which brings axe-core")
        install = [npm, "ci", "--no-audit", "--no-fund", "--fetch-retries=0", "--fetch-timeout=20000"]
        came = subprocess.run(install, cwd=HERE, capture_output=True, text=True, timeout=120)
        if came.returncode:
            _miss(f"npm ci failed in tests/lanes/browser: {came.stderr[-300:]}")
    return AXE.read_text(encoding="utf-8")


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """Open our page at a port. `expected_errors` are parts of the console errors that the test provokes."""
    contexts: list[Any] = []
    faults: list[str] = []

    def opened(
        port: int,
        path: str = "/",
        size: tuple[int, int] = DESKTOP,
        expected_errors: tuple[str, ...] = (),
        **options: Any,
    ) -> Any:
        ours = f"127.0.0.1:{port}"
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.add_init_script(_REPORT_BREACHES)

        def watch_request(request: Any) -> None:
            parts = urlsplit(request.url)
            if parts.scheme != "data" and parts.netloc != ours:
                faults.append(f"asked for {request.url}")

        def watch_console(message: Any) -> None:
            if message.type in ("error", "warning") and not any(
                expected in message.text for expected in expected_errors
            ):
                faults.append(message.text)

        context.on("request", watch_request)
        page.on("console", watch_console)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"http://{ours}{path}")
        if options.get("java_script_enabled", True):
            page.wait_for_selector("html.scripted")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


def ask(page: Any, question: str, whole: bool = True) -> Any:
    """Ask by keyboard and return the turn: complete, or (`whole=False`) while it streams."""
    page.fill("#q", question)
    page.press("#q", "Enter")
    turn = page.locator(".turn").last
    if whole:
        turn.locator(".reply[aria-busy=false]").wait_for()
    return turn
