"""Child processes of the lane: replicas, writers and a vector server, each of which can be killed and restarted.

Their logs are kept unless the run succeeded: the cause of a failure is recorded nowhere else.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests import ROOT
from tests.lanes.postgres.cluster import Cluster

_BIN = Path(sys.executable).parent

P = TypeVar("P", bound="Program")


def free_port() -> int:
    """Return a free port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def until(is_so: Callable[[], bool], what: str, timeout_s: float = 300.0, pause_s: float = 0.02) -> float:
    """Wait until a condition holds and return how many seconds that took."""
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > timeout_s:
            raise AssertionError(f"{timeout_s} s are over: {what}")
        time.sleep(pause_s)
    return time.monotonic() - began


class Program:
    """One child process with its log."""

    def __init__(self, name: str, command: Sequence[str], folder: Path, env: dict[str, str]) -> None:
        self.name = name
        self._command = command
        self._log = folder / f"{name}.log"
        self._env = {key: value for key, value in os.environ.items() if not key.startswith("QA_")} | env
        self.start()

    def start(self) -> None:
        """Start or restart it."""
        with self._log.open("a") as log:
            self.process = subprocess.Popen(
                self._command, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT, env=self._env
            )

    def kill(self) -> None:
        """End it with SIGKILL, as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """End it with SIGTERM, or SIGKILL after 30 s."""
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()

    def close(self) -> None:
        """Kill it if it is still running."""
        if self.process.poll() is None:
            self.kill()


class Stage:
    """A folder, a PostgreSQL cluster, and every program started with them."""

    def __init__(self, folder: Path, cluster: Cluster, closing: ExitStack) -> None:
        self.folder, self.cluster = folder, cluster
        self._closing = closing
        self.failed = True  # until the run reports success

    def starts(self, program: P) -> P:
        """Return the program, which is ended with the stage."""
        self._closing.callback(program.close)
        return program


@contextmanager
def stage() -> Iterator[Stage]:
    """Open a stage. No program outlives it; the logs do if the run failed."""
    folder = Path(tempfile.mkdtemp(prefix="qa-replicas-"))
    with ExitStack() as closing:
        cluster = Cluster()
        closing.callback(cluster.close)
        opened = Stage(folder, cluster, closing)
        try:
            yield opened
        finally:
            if opened.failed:
                shutil.copy(cluster.folder / "log", folder / "postgres.log")
                print(f"the logs of all processes are kept: {folder}/*.log", file=sys.stderr)
    if not opened.failed:
        shutil.rmtree(folder)


class Replica(Program):
    """One `qa serve` with its own data directory."""

    def __init__(self, name: str, folder: Path, env: dict[str, str]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.env = env | {"QA_DATA_DIR": str(folder / name), "QA_LOG_LEVEL": "WARNING"}
        self.http = httpx.Client(base_url=self.url, timeout=60, trust_env=False)
        super().__init__(name, [str(_BIN / "qa"), "serve", "--port", str(self.port)], folder, self.env)

    def is_ready(self) -> bool:
        """Return whether /readyz answers 200."""
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    def ask(self, question: str) -> Any:
        """Return the answer object."""
        return self.http.post("/v1/ask", json={"question": question}).raise_for_status().json()

    def finds(self, words: str, article_id: str) -> bool:
        """Return whether a search shows an article."""
        sent = {"query": words, "top_k": 20}
        hits = self.http.post("/v1/search", json=sent).raise_for_status().json()["hits"]
        return any(hit["article_id"] == article_id for hit in hits)

    def has(self, article_id: str) -> bool:
        """Return whether the article's text can be read."""
        return self.http.get(f"/v1/articles/{article_id}/text").status_code == 200

    def articles(self) -> list[str]:
        """Return the ids of all articles that it lists."""
        found: list[str] = []
        while True:
            page = self.http.get("/v1/articles", params={"offset": len(found), "limit": 100}).raise_for_status().json()
            found += [row["article_id"] for row in page["articles"]]
            if not page["articles"]:
                return found

    def verify(self) -> str:
        """Stop it and compare its indexes with the catalog; return what is wrong."""
        self.stop()
        command = [str(_BIN / "qa"), "index", "verify"]
        done = subprocess.run(
            command, env=self._env | self.env, capture_output=True, text=True, timeout=300, check=False
        )
        return "" if done.returncode == 0 else f"{self.name}: {done.stdout}{done.stderr}"


def vector_server(on: Stage) -> str:
    """Start `chroma run`; return its URL."""
    port = free_port()
    command = [str(_BIN / "chroma"), "run", "--path", str(on.folder / "chroma"), "--port", str(port)]
    on.starts(Program("chroma", command, on.folder, {}))

    def answers() -> bool:
        try:
            return httpx.get(f"http://localhost:{port}/api/v2/heartbeat", trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    until(answers, "the Chroma server answers")
    return f"http://localhost:{port}"
