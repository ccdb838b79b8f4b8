"""`qa serve`: refused configurations, startup and shutdown."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from qa.catalog.data_dir_lock import DataDirLock
from qa.errors import BadSettings, Locked
from qa.library import Library
from qa.service.app import create_app
from qa.service.serve import run
from tests.service.serving import post, read_until, settings_for

SERVE = """
import asyncio, sys
from pathlib import Path
from qa.answering.draft import Delta, Retrieved
from qa.service import serve
from qa.settings import Settings

async def endless(self, question):
    yield Retrieved(())
    yield Delta("One ")
    await asyncio.sleep(3600)

if "endless" in sys.argv:
    from qa.answering.answerer import Answerer
    Answerer.stream = endless
    serve.GRACE_S = 1
settings = Settings(embed_model="none", data_dir=Path(sys.argv[1]))
ready = lambda url: print(url, flush=True)
serve.run(settings, "127.0.0.1", 0, load_samples="samples" in sys.argv, on_ready=ready)
print("stopped", flush=True)
"""


@contextmanager
def _serving(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    arguments = [sys.executable, "-W", "error", "-c", SERVE, str(folder), *words]
    pipe, root = subprocess.PIPE, Path(__file__).parents[2]
    with subprocess.Popen(arguments, stdout=pipe, stderr=pipe, text=True, cwd=root) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url, process.stderr.read() if process.stderr else ""
            yield process, url
        finally:
            process.kill()


STARTED = """
import gc, signal, sys
from pathlib import Path
from qa.service import serve
from qa.settings import Settings

def ready(url):
    print(gc.get_freeze_count(), sum(len(gc.get_objects(generation=number)) for number in range(3)), flush=True)
    signal.raise_signal(signal.SIGTERM)

serve.run(Settings(embed_model="none", data_dir=Path(sys.argv[1])), "127.0.0.1", 0, on_ready=ready)
"""


def test_what_stays_is_not_looked_through_again(tmp_path: Path) -> None:
    """Once the server listens, startup objects are frozen: collecting them takes 0.3 s, in which all requests wait."""
    command = [sys.executable, "-c", STARTED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == -signal.SIGTERM, done.stderr
    set_aside, seen = map(int, done.stdout.split())
    assert set_aside > 50_000
    assert seen < 5_000


def test_a_public_address_wants_keys(tmp_path: Path) -> None:
    """Without keys only loopback addresses are served; others are refused before anything is opened."""
    for host in ("0.0.0.0", "::", "192.0.2.1", "qa.example"):
        with pytest.raises(BadSettings, match="QA_API_KEYS"):
            run(settings_for(tmp_path / "store"), host, 0)
    assert not (tmp_path / "store").exists()
    with Library(settings_for(tmp_path / "store")):
        pass
    with pytest.raises(BadSettings, match="QA_API_KEYS"):  # a store without keys is open
        run(settings_for(tmp_path / "store"), "0.0.0.0", 0)


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    """A port in use stops the start with one line that names it."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(BadSettings, match=f"127.0.0.1 port {port}: Address already in use"):
            run(settings_for(tmp_path), "127.0.0.1", port)


def test_settings_that_are_not_served_stop_the_start(tmp_path: Path) -> None:
    """Unsupported options are refused by name, not ignored."""
    with pytest.raises(BadSettings, match="QA_API_KEYS"):
        create_app(settings_for(tmp_path, api_keys=("ask:",)))


def test_a_store_in_use_is_told_as_it_is(tmp_path: Path) -> None:
    """An error that keeps the store from opening is raised by `run` unchanged and at once."""
    owner = DataDirLock(tmp_path)
    began = time.monotonic()
    with pytest.raises(Locked):
        run(settings_for(tmp_path), "127.0.0.1", 0)
    assert time.monotonic() - began < 5
    owner.close()


def test_serve_announce_and_stop(tmp_path: Path) -> None:
    """A listening server announces its URL, also in the owner file; a signal closes the store before the exit."""
    with _serving(tmp_path, "samples") as (process, url):
        assert json.loads((tmp_path / "owner.json").read_text()) == {"pid": process.pid, "url": url}
        with urlopen(f"{url}/v1/articles?limit=1") as reply:
            assert "server" not in reply.headers
            assert json.load(reply)["total"] > 10
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "stopped\n", "")
    DataDirLock(tmp_path).close()


def test_a_signal_ends_open_streams(tmp_path: Path) -> None:
    """SIGTERM ends the process within seconds, and an open stream ends with an error event."""
    with _serving(tmp_path, "endless") as (process, url):
        connection = post(int(url.rpartition(":")[2]), "/v1/ask", {"question": "x", "stream": True})
        received = read_until(connection, b"One")
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        received += read_until(connection, b'"going_down"')
        process.wait(timeout=10)
        assert time.monotonic() - began < 5
        connection.close()
    assert process.returncode == -signal.SIGTERM
    DataDirLock(tmp_path).close()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/ask", {"question": "x"}),
        ("/v1/chat/completions", {"model": "news-qa", "messages": [{"role": "user", "content": "x"}]}),
        ("/v1/responses", {"model": "news-qa", "input": "x"}),
    ],
)
def test_a_signal_ends_whole_answers(tmp_path: Path, path: str, body: dict[str, object]) -> None:
    """An unstreamed answer that SIGTERM cuts off becomes a typed 503, and no exception is logged."""
    with _serving(tmp_path, "endless") as (process, url):
        with (
            post(int(url.rpartition(":")[2]), path, body) as connection,
            post(int(url.rpartition(":")[2]), "/v1/ask", {"question": "x", "stream": True}) as stream,
        ):
            read_until(stream, b"One")
            process.send_signal(signal.SIGTERM)
            received = read_until(connection, b'"going_down"').lower()
            read_until(stream, b'"going_down"')
        _, err = process.communicate(timeout=10)
    assert received.startswith(b"http/1.1 503 ") and b"retry-after: 5" in received
    assert "Exception" not in err and "Traceback" not in err
