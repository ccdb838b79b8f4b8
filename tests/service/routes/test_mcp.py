"""The MCP server, called by the MCP library's client over a real connection and over stdio."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from qa.service.app import create_app
from tests.service.serving import BRIDGE, running, settings_for

AWKWARD = {"id": "https://wire.example/a?b=1#c", "text": "The ferry to Lorne sank off the coast in a storm."}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Serve two articles."""
    with running(create_app(settings_for(tmp_path_factory.mktemp("mcp") / "store"))) as port:
        rows = {"articles": [BRIDGE, AWKWARD]}
        httpx.post(f"http://127.0.0.1:{port}/v1/articles", json=rows).raise_for_status()
        yield port


async def _result(target: Any, tool: str, arguments: dict[str, Any]) -> Any:
    async with Client(target) as client:
        return await client.call_tool(tool, arguments)


def _call(target: Any, tool: str, **arguments: Any) -> Any:
    """Return a tool's result; its text item and its structured content are the same JSON."""
    result = asyncio.run(_result(target, tool, arguments))
    assert not result.is_error, result
    assert len(result.content) == 1
    assert json.loads(result.content[0].text) == result.structured_content
    return result.structured_content


@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
async def test_the_tools_are_listed(port: int, path: str) -> None:
    """Three read-only tools; `search` and `fetch` take one string each, as ChatGPT requires."""
    async with Client(f"http://127.0.0.1:{port}{path}") as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert set(tools) == {"search", "fetch", "ask"}
    assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools.values())
    assert tools["search"].input_schema["required"] == list(tools["search"].input_schema["properties"]) == ["query"]
    assert tools["fetch"].input_schema["required"] == list(tools["fetch"].input_schema["properties"]) == ["id"]


def test_what_search_finds_can_be_fetched(port: int) -> None:
    """An id may be a URL; the `url` of each result opens our page."""
    target = f"http://127.0.0.1:{port}/mcp"
    found = (_call(target, "search", query="ferry storm"))["results"][0]
    assert found["id"] == AWKWARD["id"]
    assert httpx.get(found["url"]).status_code == 200
    document = _call(target, "fetch", id=found["id"])
    assert document["text"] == AWKWARD["text"]
    assert document["metadata"]["version"] == 1


def test_ask_answers_with_spans(port: int) -> None:
    """Each quote is exactly the article's text at its offsets."""
    target = f"http://127.0.0.1:{port}/mcp"
    answer = _call(target, "ask", question="When was the bridge opened again?", as_of="2023-03-22")
    citation = answer["citations"][0]
    assert BRIDGE["text"][citation["start"] : citation["end"]] == citation["quote"]
    assert citation["url"] == f"http://127.0.0.1:{port}/articles/bridge-1?span=0-34"
    assert answer["short_answer"] == {"text": "Monday", "citation": 1, "start": 27, "end": 33}
    refused = _call(target, "ask", question="When was the bridge opened again?", before="2020-01-01")
    assert (refused["status"], refused["citations"]) == ("not_in_sources", [])


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [("fetch", {"id": "nope"}, "no article 'nope'"), ("ask", {"question": " "}, "is empty"),
     ("ask", {"question": "x", "as_of": "soon"}, "as_of")],
)  # fmt: skip
def test_what_cannot_be_done_is_said(port: int, tool: str, arguments: dict[str, str], message: str) -> None:
    """An error is a tool result that names the cause, not a broken session."""
    result = asyncio.run(_result(f"http://127.0.0.1:{port}/mcp", tool, arguments))
    assert result.is_error
    assert message in result.content[0].text


def test_a_key_is_needed_where_keys_are_set(tmp_path: Path) -> None:
    """The endpoint needs the same keys as all routes, and the tools act with the caller's key."""
    settings = settings_for(tmp_path / "store", api_keys=("ask:reader", "admin:writer"))
    with running(create_app(settings)) as port:
        url = f"http://127.0.0.1:{port}"
        assert httpx.post(f"{url}/mcp", json={}).status_code == 401
        sent = httpx.post(f"{url}/v1/articles", json=BRIDGE, headers={"authorization": "Bearer writer"})
        assert sent.status_code == 200
        answer = asyncio.run(_ask_with_key(f"{url}/mcp", "reader"))
    assert answer["status"] == "answered"


async def _ask_with_key(url: str, key: str) -> Any:
    async with httpx2.AsyncClient(headers={"authorization": f"Bearer {key}"}) as http:
        transport = streamable_http_client(url, http_client=http)
        result = await _result(transport, "ask", {"question": "When was the bridge opened again?"})
    return result.structured_content


def test_a_foreign_host_is_refused_without_keys(port: int) -> None:
    """DNS rebinding must not make a foreign page same-origin."""
    sent = httpx.post(f"http://127.0.0.1:{port}/mcp", json={}, headers={"host": "evil.example"})
    assert sent.status_code == 403


def test_a_desktop_client_starts_us(tmp_path: Path) -> None:
    """`qa mcp` speaks over stdin and stdout; nothing else is written to stdout."""
    folder = tmp_path / "store"
    with running(create_app(settings_for(folder))) as port:
        httpx.post(f"http://127.0.0.1:{port}/v1/articles", json=BRIDGE).raise_for_status()
    started = StdioServerParameters(
        command=str(Path(sys.executable).with_name("qa")),
        args=["mcp"],
        env={**os.environ, "QA_DATA_DIR": str(folder), "QA_EMBED_MODEL": "none"},
    )
    answer = _call(started, "ask", question="When was the bridge opened again?")
    assert answer["citations"][0]["quote"] == "The bridge opened again on Monday."
