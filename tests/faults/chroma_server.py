"""Chroma's own server (the Rust binary in the wheel), which tests freeze, kill and restart."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

# Not `chroma run`: that imports the whole package only to execute this line.
_CODE = "import sys, chromadb_rust_bindings as rust; rust.cli(['chroma', 'run', *sys.argv[1:]])"


class ChromaServer:
    """Serve a folder on a port of this machine."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._port = listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self.start(folder)

    def start(self, folder: Path) -> None:
        """Start, and wait until it answers."""
        self._log = (folder.parent / "chroma-server.log").open("ab")
        command = [sys.executable, "-c", _CODE, "--path", str(folder), "--port", str(self._port)]
        self.process = subprocess.Popen(command, stdout=self._log, stderr=self._log)
        deadline = time.monotonic() + 60
        while not self._answers():
            assert self.process.poll() is None, "Chroma's server ended"
            assert time.monotonic() < deadline, "Chroma's server does not answer"
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/api/v2/heartbeat", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def freeze(self) -> None:
        """Suspend it in the middle of whatever it is doing."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Resume it."""
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self.kill()
