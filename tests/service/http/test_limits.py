"""Rate limits and token budgets, CORS and trusted proxies, and connection timeouts."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from qa.answering.draft import Delta, Event, Retrieved
from qa.errors import BadSettings
from qa.service import head_timeout
from qa.service.app import create_app
from qa.service.http.limits import Limits, caller
from qa.service.http.metrics import MeteredAnswerer, Metrics
from qa.service.http.recent_answers import RecentAnswers
from qa.service.serve import server_config
from qa.settings import load_settings
from qa.types import Evidence, Question, Source, Span, Usage
from tests.scripted_server import ScriptedServer, Stream
from tests.service.serving import BRIDGE, FakeAnswerer, client, empty_answer, running, settings_for


def _ask(http: TestClient, key: str | None = None) -> int:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return http.post("/v1/ask", json={"question": "Who?"}, headers=headers).status_code


def test_each_key_has_its_own_rate(tmp_path: Path) -> None:
    """The third question within a minute is 429 and says when to come back; another key is unaffected."""
    with client(tmp_path, api_keys=("ask:ann", "ask:bob"), rate_limit="2/minute") as http:
        assert [_ask(http, "ann") for _ in range(3)] == [200, 200, 429]
        assert _ask(http, "bob") == 200
        refused = http.post("/v1/search", json={"query": "x"}, headers={"authorization": "Bearer ann"})
        assert refused.json()["error"]["code"] == "rate_limit_exceeded"
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert http.get("/v1/models", headers={"authorization": "Bearer ann"}).status_code == 200


def test_without_keys_an_address_has_the_rate(tmp_path: Path) -> None:
    """The chat protocols are counted like our own."""
    with client(tmp_path, rate_limit="1/hour; 5/day") as http:
        assert _ask(http) == 200
        chat = {"messages": [{"role": "user", "content": "Who?"}]}
        assert http.post("/v1/chat/completions", json=chat).status_code == 429
        assert http.post("/api/chat", json=chat).status_code == 429


async def test_tokens_are_counted_when_they_are_known() -> None:
    """An answer may overdraw what is left of the budget; the next question is refused."""

    async def script(question: Question) -> AsyncGenerator[Event, None]:
        yield Retrieved(())
        yield replace(empty_answer(), usage=Usage(70, 20))

    limits = Limits(None, "100/day", None)
    caller.set("key:ann")
    answerer = MeteredAnswerer(FakeAnswerer(script), Metrics(), limits, RecentAnswers())
    for _ in range(2):
        await limits.take()
        await answerer.ask(Question("x"))
    with pytest.raises(Exception, match="100 tokens per 1 day"):
        await limits.take()
    caller.set("key:bob")
    await limits.take()


@pytest.mark.parametrize("leaves", [True, False])
async def test_what_is_not_counted_is_estimated(leaves: bool) -> None:
    """Neither disconnecting early nor a model server that reports no usage bypasses a budget."""
    evidence = Evidence(Source("a", 1, "", None, None, None, None), Span(0, 90), "word " * 60, 1.0)

    async def script(question: Question) -> AsyncGenerator[Event, None]:
        yield Retrieved((), (evidence,), "llm")
        yield Delta("word " * 60)
        yield replace(empty_answer(), mode="llm")

    limits = Limits(None, "150/day", None)
    caller.set("key:ann")
    answerer = MeteredAnswerer(FakeAnswerer(script), Metrics(), limits, RecentAnswers())
    await limits.take()
    async with aclosing(answerer.stream(Question("x"))) as events:
        async for event in events:
            if leaves and isinstance(event, Delta):
                break
    with pytest.raises(Exception, match="150 tokens per 1 day"):
        await limits.take()


@pytest.mark.parametrize("usage", [(70, 40), (0, 0)])
def test_a_frontends_own_calls_are_counted(tmp_path: Path, usage: tuple[int, int]) -> None:
    """A utility call costs tokens like an answer, whether the model server counts them or not."""
    body = {"model": "news-qa-utility", "messages": [{"role": "user", "content": "a title for this " * 20}]}
    with (
        ScriptedServer([Stream(["A title"], usage=usage)]) as server,
        client(tmp_path, openai_base_url=server.url, llm_model="scripted", token_budget="100/day") as http,
    ):
        assert http.post("/v1/chat/completions", json=body).status_code == 200
        assert http.post("/v1/chat/completions", json=body).status_code == 429
        assert f'qa_model_tokens_total{{kind="prompt"}} {usage[0]}.0' in http.get("/metrics").text
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("setting", "value"), [("rate_limit", "many"), ("token_budget", "1/fortnight"), ("redis_url", "redis://127.0.0.1")]
)
def test_a_limit_that_cannot_be_kept_stops_the_start(tmp_path: Path, setting: str, value: str) -> None:
    """A typo must not leave the service without its limit, and Redis needs its client library."""
    with pytest.raises(BadSettings, match=f"QA_{setting.upper()}"):
        create_app(settings_for(tmp_path / "store", **{setting: value}))


def test_only_listed_pages_may_call(tmp_path: Path) -> None:
    """CORS is off until origins are named; then those, and no others, may read answers from a browser."""
    question = {"question": "Who?"}
    with client(tmp_path / "a", BRIDGE) as http:
        assert http.post("/v1/ask", json=question, headers={"origin": "https://chat.example"}).status_code == 403
    with client(tmp_path / "b", cors_origins=("https://chat.example",)) as http:
        sent = http.post("/v1/ask", json=question, headers={"origin": "https://chat.example"})
        assert (sent.status_code, sent.headers["access-control-allow-origin"]) == (200, "https://chat.example")
        preflight = {"origin": "https://chat.example", "access-control-request-method": "POST",
                 "access-control-request-headers": "authorization,x-stainless-os"}  # fmt: skip
        before = http.options("/v1/chat/completions", headers=preflight)
        assert before.headers["access-control-allow-headers"] == "authorization,x-stainless-os"
        other = http.post("/v1/ask", json=question, headers={"origin": "https://evil.example"})
        assert other.status_code == 403


def test_half_a_request_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections with an incomplete request head are closed, even on their second request; others are served."""
    monkeypatch.setattr(head_timeout, "HEAD_TIMEOUT_S", 0.5)
    with running(create_app(settings_for(tmp_path / "store"))) as port:
        slow = [socket.create_connection(("127.0.0.1", port), 15) for _ in range(20)]
        for connection in slow[:10]:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localh")
        second = slow[0]
        second.sendall(b"ost\r\n\r\n")
        assert b"200 OK" in second.recv(65_536)
        second.sendall(b"GET /healthz HT")
        for connection in slow:
            while connection.recv(65_536):  # ends when the server closes; the connection's own timeout fails the test
                time.sleep(0.01)
            connection.close()
        with socket.create_connection(("127.0.0.1", port), 15) as fine:
            fine.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert b"200 OK" in fine.recv(65_536)


def test_an_idle_connection_outlives_a_proxys_patience(tmp_path: Path) -> None:
    """A proxy keeps idle connections for 60 s: if we close first, a POST that is on its way is lost."""
    assert server_config(create_app(settings_for(tmp_path / "store")), lifespan="off").timeout_keep_alive > 60


def test_only_a_listed_proxy_says_who_asks(tmp_path: Path) -> None:
    """Anybody can forge X-Forwarded-For: it counts only from listed proxies, and only the part that they added."""

    def ask(http: TestClient, forwarded: str) -> int:
        return http.post("/v1/ask", json={"question": "Who?"}, headers={"X-Forwarded-For": forwarded}).status_code

    settings = settings_for(tmp_path / "open", rate_limit="1/hour")
    with TestClient(create_app(settings), base_url="http://localhost", client=("192.0.2.7", 1)) as http:
        assert [ask(http, "203.0.113.1"), ask(http, "203.0.113.2")] == [200, 429]
    settings = settings_for(tmp_path / "behind", rate_limit="1/hour", trusted_proxies=("192.0.2.0/24",))
    with TestClient(create_app(settings), base_url="http://localhost", client=("192.0.2.7", 1)) as http:
        assert [ask(http, "203.0.113.1"), ask(http, "203.0.113.2"), ask(http, "203.0.113.1")] == [200, 200, 429]
        assert ask(http, "198.51.100.9, 203.0.113.2") == 429  # the first was sent by the caller himself


def test_a_proxy_is_an_address_or_a_network(tmp_path: Path) -> None:
    """A host name or `*` would trust everybody, so the start is refused."""
    for wrong in ("*", "proxy.example", "10.0.0.0/40"):
        with pytest.raises(BadSettings, match="QA_TRUSTED_PROXIES"):
            load_settings({"QA_TRUSTED_PROXIES": wrong}, None)
    given = load_settings({"QA_TRUSTED_PROXIES": "10.0.0.0/8, ::1"}, None)
    assert given.trusted_proxies == ("10.0.0.0/8", "::1")
