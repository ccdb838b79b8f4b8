"""See whether another process holds a SQLite file, without taking part in its locks.

Chroma waits for a locked file with the interpreter's lock held: for as long, no thread of ours runs, not even the one
that says that we are alive. So its writers look first.
"""

from __future__ import annotations

import fcntl
import struct
import sys
import threading
import time
from pathlib import Path
from typing import IO

from qa.errors import StoreFailed

WAIT_S = 2.0
_FIRST_BYTE, _BYTES = 0x4000_0000, 512  # where SQLite's locks lie, whatever the file's size
# type, whence, start, length, process: BSD and Linux have them in different orders.
_LINUX = sys.platform.startswith("linux")
_LOCK = struct.Struct("hhqqi4x" if _LINUX else "qqihh")


class ForeignLock:
    """Watch one file. It stays open: closing it would drop every lock that this process has on it."""

    def __init__(self, file: Path) -> None:
        self._path = file
        self._file: IO[bytes] | None = None
        self._opening = threading.Lock()  # a second file, closed for the first one's sake, would drop those locks too

    def close(self) -> None:
        """Let go of the file, when nothing of this process uses it any more."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def wait(self) -> None:
        """Return when this process could write. Raises StoreFailed when that takes too long."""
        deadline = time.monotonic() + WAIT_S
        while self._is_held(fcntl.F_WRLCK):
            if time.monotonic() > deadline:
                raise StoreFailed(f"{self._path}: held by another process; it is written again later")
            time.sleep(0.05)

    def refuse(self) -> None:
        """Raise StoreFailed at once when another process writes."""
        if self._is_held(fcntl.F_RDLCK):
            raise StoreFailed(f"{self._path}: another process writes into it")

    def _is_held(self, wanted: int) -> bool:
        with self._opening:
            if self._file is None:
                try:
                    self._file = self._path.open("rb")
                except OSError:  # nobody holds what is not there
                    return False
        if _LINUX:
            asked = _LOCK.pack(wanted, 0, _FIRST_BYTE, _BYTES, 0)
            found: int = _LOCK.unpack(fcntl.fcntl(self._file, fcntl.F_GETLK, asked))[0]
        else:
            asked = _LOCK.pack(_FIRST_BYTE, _BYTES, 0, wanted, 0)
            found = _LOCK.unpack(fcntl.fcntl(self._file, fcntl.F_GETLK, asked))[3]
        return found != fcntl.F_UNLCK
