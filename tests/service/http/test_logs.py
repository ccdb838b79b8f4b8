"""Logging: one line per event, and nothing of what users asked, read or sent."""

from __future__ import annotations

import io
import json
import logging
import sqlite3
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from qa.answering.draft import Delta, Event, Retrieved
from qa.errors import StoreFailed
from qa.service.http import logs
from qa.service.http.deps import answerer
from qa.types import Question
from tests.scripted_server import Raw, ScriptedServer, Status, Stream, traitor
from tests.service.serving import BRIDGE, FakeAnswerer, client, empty_answer

ASKED = {"question": "When did the bridge open again?", "as_of": "2023-03-22"}


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Log into memory, at debug level."""
    root, hook = logging.getLogger(), threading.excepthook
    before = root.handlers[:], {name: logging.getLogger(name).level for name in (None, "qa", "eval", "uvicorn")}
    stream = io.StringIO()
    logs.configure("DEBUG", "json", stream)
    yield stream
    logging.captureWarnings(False)
    threading.excepthook = hook
    root.handlers[:], levels = before
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def _events(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_request_is_one_line_with_what_an_operator_needs(tmp_path: Path, log: io.StringIO) -> None:
    """Id, route, status, time, stages, the answer's status and the key's id; the request id is in the reply too."""
    with client(tmp_path, BRIDGE, api_keys=("s3cret",)) as http:
        reply = http.post("/v1/ask", json=ASKED, headers={"Authorization": "Bearer s3cret"})
        refused = http.post("/v1/ask", json=ASKED)
    lines = [line for line in _events(log) if line["event"] == "request" and line["route"] == "/v1/ask"]
    assert len(lines) == 2
    line = lines[0]
    assert line["request_id"] == reply.headers["x-request-id"] != refused.headers["x-request-id"]
    assert (line["level"], line["logger"], line["method"], line["status"]) == ("info", "qa.service.access", "POST", 200)
    assert (line["answer"], line["mode"], line["key"]) == ("answered", "extractive", "configured-1")
    assert {"ms", "retrieve_ms", "evidence_ms", "generate_ms", "verify_ms", "total_ms", "timestamp"} <= set(line)
    assert (lines[1]["status"], lines[1]["error"]) == (401, "bad_key")
    assert "answer" not in lines[1]


def test_an_id_of_the_caller_is_not_taken(tmp_path: Path, log: io.StringIO) -> None:
    """The service generates the id: one from the caller could contain anything, or copy another request's."""
    with client(tmp_path) as http:
        reply = http.get("/healthz", headers={"X-Request-Id": "canary"})
    assert reply.headers["x-request-id"].startswith("req_")
    assert "canary" not in log.getvalue()


def test_lines_within_a_request_carry_its_id(tmp_path: Path, log: io.StringIO) -> None:
    """An error can be found by the id that the caller got, also in a stream and in threads."""

    async def script(question: Question) -> AsyncGenerator[Event, None]:
        yield Retrieved(())
        yield Delta("One ")
        raise ZeroDivisionError("secret")

    with client(tmp_path) as http:
        app: Any = http.app
        app.dependency_overrides[answerer] = lambda: FakeAnswerer(script)
        reply = http.post("/v1/ask", json={"question": "x", "stream": True})
    fault, request = [line for line in _events(log) if line.get("request_id") == reply.headers["x-request-id"]]
    assert (fault["event"], fault["level"]) == ("unexpected in a stream", "error")
    assert fault["exception"] == "ZeroDivisionError"
    assert fault["where"].startswith("http/test_logs.py:")
    assert (request["status"], request["error"]) == (200, "failed")
    assert "secret" not in log.getvalue()


@pytest.mark.parametrize("form", ["json", "console"])
def test_nobody_writes_a_line_of_his_own(form: Any, log: io.StringIO) -> None:
    """Line ends, escape sequences and bidi characters are escaped, so a terminal is not affected."""
    stream = io.StringIO()
    logs.configure("INFO", form, stream)
    hostile = "a\r\nb\x1b[31mred\x1b]0;title\x07\u202ecod\u2028\x85e\u0301 😀 日本"
    logging.getLogger("qa.x").warning("%s", hostile, extra={"reason": hostile})
    logged = stream.getvalue()
    assert len(logged.splitlines()) == 1
    assert not set(logged.strip("\n")) & set("\r\n\x1b\x07\u202e\u2028\x85")
    assert "red" in logged


def test_a_library_is_named_and_not_quoted(log: io.StringIO) -> None:
    """A library's message could be a prompt; only its logger, place and exception class are kept. uvicorn is exempt."""
    try:
        raise ValueError("canary")
    except ValueError as exc:
        logging.getLogger("openai").error("canary %s", "canary", exc_info=exc)
    logging.getLogger("httpx2").debug("canary")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    logging.getLogger("py.warnings").warning("%s", "canary")
    first, second, third = _events(log)
    assert (first["logger"], first["exception"], first["event"]) == ("openai", "ValueError", "a library logged")
    assert first["place"].startswith("http/test_logs.py:")
    assert second["event"] == "Invalid HTTP request received."
    assert third["logger"] == "py.warnings"
    assert "canary" not in log.getvalue()


def test_a_thread_that_ends_is_told_without_words(log: io.StringIO) -> None:
    """An uncaught exception in a thread becomes one log line without its message."""

    def fail() -> None:
        raise ValueError("canary")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert [line["exception"] for line in _events(log)] == ["ValueError"]
    assert "canary" not in log.getvalue()


# Everything that must never be logged contains this word; the log shows a known route as its template, without the id.
CANARY = "kanarie"
ARTICLE = BRIDGE | {"id": f"{CANARY}id", "title": f"{CANARY} title", "text": f"The {CANARY} bridge opened on Monday."}
CHAT = [{"role": "system", "content": f"{CANARY}system"}, {"role": "user", "content": f"{CANARY}question bridge?"}]


def _send_everything(http: TestClient, headers: dict[str, str]) -> list[str]:
    """Send valid and invalid requests to every API, with planted words in every place; return the error bodies."""
    question, bad = f"When did the {CANARY}question bridge open?", {f"{CANARY}field": 1}
    parts = [{"role": "user", "parts": [{"type": "text", "text": question}]}]
    tool = {"name": "ask", "arguments": {"question": question}}
    posts: list[tuple[str, Any]] = [
        ("/v1/articles", ARTICLE),
        ("/v1/articles", {"id": f"{CANARY}bad", "text": f"\x00{CANARY}"}),
        ("/v1/ask", {"question": question}),
        ("/v1/ask", {"question": question, "stream": True}),
        ("/v1/ask", {"question": question, "mode": "llm", "history": [{"role": "user", "content": CANARY}]}),
        ("/v1/ask", {"question": question, "filters": {"outlets": [CANARY]}, **bad}),
        ("/v1/ask", {"question": question, "as_of": CANARY}),
        ("/v1/ask", {"question": question, "collection": f"{CANARY}\r\n"}),
        ("/v1/search", {"query": question}),
        ("/v1/search", {"query": f'{CANARY}" AND NEAR({CANARY}'}),
        ("/v1/chat/completions", {"messages": CHAT, "model": "news-qa", "user": CANARY}),
        ("/v1/chat/completions", {"messages": CHAT, "model": "news-qa", "stream": True}),
        ("/v1/chat/completions", {"messages": CHAT, "model": f"{CANARY}model"}),
        ("/v1/chat/completions", {"messages": CHAT, "model": "news-qa-utility"}),
        ("/v1/responses", {"input": question, "stream": True}),
        ("/v1/responses", {"input": question, "previous_response_id": CANARY}),
        ("/api/chat", {"messages": parts}),
        ("/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": tool}),
        ("/mcp", {"jsonrpc": "2.0", "id": 1, "method": CANARY, "params": {CANARY: CANARY}}),
        ("/v1/feedback", {"answer_id": "ans_1", "rating": 1, "comment": CANARY}),
        (f"/v1/{CANARY}", {CANARY: CANARY}),
    ]
    gets = [
        f"/v1/articles/{CANARY}id", f"/v1/articles/{CANARY}id/text", f"/v1/articles/{CANARY}id/text?version=99",
        f"/articles/{CANARY}id?span=1-5&chat_id={CANARY}", f"/articles/{CANARY}none?span={CANARY}",
        f"/?q={CANARY}", f"/{CANARY}?key={CANARY}", f"/v1/models/{CANARY}", f"/v1/articles?limit={CANARY}",
        "/readyz", "/healthz", "/metrics",
    ]  # fmt: skip
    # Sent with every request: a session cookie and other headers that could end up in a log.
    also = headers | {"Cookie": f"s={CANARY}", "User-Agent": CANARY, "Referer": f"http://localhost/{CANARY}"}
    also |= {"Accept": "application/json, text/event-stream"}
    replies = [http.post(path, json=body, headers=also) for path, body in posts]
    replies += [http.get(path, headers=also) for path in gets]
    replies.append(http.post(f"/v1/ask?key={CANARY}", content=f'{{"question": "{CANARY}', headers=also))
    replies.append(http.request(f"{CANARY.upper()}", "/v1/ask", headers=also))
    replies.append(http.delete(f"/v1/articles/{CANARY}none", headers=also))
    metrics = next(reply for reply in replies if reply.request.url.path == "/metrics")
    # A 4xx may quote what the caller just sent to that caller. A 5xx must reveal nothing.
    return [metrics.text, *(reply.text for reply in replies if reply.status_code >= 500)]


def _broken(exc: Exception) -> FakeAnswerer:
    async def script(question: Question) -> AsyncGenerator[Event, None]:
        if question.question.startswith("later"):
            yield Retrieved(())
        for _ in question.question:
            raise exc
        yield empty_answer()

    return FakeAnswerer(script)


ACTS = {
    "answers": (),
    "refuses": (Status(401, error={"message": CANARY, "code": f"{CANARY}-1"}),),
    "fails": (Status(500, {"x-canary": CANARY}, {"message": CANARY}),),
    "breaks off": (Stream([f"{CANARY} said "], cut_after=150),),
    "is no server": (Raw(f"<html>{CANARY}</html>".encode(), f"text/html; {CANARY}"),),
}


@pytest.mark.parametrize("course", ACTS)
def test_nothing_of_what_was_sent_gets_out(tmp_path: Path, log: io.StringIO, course: str) -> None:
    """No planted word is in a debug log line, a metric or a 5xx body, whatever the model server does."""
    acts = ACTS[course]
    with (
        ScriptedServer(acts, reply=traitor) as server,
        client(
            tmp_path / f"{CANARY}folder",
            api_keys=(f"{CANARY}key",),
            llm_model="scripted",
            openai_base_url=server.url,
            openai_api_key=f"sk-{CANARY}",
            on_llm_failure="error",
        ) as http,
    ):
        right = {"Authorization": f"Bearer {CANARY}key"}
        out = _send_everything(http, right)
        if not acts:
            out += _send_everything(http, {"Authorization": f"Bearer {CANARY}wrong"}) + _send_everything(http, {})
            app: Any = http.app
            for exc in (ValueError(CANARY), StoreFailed("disk"), UnicodeEncodeError("utf-8", CANARY, 0, 1, CANARY)):
                app.dependency_overrides[answerer] = lambda exc=exc: _broken(exc)
                for question in (f"{CANARY}?", f"later {CANARY}?"):
                    for stream in (False, True):
                        body = {"question": question, "stream": stream}
                        out.append(http.post("/v1/ask", json=body, headers=right).text)
            app.dependency_overrides.clear()
            _spoil_the_store(tmp_path)
            out += _send_everything(http, right)
    lines = log.getvalue()
    assert [line for line in lines.splitlines() if CANARY in line.replace(str(tmp_path), "").lower()] == []
    assert [text for text in out if CANARY in text] == []
    requests = [line for line in _events(log) if line["event"] == "request"]
    assert {"/v1/ask", "/v1/chat/completions", "/mcp", "/v1/articles/{article_id}", "unmatched"} <= {
        request["route"] for request in requests
    }
    assert any(request["status"] >= 500 for request in requests) == (course != "answers") or not acts


def _spoil_the_store(folder: Path) -> None:
    """Drop the tables under the running service, so that its statements fail with their parameters in the message."""
    where = next(folder.rglob("catalog.sqlite3"))
    with closing(sqlite3.connect(where, timeout=10)) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        database.execute("PRAGMA foreign_keys = OFF")
        for (name,) in tables:
            if not name.startswith("sqlite_"):
                database.execute(f'DROP TABLE IF EXISTS "{name}"')
        database.commit()
