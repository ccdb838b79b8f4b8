"""Misbehaving clients (disconnecting, slow, oversized), signals, clock jumps, bad settings, exhausted descriptors.

Real uvicorn and real sockets. FULL_NUMBERS=1 uses the plan's numbers and the service's own timeouts.
"""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from qa.answering.draft import Delta, Event, Retrieved
from qa.library import Library
from qa.service import head_timeout
from qa.service.app import create_app
from qa.service.http import middleware, streams
from qa.service.http.deps import answerer
from qa.types import Question
from tests.scripted_server import Act, Computed, Hang, ScriptedServer, Stream, Wire, cite_first_sentence
from tests.service.serving import BRIDGE, FakeAnswerer, client, post, read_until, running, settings_for
from tests.service.test_serve import SERVE

ALL = bool(os.environ.get("FULL_NUMBERS"))
MANY = 50 if ALL else 5
lane = pytest.mark.skipif(not ALL, reason="takes long: make faults")
HEAD = b"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
ASK = {"question": "When did the bridge open again?", "stream": True}


class Watched:
    """An ASGI application that remembers the event loop it runs in."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.loop: asyncio.AbstractEventLoop | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.loop = asyncio.get_running_loop()
        await self.app(scope, receive, send)

    def tasks(self) -> int:
        """Count the tasks of the loop."""
        return len(asyncio.all_tasks(self.loop))


@contextmanager
def serving(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve in a separate process; its log goes to a file, because a pipe that nobody reads would block it."""
    given, root = [sys.executable, "-W", "error", "-c", SERVE, str(folder), *words], Path(__file__).parents[2]
    with (
        (folder / "stderr").open("w") as log,
        subprocess.Popen(given, stdout=subprocess.PIPE, stderr=log, text=True, cwd=root) as process,
    ):
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url, (folder / "stderr").read_text()
            yield process, url
        finally:
            process.kill()


def wait_until(done: Callable[[], bool], limit_s: float) -> float:
    """Wait until the condition holds and return how many seconds that took."""
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < limit_s, f"it was not so within {limit_s} s"
        time.sleep(0.005)
    return time.monotonic() - began


def get(port: int, path: str = "/healthz") -> int:
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        return int(read_until(connection, b"\r\n").split()[1])


def asking_a_model(folder: Path, url: str) -> Watched:
    """Serve one article, with a model server at that URL."""
    own = settings_for(folder / "store", openai_base_url=url, llm_model="m", on_llm_failure="error")
    with Library(own) as library:
        from tests.fakes import article

        library.ingest([article("bridge", BRIDGE["text"])])
    return Watched(create_app(own))


@pytest.mark.parametrize(
    ("act", "seen"),
    [(Hang(), b""), (Stream(["Yes. "] * 10_000, delay_s=0.02), b"event: retrieved"), (Hang(), b"event: retrieved")],
    ids=["before the head", "in the middle", "while the model is silent"],
)
def test_a_client_that_leaves_stops_the_model_and_every_task(tmp_path: Path, act: Act, seen: bytes) -> None:
    """The model server sees the connection close within a second, and no task is left behind."""
    with ScriptedServer([act]) as model:
        app = asking_a_model(tmp_path, model.url)
        with running(app) as port:  # type: ignore[arg-type]  # an application around ours
            assert get(port) == 200
            time.sleep(0.1)
            idle = app.tasks()
            for number in range(MANY):
                connection = post(port, "/v1/ask", ASK)
                wait_until(lambda number=number: len(model.seen) > number, 10)  # type: ignore[misc]
                if seen:
                    read_until(connection, seen)
                connection.close()
                assert model.seen[number].client_left.wait(1 + 0.1 * psutil.getloadavg()[0])
            wait_until(lambda: app.tasks() <= idle, 10)


class Pausing(Computed):
    """Stream a cited sentence, and end only when the test says so."""

    def __init__(self) -> None:
        super().__init__(cite_first_sentence)
        object.__setattr__(self, "happened", threading.Event())

    async def play(self, request: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        wire, events = Wire(writer), Stream([*self.reply(request), "\n"]).events()
        await wire.head(200, {"content-type": "text/event-stream"})
        for event in events[:-2]:
            await wire.send(event)
        assert await asyncio.to_thread(self.happened.wait, 20)  # type: ignore[attr-defined]
        for event in events[-2:]:
            await wire.send(event)
        await wire.end()


@pytest.mark.parametrize("change", ["taken down", "replaced"])
def test_an_article_that_changes_while_it_is_cited_is_reported(tmp_path: Path, change: str) -> None:
    """The quote stays exact. A replaced version can still be read; after a takedown the answer says so."""
    pausing = Pausing()
    with ScriptedServer([pausing]) as model, running(asking_a_model(tmp_path, model.url)) as port:  # type: ignore[arg-type]
        with post(port, "/v1/ask", ASK, 30) as connection:
            received = read_until(connection, b"event: citation")
            if change == "taken down":
                assert call(port, "DELETE", "/v1/articles/bridge")[0] in (200, 204)
            else:
                row = {"id": "bridge", "text": "The bridge was closed for good on Sunday."}
                assert call(port, "POST", "/v1/articles", row)[0] == 200
            pausing.happened.set()  # type: ignore[attr-defined]
            received += read_until(connection, b"\r\n0\r\n\r\n")
        status, kept = call(port, "GET", "/v1/articles/bridge/text?version=1")
    answer = json.loads(re.search(rb"event: answer\r?\ndata: (\{.*\})", received).group(1))  # type: ignore[union-attr]
    (cited,) = answer["citations"]
    assert cited["quote"] == BRIDGE["text"][cited["start"] : cited["end"]] and cited["version"] == 1
    assert answer["degraded"] == (["withdrawn"] if change == "taken down" else [])
    if change == "taken down":
        assert status == 404
    else:
        assert kept["text"][cited["start"] : cited["end"]] == cited["quote"]


def call(port: int, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Send a request on a new connection; return the status and the decoded body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, json.dumps(body) if body else None, {"content-type": "application/json"})
    response = connection.getresponse()
    text = response.read()
    connection.close()
    return response.status, json.loads(text) if text else None


async def _flood(question: Question) -> AsyncGenerator[Event, None]:
    yield Retrieved(())
    while True:
        yield Delta("x" * 100_000)


@lane
def test_slow_readers_are_dropped_and_hold_up_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty clients that read nothing cost no more than their buffers, are dropped, and delay nobody else."""
    monkeypatch.setattr(streams, "SLOW_READER_S", 1.5)
    fake = FakeAnswerer(_flood)
    app = create_app(settings_for(tmp_path / "store"))
    app.dependency_overrides[answerer] = lambda: fake
    with running(app) as port:
        assert get(port) == 200
        before = psutil.Process().memory_info().rss
        slow = []
        for _ in range(50):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            connection.connect(("127.0.0.1", port))
            body = json.dumps(ASK).encode()
            connection.sendall(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            slow.append(connection)
        wait_until(lambda: app.state.service.asks.taken >= 45 or fake.over.is_set(), 20)
        began = time.monotonic()
        assert get(port) == 200
        assert time.monotonic() - began < 2
        grown = psutil.Process().memory_info().rss - before
        wait_until(lambda: app.state.service.asks.taken == 0, 30)
        for connection in slow:
            connection.close()
    assert grown < 50 * (100_000 + 300_000)  # one event each, plus what the transport buffers before it pauses writing


def test_slow_heads_and_bodies_are_closed_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Heads that never end, three hundred of them, and bodies that trickle are closed in time; others are served."""
    if not ALL:
        monkeypatch.setattr(head_timeout, "HEAD_TIMEOUT_S", 1.0)
        monkeypatch.setattr(middleware, "BODY_TIMEOUT_S", 1.0)
    monkeypatch.setattr(middleware, "SLOWEST_BYTES_S", 10**9)
    with running(create_app(settings_for(tmp_path / "store"))) as port:
        began = time.monotonic()
        slow = [socket.create_connection(("127.0.0.1", port), 40) for _ in range(300)]
        for number, connection in enumerate(slow):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: loc" if number % 2 else b"G")
        body = socket.create_connection(("127.0.0.1", port), 40)
        body.sendall(b"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n")
        body.sendall(b'Content-Length: 900000\r\n\r\n{"question": "')
        assert get(port) == 200
        assert b"408" in read_until(body, b"\r\n")
        for connection in slow:
            while connection.recv(1_000):
                pass
            connection.close()
        assert time.monotonic() - began < (15 if ALL else 10)
        body.close()
        assert get(port) == 200


@pytest.mark.parametrize("path", ["/v1/ask", "/v1/search", "/v1/chat/completions", "/v1/feedback", "/mcp"])
@pytest.mark.parametrize("chunked", [False, True])
def test_large_bodies_are_refused_and_not_held(port: int, path: str, chunked: bool) -> None:
    """Fifty megabytes are refused by Content-Length, or after the first megabyte, and are not held in memory."""
    before = psutil.Process().memory_info().rss
    head = HEAD.replace(b"/v1/ask", path.encode())
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(
            head + (b"Transfer-Encoding: chunked\r\n\r\n" if chunked else b"Content-Length: 50000000\r\n\r\n")
        )
        with suppress(ConnectionError):
            for _ in range(50):
                connection.sendall(b"f4240\r\n" + b" " * 1_000_000 + b"\r\n" if chunked else b" " * 1_000_000)
        received = b""
        with suppress(ConnectionError):
            received = connection.recv(65_536)
        assert not received or b" 413 " in received
    assert psutil.Process().memory_info().rss - before < 10_000_000
    assert get(port) == 200


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with running(create_app(settings_for(tmp_path_factory.mktemp("served") / "store"))) as port:
        assert get(port, "/readyz") in (200, 503)
        yield port


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_packed_bodies_stay_packed(port: int, coding: str) -> None:
    """A compressed body of a hundred megabytes is not decompressed: its raw bytes are no JSON."""
    packed = gzip.compress(b'{"question": "' + bytes(100_000_000) + b'"}')
    before = psutil.Process().memory_info().rss
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(
            HEAD + f"Content-Encoding: {coding}\r\nContent-Length: {len(packed)}\r\n\r\n".encode() + packed
        )
        assert int(read_until(connection, b"\r\n").split()[1]) in (400, 415)
    assert psutil.Process().memory_info().rss - before < 10_000_000


async def _breaks(question: Question) -> AsyncGenerator[Event, None]:
    yield Retrieved(())
    yield Delta("One ")
    raise ZeroDivisionError("secret")


CHAT = {"model": "news-qa", "messages": [{"role": "user", "content": "When?"}], "stream": True}
UI = {"messages": [{"id": "1", "role": "user", "parts": [{"type": "text", "text": "When?"}]}]}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/ask", ASK),
        ("/v1/chat/completions", CHAT),
        ("/v1/responses", {"model": "news-qa", "input": "When?", "stream": True}),
        ("/api/chat", UI),
    ],
)
def test_a_failure_after_the_first_word_comes_after_the_last(tmp_path: Path, path: str, body: dict[str, Any]) -> None:
    """In every protocol the words already sent stay, and the error follows them without any internal detail."""
    app = create_app(settings_for(tmp_path / "store"))
    app.dependency_overrides[answerer] = lambda: FakeAnswerer(_breaks)
    with running(app) as port, post(port, path, body) as connection:
        received = read_until(connection, b"\r\n0\r\n\r\n").decode()
    assert 0 < received.index("One ") < received.rindex("error")
    assert "secret" not in received


@pytest.mark.parametrize("signals", [1, 2])
def test_sigterm_ends_each_open_stream_with_an_error(tmp_path: Path, signals: int) -> None:
    """Fifty open streams each end with an error event; the process exits within seconds, also after two SIGTERMs."""
    with serving(tmp_path, "endless") as (process, url):
        port = int(url.rpartition(":")[2])
        open_streams = [post(port, "/v1/ask", ASK, 30) for _ in range(50 if signals == 1 else 5)]
        for stream in open_streams:
            read_until(stream, b"One")
        began = time.monotonic()
        for _ in range(signals):
            process.send_signal(signal.SIGTERM)
        if signals == 1:
            for stream in open_streams:
                read_until(stream, b'"going_down"')
        process.wait(timeout=20)
        assert time.monotonic() - began < 10
        for stream in open_streams:
            stream.close()


@lane
def test_sigterm_during_an_ingest_leaves_a_whole_store(tmp_path: Path) -> None:
    """Acknowledged articles are there, the others are complete or absent, and the store opens again."""
    count = 3_000
    rows = [{"id": f"a{n}", "text": f"Report {n} says that the bridge opened. " * 20} for n in range(count)]
    with serving(tmp_path) as (process, url):
        port = int(url.rpartition(":")[2])
        assert call(port, "POST", "/v1/articles", {"articles": rows[:10]})[0] == 200
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        body = "\n".join(map(json.dumps, rows)).encode()
        connection.request("POST", "/v1/articles", body, {"content-type": "application/x-ndjson", "host": "localhost"})
        time.sleep(0.2)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        took_s = time.monotonic() - began
        acknowledged = False
        with suppress(OSError, http.client.HTTPException):
            acknowledged = connection.getresponse().status == 200
        connection.close()
    assert took_s < 15
    with Library(settings_for(tmp_path)) as library:
        library.projections.catch_up()
        kept, _ = library.catalog.count("default")
        assert 10 <= kept <= count and (kept == count or not acknowledged)
        assert not [state.problems for state in library.verify() if state.problems]


@pytest.mark.parametrize("jump_s", [86_400, -86_400, 12 * 365 * 86_400 + 10**8])
def test_deadlines_do_not_follow_the_wall_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump_s: float) -> None:
    """A day forward or back, or past 2038, while an answer is made: deadlines do not follow the wall clock."""
    real = time.time

    def reply(request: dict[str, Any]) -> list[str]:
        monkeypatch.setattr(time, "time", lambda: real() + jump_s)
        return cite_first_sentence(request)

    with ScriptedServer([Computed(reply)]) as model, running(asking_a_model(tmp_path, model.url)) as port:  # type: ignore[arg-type]
        for _ in range(2):
            with post(port, "/v1/ask", {**ASK, "stream": False}) as connection:
                received = read_until(connection, b"timings_ms").decode()
            assert '"mode":"llm"' in received.replace(" ", "") and '"complete":true' in received.replace(" ", "")


@pytest.mark.parametrize("date", ["1969-12-31", "2038-01-20", "2099-12-31", "2026-03-29T02:30:00+01:00"])
def test_dates_of_other_times_are_kept_or_refused(tmp_path: Path, date: str) -> None:
    """Old and future dates are kept as stated and can be filtered by; one that no newspaper can have is refused."""
    row = BRIDGE | {"published_at": date, "text": "The bridge opened again on Monday, the mayor said yesterday."}
    with client(tmp_path, row) as served:
        assert served.get("/v1/articles/bridge-1").json()["published_at"][:10] == date[:10]
        body = {"question": "When did the bridge open again?", "as_of": "2026-06-15"}
        assert served.post("/v1/ask", json=body).status_code == 200
        body["filters"] = {"after": date[:10], "before": date[:10]}  # type: ignore[assignment]
        hits = served.post(
            "/v1/search", json={"query": "bridge", "filters": body["filters"], "as_of": "2100-01-01"}
        ).json()["hits"]
        assert [hit["published_at"][:10] for hit in hits] == [date[:10]]
        for year in ("0001", "9999"):
            (refused,) = served.post("/v1/articles", json=row | {"published_at": f"{year}-01-01"}).json()["refused"]
            assert year in refused["reason"]


WRONG = [
    ("QA_LLM_MODEL", {"QA_LLM_MODEL": "m"}),
    ("QA_LLM_MODEL", {"QA_MODE": "llm"}),
    ("OPENAI_BASE_URL", {"OPENAI_BASE_URL": "localhost:1234"}),
    ("OPENAI_BASE_URL|base URL", {"OPENAI_BASE_URL": "http://[::1", "QA_LLM_MODEL": "m"}),
    ("QA_EMBED_MODEL", {"QA_EMBED_MODEL": "no-such-model"}),
    ("QA_MAX_ARTICLE_BYTES", {"QA_MAX_ARTICLE_BYTES": "-1"}),
    ("QA_DEADLINE_S", {"QA_DEADLINE_S": "0"}),
    ("QA_MAX_IN_FLIGHT", {"QA_MAX_IN_FLIGHT": "many"}),
    ("QA_FETCH_URLS", {"QA_FETCH_URLS": "yes, all"}),
    ("QA_RATE_LIMIT", {"QA_RATE_LIMIT": "fast"}),
    ("QA_CHUNK_SIZE", {"QA_CHUNK_SIZE": "-5"}),
    ("QA_DATABASE_URL", {"QA_DATABASE_URL": "oracle://x"}),
    ("/proc/nowhere", {"QA_DATA_DIR": "/proc/nowhere"}),
    ("QA_PROMPTS_DIR|nothing", {"QA_PROMPTS_DIR": "/nothing"}),
    ("QA_API_KEYS", {"HOST": "0.0.0.0"}),
    ("port 1 ", {"PORT": "TAKEN"}),
]


@pytest.mark.parametrize(("named", "environ"), WRONG if ALL else WRONG[::8], ids=lambda value: str(value)[:40])
def test_wrong_settings_end_the_start_with_one_line(tmp_path: Path, named: str, environ: dict[str, str]) -> None:
    """The program exits within five seconds, non-zero, with one line that names what is wrong."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1]) if environ.get("PORT") else "0"
        named = named.replace("port 1 ", f"port {port}")
        root = Path(__file__).parents[2]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("QA_", "OPENAI_"))}
        own = {
            **clean,
            "QA_DATA_DIR": str(tmp_path / "store"),
            "QA_EMBED_MODEL": "none",
            **environ,
            "PYTHONPATH": str(root),
        }
        code = "import sys; from qa.cli.main import main; sys.exit(main())"
        given = [sys.executable, "-c", code, "serve", "--host", environ.get("HOST", "127.0.0.1"), "--port", port]
        began = time.monotonic()
        done = subprocess.run(given, env=own, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode not in (0, None), done.stderr
    assert time.monotonic() - began < 5 + psutil.getloadavg()[0]
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1 and re.search(named, lines[0]), done.stderr


@lane
def test_a_service_without_descriptors_recovers(tmp_path: Path) -> None:
    """With 64 descriptors and 100 connections the service neither exits nor loses its store, and it recovers."""
    with serving(tmp_path, "samples") as (process, url):
        port = int(url.rpartition(":")[2])
        assert get(port, "/v1/articles?limit=1") == 200
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (64, 64))
        many = []
        for _ in range(100):
            connection = socket.create_connection(("127.0.0.1", port), 10)
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: loc")
            many.append(connection)
        time.sleep(0.5)
        assert process.poll() is None
        for connection in many:
            connection.close()
        wait_until(lambda: _answers(port), 20)
        assert get(port, "/v1/articles?limit=1") == 200
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


def _answers(port: int) -> bool:
    with suppress(OSError, AssertionError):
        return get(port) == 200
    return False
