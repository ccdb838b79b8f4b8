"""Helpers that serve an application for tests: in process, or with a real server on a free port."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

from qa import wiring
from qa.answering.draft import Event
from qa.service.app import create_app
from qa.service.http.deps import Service, answerer
from qa.service.serve import server_config
from qa.settings import Settings
from qa.types import Answer, Question, Usage
from tests.fakes import PhraseReader

BRIDGE = {
    "id": "bridge-1",
    "title": "Bridge opens again",
    "text": "The bridge opened again on Monday. 😀 Nobody was hurt.",
    "outlet": "Corvane Wire",
    "url": "https://wire.example/bridge",
    "published_at": "2023-03-21",
}


def settings_for(folder: Path, **more: Any) -> Settings:
    """Return settings without an embedder or a chat model."""
    return Settings.model_validate({"embed_model": "none", "data_dir": folder} | more)


@contextmanager
def reading(*phrases: str) -> Iterator[None]:
    """Let every store that is opened meanwhile have a reader that takes these phrases for answers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "build_reader", lambda settings: PhraseReader(*phrases))
        yield


@contextmanager
def client(folder: Path, *rows: dict[str, Any], **settings: Any) -> Iterator[TestClient]:
    """Serve a new store with these articles, in process."""
    app = create_app(settings_for(folder / "store", **settings))
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as http:
        if rows:
            key = next((key.removeprefix("admin:") for key in settings.get("api_keys", ())), "")
            sent = http.post("/v1/articles", json={"articles": rows}, headers={"Authorization": f"Bearer {key}"})
            assert sent.status_code == 200, sent.text
            assert not sent.json()["refused"], sent.text
        yield http


def opened(app: Any) -> Service:
    """Return the Service of a running application."""
    service = app.state.service
    assert isinstance(service, Service)
    return service


class FakeAnswerer:
    """An answerer that plays a script of events and records how each answer ended."""

    def __init__(self, script: Callable[[Question], AsyncGenerator[Event, None]]) -> None:
        self._script = script
        self.ended: list[str] = []
        self.began = threading.Event()
        self.over = threading.Event()

    async def stream(self, question: Question) -> AsyncGenerator[Event, None]:
        self.began.set()
        try:
            async for event in self._script(question):
                yield event
            self.ended.append("whole")
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise
        finally:
            self.over.set()

    async def ask(self, question: Question) -> Answer:
        last: Event | None = None
        async for event in self.stream(question):
            last = event
        assert isinstance(last, Answer)
        return last


def empty_answer(text: str = "The articles do not answer this question.") -> Answer:
    """Return an answer that cites nothing."""
    return Answer(
        "ans_1", "not_in_sources", text, (), (), (), (), (), "extractive", None, (), True, Usage(), {"total": 1}
    )


def app_with(folder: Path, fake: FakeAnswerer) -> FastAPI:
    """Return an application whose answers come from a script."""
    app = create_app(settings_for(folder / "store"))
    app.dependency_overrides[answerer] = lambda: fake
    return app


@contextmanager
def running(app: FastAPI) -> Iterator[int]:
    """Serve on a free port in a thread, as `serve` does, and yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = server_config(app, lifespan="on")
        config.timeout_graceful_shutdown = 1
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive(), "the server did not start"
                threading.Event().wait(0.01)
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(10)


def post(port: int, path: str, body: dict[str, Any], timeout_s: float = 10) -> socket.socket:
    """Send a request over a plain connection and return the connection, so that a test can drop it."""
    connection = socket.create_connection(("127.0.0.1", port), timeout_s)
    sent = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(sent)}"
    connection.sendall(f"{head}\r\n\r\n".encode() + sent)
    return connection


def read_until(connection: socket.socket, words: bytes) -> bytes:
    """Read until these bytes have arrived."""
    received = b""
    while words not in received:
        piece = connection.recv(65_536)
        assert piece, f"the connection ended before {words!r}: {received[-300:]!r}"
        received += piece
    return received


def events(stream: str) -> list[tuple[str, Any]]:
    """Return the events of a stream, without comments."""
    found: list[tuple[str, Any]] = []
    for block in stream.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":") and line)
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found
