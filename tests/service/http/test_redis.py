"""Rate limits shared by several processes through a real Redis, and what happens when Redis is down.

Skipped where no `redis-server` is installed; with `ALL_LANES=1` that fails.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from qa.service.http.limits import Limits, caller
from tests.service.serving import client

_ALL_LANES = os.environ.get("ALL_LANES") == "1"
ASKED = {"question": "Who?"}


class Redis:
    """A Redis server for one test, which can be stopped."""

    def __init__(self, program: str, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{port}/0"
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
        until = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                assert time.monotonic() < until, "redis-server did not start"
                time.sleep(0.02)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait(10)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    program = shutil.which("redis-server")
    if program is None:
        assert not _ALL_LANES, "the Redis lane must run here and redis-server is not installed"
        pytest.skip("redis-server is not installed")
    server = Redis(program, tmp_path)
    yield server
    server.stop()


def test_two_processes_share_one_rate(tmp_path: Path, redis: Redis) -> None:
    """Two applications share one count per key; another key has its own count."""
    settings = {"api_keys": ("ask:ann", "ask:bob"), "rate_limit": "3/hour", "redis_url": redis.url}
    ann, bob = ({"Authorization": f"Bearer {key}"} for key in ("ann", "bob"))

    def ask(http: TestClient, headers: dict[str, str]) -> httpx.Response:
        return http.post("/v1/ask", json=ASKED, headers=headers)

    with client(tmp_path / "one", **settings) as one, client(tmp_path / "two", **settings) as two:
        assert [ask(http, ann).status_code for http in (one, two, one, two, one)] == [200, 200, 200, 429, 429]
        assert 0 < int(ask(two, ann).headers["retry-after"]) <= 3_600
        assert ask(two, bob).status_code == 200
        assert one.get("/readyz").json()["limits"] == "ok"


async def test_a_burst_is_held_exactly(redis: Redis) -> None:
    """Of fifty concurrent questions over two connections, exactly as many pass as the limit allows."""
    import asyncio

    from qa.errors import QaError

    both = [Limits("20/hour", None, redis.url) for _ in range(2)]
    caller.set("key:ann")

    async def take(place: int) -> bool:
        try:
            await both[place % 2].take()
        except QaError:
            return False
        return True

    assert sum(await asyncio.gather(*(take(place) for place in range(50)))) == 20
    for limits in both:
        await limits.aclose()


def test_without_redis_a_limit_holds_and_says_so(tmp_path: Path, redis: Redis) -> None:
    """Without Redis questions get a typed 503 within two seconds and `/readyz` reports it; articles stay readable."""
    with client(tmp_path / "one", rate_limit="9/hour", redis_url=redis.url) as http:
        assert http.post("/v1/ask", json=ASKED).status_code == 200
        redis.stop()
        began = time.monotonic()
        refused = http.post("/v1/ask", json=ASKED)
        assert time.monotonic() - began < 5
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "limits_away")
        assert int(refused.headers["retry-after"]) > 0
        assert "127.0.0.1" not in refused.text
        ready = http.get("/readyz")
        assert (ready.status_code, ready.json()["limits"]) == (503, "away: Redis does not answer")
        assert http.get("/v1/articles").status_code == 200
