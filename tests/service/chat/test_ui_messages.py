"""The Vercel AI SDK's UI message stream."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from qa.answering.draft import Event, Retrieved
from qa.types import Question
from tests.service.serving import FakeAnswerer, app_with

ASKED = [{"id": "m1", "role": "user", "parts": [{"type": "text", "text": "When was the bridge opened again?"}]}]


def _parts(http: TestClient, messages: Any = ASKED) -> list[dict[str, Any]]:
    sent = http.post("/api/chat", json={"id": "c1", "trigger": "submit-message", "messages": messages})
    assert sent.status_code == 200, sent.text
    assert sent.headers["x-vercel-ai-ui-message-stream"] == "v1"
    lines = [block for block in sent.text.split("\n\n") if block and not block.startswith(":")]
    done = lines.pop() if lines[-1] == "data: [DONE]" else None
    assert done or '"type": "error"' in lines[-1]
    return [json.loads(block.removeprefix("data: ")) for block in lines]


def test_parts_come_in_the_order_that_the_sdk_reads(served: TestClient) -> None:
    """Text between its start and its end, each source before the text with its marker, the whole answer last."""
    parts = _parts(served)
    assert [part["type"] for part in parts] == [
        "start", "start-step", "text-start", "text-delta", "source-url", "data-citation", "text-delta", "text-end",
        "data-answer", "finish-step", "finish",
    ]  # fmt: skip
    assert parts[3]["delta"] == "**Monday**\n\n"
    source = parts[4]
    assert source["url"].endswith("/articles/bridge-1?span=0-34")
    assert source["providerMetadata"]["newsqa"] == {
        "quote": "The bridge opened again on Monday.",
        "start": 0,
        "end": 34,
    }
    assert parts[6]["delta"] == parts[8]["data"]["answer"]


def test_a_refusal_has_text_and_no_source(served: TestClient) -> None:
    """A refusal is sent as text without sources."""
    nothing = [{"role": "user", "parts": [{"type": "text", "text": "Who won the chess cup in Lima?"}]}]
    parts = _parts(served, nothing)
    assert [part["type"] for part in parts if part["type"].startswith(("text-d", "source"))] == ["text-delta"]


def test_messages_must_be_a_list(served: TestClient) -> None:
    """An invalid body is an error, not a crash."""
    sent = served.post("/api/chat", json={"messages": "hello"})
    assert (sent.status_code, sent.json()["error"]["param"]) == (400, "messages")


def test_a_failure_is_an_error_part(tmp_path: Path) -> None:
    """A stream that has begun ends with an error part, which reveals no internals."""

    async def script(question: Question) -> AsyncGenerator[Event, None]:
        yield Retrieved(())
        raise RuntimeError("secret")

    with TestClient(app_with(tmp_path, FakeAnswerer(script)), base_url="http://localhost") as http:
        last = _parts(http)[-1]
    assert last["type"] == "error"
    assert "secret" not in last["errorText"]


@pytest.mark.parametrize("content", [[{"type": "file", "url": "x"}], [], None])
def test_a_message_without_words_is_refused(served: TestClient, content: Any) -> None:
    """A message with only an image is not a question."""
    sent = served.post("/api/chat", json={"messages": [{"role": "user", "parts": content}]})
    assert sent.status_code == 400
