"""The service in a process that can be restarted on the same port and the same store."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil

_READY_S = 180.0


def free_port() -> int:
    """Return a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Process:
    """The service in a child process, restarted on the same port and the same store."""

    def __init__(self, folder: Path, port: int, settings: dict[str, str]) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.folder = folder
        self.ready_s: list[float] = []
        self._command = [sys.executable, "-c", "from qa.cli.main import main; main()"]
        self._port = port
        self._environment = os.environ | {"QA_DATA_DIR": str(folder / "store"), "QA_LOG_LEVEL": "WARNING"} | settings
        self.start()

    def start(self) -> None:
        """Start, and wait until it is ready."""
        began = time.monotonic()
        with (self.folder / "log").open("ab") as log:
            watched = [sys.executable, "-m", "tests.lanes.soak.gaps", str(self.folder / "gaps")]
            command = [*watched, "serve", "--port", str(self._port)]
            self.child = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        while not self._is_ready():
            if self.child.poll() is not None or time.monotonic() - began > _READY_S:
                raise RuntimeError(f"the server does not start: {(self.folder / 'log').read_text()[-2_000:]}")
            time.sleep(0.1)
        self.ready_s.append(time.monotonic() - began)
        self.watched = psutil.Process(self.child.pid)

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=10).status_code == 200
        except httpx.TransportError:
            return False

    def end(self, number: signal.Signals) -> None:
        """Send a signal and wait until the process has exited."""
        self.child.send_signal(number)
        self.child.wait(60)

    def gaps_ms(self) -> list[float]:
        """Return how late the event loop was, tick by tick. A line truncated by a kill is left out."""
        lines = (self.folder / "gaps").read_text().split("\n")
        return [float(line) for line in lines if re.fullmatch(r"-?[0-9]+\.[0-9]", line)]

    def verify(self) -> tuple[int, str]:
        """Run `qa index verify` on the store of the stopped server."""
        done = subprocess.run(
            [*self._command, "index", "verify", "--json"], env=self._environment, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        return done.returncode, (done.stdout or done.stderr).strip()


def with_model(port: int) -> dict[str, str]:
    """Return the settings of a service whose model server is on that port."""
    return {
        "QA_LLM_MODEL": "scripted",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1",
        "OPENAI_API_KEY": "none",
        "QA_DEADLINE_S": "15",
    }
