"""The lock of a data directory: one process owns it, for two writers in a Chroma directory lose vectors silently."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import IO

from qa.errors import Locked, StoreFailed


class DataDirLock:
    """Hold the lock of a data directory from construction to `close`. Raises Locked at once if another has it."""

    def __init__(self, data_dir: Path) -> None:
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            self._file: IO[str] = (data_dir / "owner.json").open("a+", encoding="utf-8")
        except OSError as exc:
            raise StoreFailed(f"{data_dir}: cannot be used as data directory: {exc.strerror}") from exc
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            owner = _read(self._file)
            self._file.close()
            url = owner.get("url")
            hint = f"ask its server at {url} (in Python: qa.connect), " if url else ""
            process = owner.get("pid", "?")
            raise Locked(f"{data_dir}: in use by process {process}; {hint}stop it or set QA_DATA_DIR", url) from exc
        except OSError as exc:
            self._file.close()
            raise StoreFailed(f"{data_dir}: cannot be locked: {exc.strerror}") from exc
        self.announce(None)

    def announce(self, url: str | None) -> None:
        """Write the URL at which the owner serves, for commands that find the directory locked."""
        self._file.seek(0)
        self._file.truncate()
        json.dump({"pid": os.getpid(), "url": url}, self._file)
        self._file.flush()

    def close(self) -> None:
        """Release the lock."""
        self._file.close()


def _read(file: IO[str]) -> dict[str, str]:
    file.seek(0)
    try:
        owner = json.load(file)
    except json.JSONDecodeError:  # the owner is between truncate and write
        return {}
    return owner if isinstance(owner, dict) else {}
