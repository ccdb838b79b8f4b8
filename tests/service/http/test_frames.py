"""Every frame of each streaming API is readable by five real clients, whatever course the stream takes.

A frame without `choices`, an `event:` or `retry:` line, or two data lines break one client or another.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from qa.answering.draft import Delta, Event, Retrieved
from qa.errors import ModelUnavailable
from qa.service.http import streams
from qa.types import Answer, Citation, Conflict, ConflictValue, Question, Source, Span, Statement, Usage
from tests.service.serving import FakeAnswerer, app_with, empty_answer, post, read_until, running

ARTICLE = "Line one.\r\nLine 😀 two\u2028e\u0301 日本 [3]. " * 4
MESSAGES = [{"role": "user", "content": "What happened?", "parts": [{"type": "text", "text": "What happened?"}]}]
WIRES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": MESSAGES, "stream": True},
    "/v1/responses": {"input": "What happened?", "stream": True},
    "/api/chat": {"messages": MESSAGES},
}
Script = Callable[[Question], AsyncGenerator[Event, None]]


def _citation(number: int, article: str, start: int) -> Citation:
    source = Source(article, 1, "0" * 64, f"Title {article} ]( ` <b>", "Wire", None, "2023-03-21")
    span = Span(start, start + 12)
    return Citation(number, source, span, start, start + 12, ARTICLE[span.start : span.end])


# Twelve citations of seven articles: two spans of one article are two numbers, and one is cited twice.
TWELVE = tuple(_citation(number, f"a{number % 7}", number) for number in range(1, 13))
SENTENCES = (
    *(f"Thing {citation.number} 😀 happened. [{citation.number}]" for citation in TWELVE),
    "Again.\r\n [2][12]",
)


def _answer(conflicts: tuple[Conflict, ...] = ()) -> Answer:
    text = " ".join(SENTENCES)
    statement = Statement(0, len(text), text, tuple(range(1, 13)), "supported", ())
    status: Any = "conflicting" if conflicts else "answered"
    return Answer(
        "ans_1", status, text, (statement,), TWELVE, conflicts, (), (), "extractive", None, (), True, Usage(3, 4), {}
    )


async def _answered(question: Question) -> AsyncGenerator[Event, None]:
    yield Retrieved(())
    for citation, sentence in zip((*TWELVE, None), SENTENCES, strict=True):
        if citation is not None:
            yield citation
        yield Delta(sentence if citation is not None and citation.number == 1 else f" {sentence}")
    yield _answer()


async def _differing(question: Question) -> AsyncGenerator[Event, None]:
    async for event in _answered(question):
        if not isinstance(event, Answer):
            yield event
    values = (ConflictValue("€4 million", (1,)), ConflictValue("€5 million", (2,)))
    yield _answer((Conflict("amount: cost", values),))


async def _refused(question: Question) -> AsyncGenerator[Event, None]:
    yield Retrieved(())
    yield Delta("The articles do not answer this question.")
    yield empty_answer()


async def _broken(question: Question) -> AsyncGenerator[Event, None]:
    yield Retrieved(())
    yield TWELVE[0]
    yield Delta(SENTENCES[0])
    raise ModelUnavailable("secret host failed")


async def _slow(question: Question) -> AsyncGenerator[Event, None]:
    yield Retrieved(())
    await asyncio.sleep(0.3)
    async for event in _answered(question):
        if not isinstance(event, Retrieved):
            yield event


SCRIPTS: dict[str, Script] = {
    "answer": _answered,
    "conflict": _differing,
    "refusal": _refused,
    "error": _broken,
    "heartbeat": _slow,
}


def _check(path: str, text: str, failed: bool) -> list[dict[str, Any]]:
    """Check every frame by the rules of its wire and return what the frames hold."""
    assert text.endswith("\n\n")
    blocks = text.removesuffix("\n\n").split("\n\n")
    frames = [block for block in blocks if not block.startswith(":")]
    assert all("\n" not in block and "\r" not in block for block in blocks if block.startswith(":"))
    ended = frames[-1] == "data: [DONE]"
    assert ended == (not failed and path != "/v1/responses")
    found = [_data(path, frame) for frame in frames[: len(frames) - ended]]
    if path == "/v1/chat/completions":
        chunks = found[:-1] if failed else found
        assert all([choice["index"] for choice in chunk["choices"]] == [0] for chunk in chunks)
        assert all(isinstance(chunk["choices"][0]["delta"], dict) for chunk in chunks)
        assert len({(chunk["id"], chunk["created"], chunk["model"], chunk["object"]) for chunk in chunks}) == 1
        assert [chunk["choices"][0]["finish_reason"] is not None for chunk in chunks].count(True) == (not failed)
        if failed:
            assert set(found[-1]) == {"error"}
            assert set(found[-1]["error"]) == {"message", "type", "param", "code"}
    elif path == "/v1/responses":
        assert [event["sequence_number"] for event in found] == list(range(len(found)))
        assert found[-1]["type"] == ("response.failed" if failed else "response.completed")
    else:
        assert found[0]["type"] == "start"
        assert found[-1]["type"] == ("error" if failed else "finish")
    return found


def _data(path: str, frame: str) -> dict[str, Any]:
    name = r"event: ([a-z_.]+)\n" if path == "/v1/responses" else "()"
    # Splitting by `splitlines` also breaks at U+2028, as some clients do: it must be escaped.
    assert len(frame.splitlines()) == (2 if path == "/v1/responses" else 1)
    match = re.fullmatch(name + r"data: (\{.*\})", frame)
    assert match, frame
    payload: dict[str, Any] = json.loads(match[2])
    assert not match[1] or match[1] == payload["type"]
    return payload


@pytest.mark.parametrize("path", WIRES)
@pytest.mark.parametrize("course", SCRIPTS)
def test_every_frame_is_one_that_clients_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, course: str
) -> None:
    """One data line, one choice, one end; a pause is a comment; an error is the last frame and tells nothing inner."""
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.05)
    with running(app_with(tmp_path, FakeAnswerer(SCRIPTS[course]))) as port:
        sent = httpx.post(f"http://127.0.0.1:{port}{path}", json=WIRES[path])
    assert sent.headers["content-type"].split(";")[0] == "text/event-stream"
    assert (sent.headers["cache-control"], sent.headers["x-accel-buffering"]) == ("no-cache", "no")
    _check(path, sent.text, failed=course == "error")
    assert "secret" not in sent.text
    assert ("\n: " in sent.text or sent.text.startswith(":")) == (course == "heartbeat")


@pytest.mark.parametrize("path", WIRES)
def test_a_server_that_goes_down_says_so_in_a_frame(tmp_path: Path, path: str) -> None:
    """The last frame of a stream that is cut is an error by the same rules."""

    async def endless(question: Question) -> AsyncGenerator[Event, None]:
        yield Retrieved(())
        yield Delta("One ")
        await asyncio.sleep(3_600)

    with running(app_with(tmp_path, FakeAnswerer(endless))) as port:
        connection = post(port, path, WIRES[path], timeout_s=20)
        came = read_until(connection, b"One ")
    with connection:
        came += read_until(connection, b"0\r\n\r\n")
    body = came.partition(b"\r\n\r\n")[2]
    pieces = re.findall(rb"[0-9a-f]+\r\n(.*?\n\n)\r\n", body, re.DOTALL)
    _check(path, b"".join(pieces).decode(), failed=True)
    assert b"going down" in body


def test_numbers_follow_the_order_in_which_frontends_count(tmp_path: Path) -> None:
    """Each number has an address of its own; lists go by number; repeats come last; sources arrive in number order."""
    path = "/v1/chat/completions"
    with running(app_with(tmp_path, FakeAnswerer(_answered))) as port:
        body = {**WIRES[path], "model": "news-qa-markers"}
        frames = _check(path, httpx.post(f"http://127.0.0.1:{port}{path}", json=body).text, failed=False)
    text = "".join(frame["choices"][0]["delta"].get("content", "") for frame in frames)
    annotations = [annotation["url_citation"] for annotation in frames[-1]["choices"][0]["delta"]["annotations"]]
    shown = [text[annotation["start_index"] : annotation["end_index"]] for annotation in annotations]
    assert shown == [f"[{number}]" for number in (*range(1, 13), 2, 12)]
    urls = [annotation["url"] for annotation in annotations]
    assert len(set(urls)) == 12
    assert (urls[12], urls[13]) == (urls[1], urls[11])
    results = next(frame["search_results"] for frame in frames if "search_results" in frame)
    assert [result["url"] for result in results] == urls[:12]
    events = [frame["event"]["data"] for frame in frames if "event" in frame]
    assert [source["metadata"][0]["source"] for source in events] == urls[:12]
    first = {number: text.index(f"[{number}]") for number in range(1, 13)}
    assert sorted(first, key=first.__getitem__) == list(range(1, 13))
    assert not any("citations" in frame for frame in frames)  # LobeChat would number by them instead


@pytest.mark.parametrize(
    "body",
    [
        {"model": "news-qa", "temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0,
         "user": "65f0", "stream": True, "messages": [{"role": "user", "name": "ann", "content": "What happened?"}]},
        {"model": "news-qa-markers", "temperature": 0.7, "user": "u", "stream": True,
         "stream_options": {"include_usage": True}, "messages": [
             {"role": "system", "content": ""}, {"role": "user", "content": "What happened?"}]},
        {"model": "news-qa-markers", "stream": True, "messages": [{"role": "user", "content": "What happened?"}],
         "tools": [{"type": "function", "function": {"name": f"tool_{n}", "parameters": {}}} for n in range(36)]},
        {"model": "news-qa", "temperature": 0.7, "max_tokens": 1024, "stream": True, "messages": [
            {"role": "developer", "content": "x"}, {"role": "assistant", "content": None, "tool_calls": []},
            {"role": "user", "content": [{"type": "text", "text": "What happened?"},
                                         {"type": "image_url", "image_url": {"url": "data:,"}}]}]},
    ],
    ids=["LibreChat", "LobeChat", "Open WebUI", "AnythingLLM"],
)  # fmt: skip
def test_what_frontends_really_send_is_answered(tmp_path: Path, body: dict[str, Any]) -> None:
    """Fields that say nothing to us are let be, and the question is found."""
    fake = FakeAnswerer(_answered)
    with running(app_with(tmp_path, fake)) as port:
        sent = httpx.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body)
    assert sent.status_code == 200
    assert sent.text.endswith("data: [DONE]\n\n")
    assert fake.ended == ["whole"]


@pytest.mark.parametrize(
    "more",
    [
        {"messages": [{"role": "user", "content": '### Task:\nGenerate a title. JSON format: { "title": "x" }'}],
         "max_tokens": 1000},
        {"messages": [{"role": "user", "content": "Name it"}], "response_format": {"type": "json_object"}},
        {"messages": [{"role": "user", "content": "Name it"}], "tool_choice": "required", "tools": []},
        {"messages": [{"role": "user", "content": "Name it"}], "model": "news-qa-utility"},
    ],
    ids=["Open WebUI", "LobeChat", "LibreChat functions", "by its model"],
)  # fmt: skip
def test_background_calls_ask_no_article(tmp_path: Path, more: dict[str, Any]) -> None:
    """A title would be a cited essay otherwise, and cost a search."""
    fake = FakeAnswerer(_answered)
    with running(app_with(tmp_path, fake)) as port:
        sent = httpx.post(f"http://127.0.0.1:{port}/v1/chat/completions", json={"model": "news-qa", **more})
    assert sent.status_code == 200
    assert sent.json()["choices"][0]["message"]
    assert not fake.began.is_set()


@pytest.mark.parametrize("path", [*WIRES, "/v1/ask"])
def test_a_slow_search_does_not_keep_the_reader_waiting(tmp_path: Path, path: str) -> None:
    """The stream begins before the search is done, by the rules of its wire; what fails then is told inside it."""

    async def searching(question: Question) -> AsyncGenerator[Event, None]:
        await asyncio.sleep(2)
        for _ in question.question:
            raise ModelUnavailable("secret host failed")
        yield Retrieved(())

    body = WIRES.get(path, {"question": "What happened?", "stream": True})
    with running(app_with(tmp_path, FakeAnswerer(searching))) as port:
        began = time.monotonic()
        with httpx.stream("POST", f"http://127.0.0.1:{port}{path}", json=body) as reply:
            pieces = reply.iter_bytes()
            first = next(pieces)
            assert time.monotonic() - began < 1.5
            text = (first + b"".join(pieces)).decode()
    assert reply.status_code == 200
    assert "secret" not in text
    if path == "/v1/ask":
        assert text.startswith(": ")
        assert "event: error" in text
    else:
        _check(path, text, failed=True)
