"""Streams over a real server: they are cancelled when the client leaves, and otherwise end with a final event."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from qa.answering.draft import Delta, Event, Retrieved
from qa.errors import ModelUnavailable
from qa.service.http import middleware, streams
from qa.types import Question
from tests.service.serving import FakeAnswerer, app_with, empty_answer, opened, post, read_until, running


async def _endless(question: Question) -> AsyncGenerator[Event, None]:
    yield Retrieved(())
    yield Delta("One ")
    await asyncio.sleep(3_600)


async def _silent(question: Question) -> AsyncGenerator[Event, None]:
    await asyncio.sleep(3_600)
    yield empty_answer()


async def _flood(question: Question) -> AsyncGenerator[Event, None]:
    yield Retrieved(())
    while True:
        yield Delta("x" * 100_000)


async def _slow(question: Question) -> AsyncGenerator[Event, None]:
    yield Retrieved(())
    await asyncio.sleep(0.5)
    yield Delta("One ")
    yield empty_answer("One ")


def _failing(exc: Exception) -> FakeAnswerer:
    async def script(question: Question) -> AsyncGenerator[Event, None]:
        yield Retrieved(())
        yield Delta("One ")
        raise exc

    return FakeAnswerer(script)


@pytest.mark.parametrize(
    ("script", "stream", "wait_for"),
    [(_endless, True, b"One"), (_silent, True, b""), (_silent, False, b"")],
    ids=["mid-stream", "before the first event", "a plain answer"],
)
def test_leaving_cancels_the_answer(tmp_path: Path, script: object, stream: bool, wait_for: bytes) -> None:
    """When the client disconnects, the answer is cancelled within a second, even while nothing is being sent."""
    fake = FakeAnswerer(script)  # type: ignore[arg-type]
    app = app_with(tmp_path, fake)
    with running(app) as port:
        connection = post(port, "/v1/ask", {"question": "x", "stream": stream})
        if wait_for:
            read_until(connection, wait_for)
        assert fake.began.wait(5)
        connection.close()
        assert fake.over.wait(1)
        _wait(lambda: opened(app).asks.taken == 0)
    assert fake.ended == ["cancelled"]


def test_many_leave_and_nothing_stays(tmp_path: Path) -> None:
    """After fifty clients have disconnected in mid-stream, no slot is held."""
    fake = FakeAnswerer(_endless)
    app = app_with(tmp_path, fake)
    with running(app) as port:
        connections = [post(port, "/v1/ask", {"question": "x", "stream": True}) for _ in range(50)]
        for connection in connections:
            read_until(connection, b"One")
        assert opened(app).asks.taken == 50
        for connection in connections:
            connection.close()
        _wait(lambda: opened(app).asks.taken == 0)
    assert fake.ended == ["cancelled"] * 50


def _wait(done: object) -> None:
    assert callable(done)
    end = time.monotonic() + 2
    while not done():
        assert time.monotonic() < end, "it did not happen within two seconds"
        time.sleep(0.01)


def test_a_client_that_does_not_read_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that reads nothing is dropped after a while, and its answer is cancelled."""
    monkeypatch.setattr(streams, "SLOW_READER_S", 0.3)
    fake = FakeAnswerer(_flood)
    app = app_with(tmp_path, fake)
    with running(app) as port:
        connection = post(port, "/v1/ask", {"question": "x", "stream": True})
        assert fake.over.wait(5)
        _wait(lambda: opened(app).asks.taken == 0)
        connection.close()
    assert fake.ended == []


def test_a_body_that_does_not_come_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that sends half a body gets an error and is dropped; a slow answer is not affected."""
    monkeypatch.setattr(middleware, "BODY_TIMEOUT_S", 0.2)
    monkeypatch.setattr(middleware, "SLOWEST_BYTES_S", 10**9)
    with running(app_with(tmp_path, FakeAnswerer(_slow))) as port:
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            head = b"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            connection.sendall(head + b'Content-Length: 9\r\n\r\n{"qu')
            assert b'"too_slow"' in read_until(connection, b"}}")
            assert connection.recv(100) == b""
        with post(port, "/v1/ask", {"question": "x"}) as connection:
            assert b"One" in read_until(connection, b"timings_ms")


@pytest.mark.parametrize(
    ("exc", "code"), [(ModelUnavailable("secret"), "model_unavailable"), (ZeroDivisionError("secret"), "failed")]
)
def test_a_failure_in_the_middle_is_an_event(tmp_path: Path, exc: Exception, code: str) -> None:
    """What was sent before stays, and the last event is a typed error that reveals no internals."""
    with running(app_with(tmp_path, _failing(exc))) as port:
        connection = post(port, "/v1/ask", {"question": "x", "stream": True})
        reply = read_until(connection, b"\r\n0\r\n\r\n").decode()
        connection.close()
    assert reply.index("event: retrieved") < reply.index('"One "') < reply.index("event: error")
    assert f'"code": "{code}"' in reply
    assert "secret" not in reply


def test_heartbeats_fill_the_pauses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """During pauses comments keep the connection alive; event readers do not see them."""
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.1)
    with running(app_with(tmp_path, FakeAnswerer(_slow))) as port:
        connection = post(port, "/v1/ask", {"question": "x", "stream": True})
        reply = read_until(connection, b"\r\n0\r\n\r\n").decode()
        connection.close()
    assert reply.count(": ping") >= 3
    assert re.findall("event: ([a-z]+)", reply) == ["retrieved", "delta", "answer"]


def test_the_end_of_the_server_is_told(tmp_path: Path) -> None:
    """A stream that is still open when the server goes down ends with an error event."""
    fake = FakeAnswerer(_endless)
    with running(app_with(tmp_path, fake)) as port:
        connection = post(port, "/v1/ask", {"question": "x", "stream": True})
        came = read_until(connection, b"One")
    came += read_until(connection, b"going_down")
    connection.close()
    assert fake.ended == ["cancelled"]
