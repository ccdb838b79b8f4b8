"""Test whether another process has a SQLite file locked, without taking a lock.

Chroma waits for a locked file while holding the GIL: meanwhile no thread of ours runs, not even the one that answers
health checks. So we test the lock before each write.
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
_FIRST_BYTE, _BYTES = 0x4000_0000, 512  # the range of SQLite's locks, whatever the file's size
# type, whence, start, length, process: BSD and Linux have them in different orders.
_LINUX = sys.platform.startswith("linux")
_LOCK = struct.Struct("hhqqi4x" if _LINUX else "qqihh")


class ForeignLock:
    """Test the locks of one file. The file stays open: closing it would drop all locks of this process on it."""

    def __init__(self, file: Path) -> None:
        self._path = file
        self._file: IO[bytes] | None = None
        self._opening = threading.Lock()  # a second descriptor that is closed again would drop those locks too

    def close(self) -> None:
        """Close the file, once nothing else in this process uses it."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def wait(self) -> None:
        """Wait until this process could write. Raises StoreFailed when that takes too long."""
        deadline = time.monotonic() + WAIT_S
        while self._is_held(fcntl.F_WRLCK):
            if time.monotonic() > deadline:
                raise StoreFailed(f"{self._path}: held by another process; it is written again later")
            time.sleep(0.05)

    def refuse(self) -> None:
        """Raise StoreFailed at once if another process is writing."""
        if self._is_held(fcntl.F_RDLCK):
            raise StoreFailed(f"{self._path}: another process writes into it")

    def _is_held(self, lock_type: int) -> bool:
        """Tell whether another process's lock conflicts with one of this type."""
        with self._opening:
            if self._file is None:
                try:
                    self._file = self._path.open("rb")
                except OSError:  # a missing file is not locked
                    return False
        if _LINUX:
            request = _LOCK.pack(lock_type, 0, _FIRST_BYTE, _BYTES, 0)
            conflicting: int = _LOCK.unpack(fcntl.fcntl(self._file, fcntl.F_GETLK, request))[0]
        else:
            request = _LOCK.pack(_FIRST_BYTE, _BYTES, 0, lock_type, 0)
            conflicting = _LOCK.unpack(fcntl.fcntl(self._file, fcntl.F_GETLK, request))[3]
        return conflicting != fcntl.F_UNLCK
