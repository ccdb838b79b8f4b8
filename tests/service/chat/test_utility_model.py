"""Chat frontends' own calls (titles, tags, JSON) are not treated as questions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.scripted_server import ScriptedServer, Status, Stream
from tests.service.serving import client

CHAT = "<chat_history>\nUSER: How long is the bridge over the Orrin now?\nASSISTANT: 4 km [1].\n</chat_history>"


def _ask(http: TestClient, words: str, **more: Any) -> dict[str, Any]:
    sent = http.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": words}], **more})
    assert sent.status_code == 200, sent.text
    body: dict[str, Any] = sent.json()
    assert "news_qa" not in body
    choice: dict[str, Any] = body["choices"][0]
    return choice


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ('Generate a concise title.\nJSON: {"title": "..."}', {"title": "How long is the bridge over"}),
        ('Predict follow-ups.\n{"follow_ups": ["..."]}', {"follow_ups": []}),
        ('Generate 1-3 broad tags.\n{"tags": ["..."]}', {"tags": ["News"]}),
        ('Make queries.\n{"queries": ["..."]}', {"queries": ["How long is the bridge over the Orrin now?"]}),
    ],
)
def test_open_webui_gets_the_json_it_asks_for(served: TestClient, task: str, expected: dict[str, Any]) -> None:
    """Its background calls begin with `### Task:` and expect one JSON object; a cited answer would become the title."""
    choice = _ask(served, f"### Task:\n{task}\n{CHAT}")
    assert json.loads(choice["message"]["content"]) == expected


def test_a_schema_is_filled(served: TestClient) -> None:
    """A requested JSON schema is followed."""
    schema = {
        "type": "object",
        "properties": {"title": {"type": "string"}, "n": {"type": "integer"}, "kind": {"enum": ["a", "b"]},
                       "list": {"type": "array", "items": {"type": "string"}}},
    }  # fmt: skip
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    choice = _ask(served, "Who opened it?", response_format=form)
    assert json.loads(choice["message"]["content"]) == {"title": "Who opened it", "n": 0, "kind": "a", "list": []}


def test_a_forced_tool_is_called(served: TestClient) -> None:
    """LobeChat requests objects through a forced tool call."""
    function = {"name": "name_topic", "parameters": {"type": "object", "properties": {"title": {"type": "string"}}}}
    choice = _ask(
        served,
        "Who opened it?",
        tools=[{"type": "function", "function": function}],
        tool_choice={"type": "function", "function": {"name": "name_topic"}},
    )
    assert choice["finish_reason"] == "tool_calls"
    call = choice["message"]["tool_calls"][0]["function"]
    assert (call["name"], json.loads(call["arguments"])) == ("name_topic", {"title": "Who opened it"})


def test_a_schema_without_an_end_is_cut(served: TestClient) -> None:
    """A deeply nested schema does not cause deep recursion."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(200):
        schema = {"type": "object", "properties": {"a": schema}}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    assert _ask(served, "x", response_format=form)["message"]["content"].count("{") <= 10


def test_with_a_model_the_request_is_passed_on(tmp_path: Path) -> None:
    """The utility model gets the messages and the format unchanged, under its own model name; nothing is retrieved."""
    with (
        ScriptedServer([Status(503), Stream(["{}"])]) as server,
        client(
            tmp_path,
            openai_base_url=server.url,
            llm_model="large",
            utility_model="small",
        ) as http,
    ):
        choice = _ask(
            http, "Title please", model="news-qa-utility", response_format={"type": "json_object"}, store=True
        )
        sent = server.seen[-1].body
    assert choice["message"]["content"] == "{}"
    assert sent["model"] == "small"
    assert sent["messages"] == [{"role": "user", "content": "Title please"}]
    assert sent["response_format"] == {"type": "json_object"}
    assert "store" not in sent
    assert "stream" not in sent
