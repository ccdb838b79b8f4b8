"""Testing a file for other processes' locks must not drop our own."""

import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from qa.indexes.sqlite_locks import ForeignLock

# Another process cannot write while we have the file for ourselves.
_TRY = """
import sqlite3, sys
try:
    sqlite3.connect(sys.argv[1], timeout=0).execute("CREATE TABLE other (n)")
except sqlite3.OperationalError as exc:
    sys.exit(str(exc))
"""


def test_threads_that_look_first_open_the_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing a second descriptor would drop all locks of the process on the file, including SQLite's."""
    file = tmp_path / "some.sqlite3"
    with closing(sqlite3.connect(file)) as raw, raw:
        raw.execute("CREATE TABLE some (n)")
    opened: list[Any] = []
    original = Path.open
    together = threading.Barrier(8)

    def slowly(self: Path, mode: str) -> Any:
        handle = original(self, mode)
        opened.append(handle)
        threading.Event().wait(0.05)
        return handle

    lock = ForeignLock(file)

    def look() -> None:
        together.wait(5)
        lock.refuse()

    with closing(sqlite3.connect(file, isolation_level=None)) as raw:
        raw.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr(Path, "open", slowly)
        with ThreadPoolExecutor(8) as pool:
            for future in [pool.submit(look) for _ in range(8)]:
                future.result(10)
        assert len(opened) == 1
        done = subprocess.run([sys.executable, "-c", _TRY, str(file)], capture_output=True, text=True, check=False)
        assert "locked" in done.stderr
    lock.close()
