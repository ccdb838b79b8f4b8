"""OpenAI's Responses API, called by OpenAI's own client over a real connection."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from qa.answering.draft import Delta, Event, Retrieved
from qa.errors import ModelUnavailable
from qa.types import Question
from tests.service.serving import FakeAnswerer, app_with, events, running

ASKED = "When was the bridge opened again?"


@pytest.mark.parametrize(
    "value",
    [ASKED, [{"role": "user", "content": [{"type": "input_text", "text": ASKED}]}],
     [{"role": "user", "content": "x"}, {"type": "reasoning", "summary": []},
      {"type": "message", "role": "user", "content": ASKED}]],
    ids=["a text", "parts", "items that are no messages"],
)  # fmt: skip
def test_an_answer_has_its_citations_as_annotations(client: openai.OpenAI, value: Any) -> None:
    """Each annotation covers its marker in the text."""
    reply = client.responses.create(model="news-qa-markers", input=value)
    assert reply.status == "completed"
    assert reply.output_text.endswith("The bridge opened again on Monday. [1]")
    part: Any = reply.output[0]
    annotation = part.content[0].annotations[0]
    assert reply.output_text[annotation.start_index : annotation.end_index] == "[1]"
    assert annotation.url.endswith("/articles/bridge-1?span=0-34")


def test_the_stream_says_what_the_whole_says(client: openai.OpenAI) -> None:
    """The client assembles the same response from the stream, except for ids and times."""
    whole = client.responses.create(model="news-qa", input=ASKED)
    with client.responses.stream(model="news-qa", input=ASKED) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert final.output_text == whole.output_text
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-5:] == [
        "response.output_text.annotation.added",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]


def test_events_are_numbered_without_gaps(port: int) -> None:
    """Clients order events by their sequence number."""
    sent = httpx.post(f"http://127.0.0.1:{port}/v1/responses", json={"input": ASKED, "stream": True})
    sent_events = events(sent.text)
    assert [data["sequence_number"] for _, data in sent_events] == list(range(len(sent_events)))
    assert all(name == data["type"] for name, data in sent_events)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": ASKED, "previous_response_id": "resp_1"}, "previous_response_id"),
        ({"input": 4}, "input"),
        ({}, "input"),
        ({"input": []}, "messages"),
    ],
)
def test_what_cannot_be_understood_is_refused(port: int, body: dict[str, Any], param: str) -> None:
    """`previous_response_id` is an error: an answer without the conversation would look right and be wrong."""
    sent = httpx.post(f"http://127.0.0.1:{port}/v1/responses", json=body)
    assert (sent.status_code, sent.json()["error"]["param"]) == (400, param)


def test_json_is_no_question(client: openai.OpenAI) -> None:
    """A request for JSON of a given schema gets such JSON, without a search."""
    schema = {"type": "object", "properties": {"title": {"type": "string"}}}
    form: Any = {"format": {"type": "json_schema", "name": "x", "schema": schema}}
    reply = client.responses.create(model="news-qa", input="Name this chat", text=form)
    assert json.loads(reply.output_text) == {"title": "Name this chat"}


def test_a_failure_ends_the_stream_as_failed(tmp_path: Path) -> None:
    """The last event reports the failure and reveals no internals."""

    async def script(question: Question) -> AsyncGenerator[Event, None]:
        yield Retrieved(())
        yield Delta("One ")
        raise ModelUnavailable("secret host failed")

    with running(app_with(tmp_path, FakeAnswerer(script))) as port:
        sent = httpx.post(f"http://127.0.0.1:{port}/v1/responses", json={"input": ASKED, "stream": True})
    name, data = events(sent.text)[-1]
    assert (name, data["response"]["status"]) == ("response.failed", "failed")
    assert "secret" not in sent.text
