"""Chat frontends, as published in their registries, on our server with the sample articles: an optional lane.

`make test-frontends` installs them and runs this. Those with a page run in Chromium; of Continue and LobeChat only
the code that reads our streams runs. A screenshot of each page stays in `.clients`.
"""

from __future__ import annotations

import http.server
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.lanes.clients.lane import FOLDER, KEY, QUESTION, Endless, Report, miss, report, samples
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.skipif(os.environ.get("TEST_FRONTENDS") != "1", reason="make test-frontends")

HERE = Path(__file__).parent / "frontends"
BUILT = FOLDER / "frontends"
SAID = "€46 million"
MARKED = "Rebuilding the eastern approach will cost €46 million, according to a roads authority estimate"
START_S = 120.0
PLENTY_MS = 60_000
QUIET = {"GRADIO_ANALYTICS_ENABLED": "False", "CHAINLIT_TELEMETRY_ENABLED": "false", "ANONYMIZED_TELEMETRY": "False"}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start Chromium."""
    chromium = shutil.which("chromium")
    if chromium is None:
        miss("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """Open a window."""
    context = browser.new_context(viewport={"width": 1200, "height": 860})
    opened = context.new_page()
    opened.set_default_timeout(PLENTY_MS)
    yield opened
    context.close()


@contextmanager
def program(name: str, folder: Path, command: list[str], port: int, env: dict[str, str]) -> Iterator[str]:
    """Run a frontend until it answers, and yield its address."""
    log = folder / "log"
    own = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    with (
        log.open("wb") as output,
        subprocess.Popen(command, cwd=folder, env=own | QUIET | env, stdout=output, stderr=output) as process,
    ):
        try:
            until = time.monotonic() + START_S
            while True:
                assert process.poll() is None, f"{name} ended: {log.read_text()[-2_000:]}"
                assert time.monotonic() < until, f"{name} does not answer: {log.read_text()[-2_000:]}"
                try:
                    httpx.get(f"http://127.0.0.1:{port}/", timeout=2).raise_for_status()
                    break
                except httpx.HTTPError:
                    time.sleep(0.3)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


def _python(name: str) -> str:
    python = FOLDER / name / "bin" / "python"
    if not python.exists():
        miss(f"`make test-frontends` has not made .clients/{name}")
    return str(python)


def _links_open_marked(page: Any, links: Any, url: str) -> None:
    """Follow a link as a reader does: it opens in a window of its own, with the cited words marked."""
    assert links.count() >= 2
    assert links.first.get_attribute("href").startswith(f"{url}/articles/")
    with page.expect_popup() as opening:
        links.first.click()
    marked = opening.value.locator("mark").first
    marked.wait_for()
    assert MARKED in marked.inner_text()


def test_gradio(page: Any, tmp_path: Path) -> None:
    """`gr.load_chat`, one line of code: the answer, its links, and the marked words behind them."""
    port = _free_port()
    with samples(tmp_path) as url:
        command = [_python("gradio"), str(HERE / "gradio_app.py"), url, KEY, str(port)]
        with program("gradio", tmp_path, command, port, {}) as address:
            page.goto(address)
            page.get_by_role("textbox").first.fill(QUESTION)
            page.keyboard.press("Enter")
            page.get_by_text(SAID).first.wait_for()
            links = page.locator(f"a[href^='{url}/articles/']")
            links.nth(3).wait_for()  # two in the answer, two in the note that the sources differ
            page.screenshot(path=FOLDER / "gradio.png")
            _links_open_marked(page, links, url)


def test_streamlit(page: Any, tmp_path: Path) -> None:
    """`st.write_stream` of openai's own stream."""
    port = _free_port()
    with samples(tmp_path) as url:
        command = [_python("streamlit"), "-m", "streamlit", "run", str(HERE / "streamlit_app.py")]
        command += ["--server.headless", "true", "--server.port", str(port), "--server.address", "127.0.0.1"]
        command += ["--browser.gatherUsageStats", "false"]
        with program("streamlit", tmp_path, command, port, {"NEWS_URL": url, "NEWS_KEY": KEY}) as address:
            page.goto(address)
            page.get_by_placeholder("Ask the news").fill(QUESTION)
            page.keyboard.press("Enter")
            page.get_by_text(SAID).first.wait_for()
            links = page.locator(f"a[href^='{url}/articles/']")
            links.nth(3).wait_for()
            page.screenshot(path=FOLDER / "streamlit.png")
            _links_open_marked(page, links, url)


def test_chainlit(page: Any, tmp_path: Path) -> None:
    """A dozen lines of code: `[1]` opens the cited words at the side."""
    port = _free_port()
    with samples(tmp_path) as url:
        command = [_python("chainlit"), "-m", "chainlit", "run", str(HERE / "chainlit_app.py")]
        command += ["--headless", "--host", "127.0.0.1", "--port", str(port)]
        env = {"NEWS_URL": url, "NEWS_KEY": KEY, "CHAINLIT_APP_ROOT": str(tmp_path)}
        with program("chainlit", tmp_path, command, port, env) as address:
            page.goto(address)
            page.locator("#chat-input").click()
            page.keyboard.insert_text(QUESTION)
            page.keyboard.press("Enter")
            page.get_by_text(SAID).first.wait_for()
            page.get_by_text("[1]", exact=True).first.click()
            page.locator("#side-view-content").get_by_text(MARKED).wait_for()
            page.screenshot(path=FOLDER / "chainlit.png")


@contextmanager
def _assistant_ui() -> Iterator[str]:
    """Serve the page bundled from assistant-ui's components, from another origin."""
    if not (BUILT / "assistant_ui.bundle.js").exists():
        miss("`make test-frontends` has not made .clients/frontends")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    (BUILT / "index.html").write_text(
        "<!doctype html><meta charset=utf-8><title>news</title><link rel=icon href=data:,>"
        '<div id="root"></div><script src="assistant_ui.bundle.js"></script>'
    )
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(BUILT))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_assistant_ui(page: Any, tmp_path: Path) -> None:
    """Its runtime and its components, from another origin: text, source parts and quotes; a wrong key is an error."""
    with _assistant_ui() as origin, samples(tmp_path, api_keys=(f"ask:{KEY}",), cors_origins=(origin,)) as url:
        page.goto(f"{origin}/#url={url}&key={KEY}")
        page.locator("#q").fill(QUESTION)
        page.locator("#send").click()
        page.get_by_text(SAID).first.wait_for()
        page.locator(".source").nth(1).wait_for()
        assert page.locator(".source").count() == 2
        assert page.locator(".source").first.get_attribute("href").startswith(f"{url}/articles/")
        assert MARKED in page.locator(".quote").first.inner_text()
        page.screenshot(path=FOLDER / "assistant-ui.png")
        page.goto("about:blank")
        page.goto(f"{origin}/#url={url}&key=wrong")
        page.locator("#q").fill(QUESTION)
        page.locator("#send").click()
        page.locator(".failed").wait_for()


def test_assistant_ui_stop_reaches_the_model_server(page: Any, tmp_path: Path) -> None:
    """Its Cancel button ends the model's writing within a second."""
    with ScriptedServer([Endless()]) as model, _assistant_ui() as origin:
        overrides = {"openai_base_url": model.url, "llm_model": "scripted", "cors_origins": (origin,)}
        with samples(tmp_path, **overrides) as url:
            page.goto(f"{origin}/#url={url}&key={KEY}")
            page.locator("#q").fill(QUESTION)
            page.locator("#send").click()
            page.locator(".source").first.wait_for()
            page.locator("#stop").click()
            assert model.seen[-1].client_left.wait(1)


Ask = Callable[[str], Report]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Return a function that runs the stream code of a frontend without a page (once each)."""
    if not (BUILT / "lobechat.bundle.cjs").exists():
        miss("`make test-frontends` has not made .clients/frontends")
    folder = tmp_path_factory.mktemp("frontends")
    reports: dict[str, Report] = {}
    more: dict[str, Any] = {"api_keys": (f"ask:{KEY}",)}
    with (
        ScriptedServer([Endless()]) as model,
        samples(folder / "a", **more) as url,
        samples(folder / "b", openai_base_url=model.url, llm_model="scripted", **more) as slow,
    ):
        at = json.dumps({"url": url, "slow_url": slow, "key": KEY, "question": QUESTION})

        def run(name: str) -> Report:
            if name not in reports:
                reports[name] = report(["node", str(BUILT / "frontends.mjs"), name, at], model, {})
            assert "done" in reports[name].events, reports[name].error[-3_000:]
            return reports[name]

        yield run


@pytest.mark.parametrize("name", ["continue", "lobechat"])
def test_its_code_reads_the_stream_and_the_errors(ask: Ask, name: str) -> None:
    """The words arrive, and 404 and 401 have error codes."""
    events = ask(name).events
    assert SAID in events["streamed"]["text"]
    assert (events["unknown_model"]["status"], events["unknown_model"]["code"]) == (404, "model_not_found")
    assert (events["bad_key"]["status"], events["bad_key"]["code"]) == (401, "bad_key")


def test_continue(ask: Ask) -> None:
    """Its adapter: plain and streamed answers are equal, the models are listed, cancelling reaches the model server."""
    found = ask("continue")
    assert found.events["streamed"]["text"] == found.events["whole"]["text"]
    assert found.events["streamed"]["usage"] is not None
    assert found.events["models"]["models"] == ["news-qa", "news-qa-markers", "news-qa-utility"]
    assert found.stopped_after_s is not None
    assert found.stopped_after_s < 1


def test_lobechat(ask: Ask) -> None:
    """Its parser finds the sources twice, in the order of the numbers, and the usage, and no error."""
    events = ask("lobechat").events["streamed"]
    assert events["kinds"] == ["text", "grounding", "text", "grounding", "usage"]
    first, last = events["grounding"]
    assert [source["url"] for source in last][: len(first)] == [source["url"] for source in first]
    assert len(first) == 2
    assert all(source["title"] and "/articles/" in source["url"] for source in last)
