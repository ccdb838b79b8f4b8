"""Manage the Chroma client: open a server or a directory, check the directory's files first, close and reset it.

Damaged graph files crash the process that searches them, or find nothing while Chroma reports a full count. So closing
a directory seals it with the checksums of its files. On opening, a directory that has changed since, or that another
version of Chroma wrote, is deleted; one that was never closed is first probed in a child process. A deleted directory
is rebuilt from the catalog.
"""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import chromadb
import httpx
from chromadb.config import Settings as ChromaSettings
from chromadb.errors import ChromaError

from qa.errors import StoreFailed, store_failed
from qa.indexes.sqlite_locks import ForeignLock

ANSWER_S = 2.0  # how long a search may wait for a server; then it is answered from the word index alone
OWN_ANSWER_S = 20.0  # in our own process, where slow means a busy machine; a filter over 72,107 chunks took 0.3 s
_FIRST_ANSWER_S = 30.0  # the first search reads the graph from the disk
_RESET_S = 5.0  # how long a reset waits for running searches
_COOLDOWN_S = 5.0  # after a call that hung, before the next one is tried
_PROBE_S = 120.0  # time limit of a probe, plus a second for each _PROBE_BYTES of the directory:
_PROBE_BYTES = 2_000_000  # an index of 300,000 vectors must not be deleted because the machine is busy
_SEAL = "sealed.json"
_VERSION = "version"  # of the Chroma that wrote the files: Chroma opens those of a newer version without a warning
_CODE = (
    "import sys; sys.path.insert(0, sys.argv[1]); from qa.indexes.chroma_probe import probe; "
    "sys.exit(probe(sys.argv[2]) or 0)"
)
_FAILURES = (ChromaError, httpx.HTTPError, OSError, ValueError, RuntimeError)

_log = logging.getLogger(__name__)

T = TypeVar("T")


class ChromaStore:
    """A directory or a server, and its open client: many threads use the client, a reset replaces it."""

    def __init__(self, where: Path | str) -> None:
        """Take a directory or a URL; `open` opens it."""
        self.directory = where if isinstance(where, Path) else None
        self.client: Any = None  # None before it is opened, and after an interrupted reset
        self._where = where
        self._foreign = None if self.directory is None else ForeignLock(self.directory / "chroma.sqlite3")
        self._lock = ReadWriteLock()
        self._call_timeout = CallTimeout(str(where), ANSWER_S if self.directory is None else OWN_ANSWER_S)

    def open(self) -> None:
        """Open a client. Raises what Chroma raises, and StoreFailed."""
        self.client = open_client(self._where)

    def close(self) -> None:
        """Close the client, so that a restored directory is not served from the memory of the old one."""
        self._close_client()
        if self.directory is not None:
            seal(self.directory)

    def _close_client(self) -> None:
        if self.client is not None:
            close_client(self.client)
            self.client = None
        if self._foreign is not None:
            self._foreign.close()

    def empty_directory(self) -> None:
        """Delete the files and open a client of an empty directory. Call it inside `replacing`."""
        assert self.directory is not None
        self._close_client()
        delete_directory(self.directory)
        self.open()

    @contextmanager
    def mapped_errors(self, what: str) -> Iterator[None]:
        """Map what Chroma raises to StoreFailed or StoreFull."""
        try:
            yield
        except _FAILURES as exc:
            raise store_failed(f"{self._where}: the vector index {what}: {exc}", exc) from exc

    @contextmanager
    def using(self, what: str = "does not answer") -> Iterator[None]:
        """Use the client, shared with other threads. Raises as `mapped_errors` does."""
        with self.mapped_errors(what), self._lock.reading():
            if self.client is None:
                raise StoreFailed(f"{self._where}: the vector index could not be opened again; it is tried again")
            yield

    @contextmanager
    def replacing(self, what: str) -> Iterator[None]:
        """Use the client exclusively, to close it or open another. Raises as `mapped_errors` does."""
        with self.mapped_errors(what), self._lock.writing(_RESET_S):
            yield

    def call(self, search: Callable[[], T]) -> T:
        """Return the result of a search. Raises StoreFailed when it fails or takes too long."""
        with self.mapped_errors("does not answer"):  # includes failure to start a thread
            return self._call_timeout.call(search)

    def wait_for_others(self) -> None:
        """Wait, before a write, until no other process has the directory's database locked. Raises StoreFailed."""
        if self._foreign is not None:
            self._foreign.wait()

    def refuse_others(self) -> None:
        """Raise StoreFailed at once if another process is writing to the directory's database."""
        if self._foreign is not None:
            self._foreign.refuse()


def open_client(where: Path | str) -> Any:
    """Return a client of the server at a URL, or of a directory. Raises what Chroma raises, and StoreFailed."""
    # _env_file: otherwise Chroma would read our `.env` as its own settings.
    quiet = ChromaSettings(anonymized_telemetry=False, _env_file=None)
    if isinstance(where, Path):
        delete_trash(where)
        _delete_if_damaged(where)
        client = chromadb.PersistentClient(path=str(where), settings=quiet)
        with suppress(OSError):  # the file is only a hint for the next start
            (where / _VERSION).write_text(chromadb.__version__, encoding="utf-8")
        return client
    url = urlsplit(where)
    port = url.port or (443 if url.scheme == "https" else 8000)
    client = chromadb.HttpClient(host=url.hostname or "localhost", port=port, ssl=url.scheme == "https", settings=quiet)
    for session in _sessions(client):  # by default Chroma's client waits for ever for a frozen server
        session.timeout = httpx.Timeout(ANSWER_S, read=10.0)
    return client


def _sessions(client: Any) -> set[httpx.Client]:
    """Return the HTTP sessions of a client; empty for a directory.

    A client has a second session inside, with connections of its own, which looks up the tenant on creation.
    """
    servers = (client._server, client._admin_client._server)
    return {server._session for server in servers if hasattr(server, "_session")}


def close_client(client: Any) -> None:
    """Close a client, including the connections to a server, which Chroma's own `close` leaves open."""
    sessions = _sessions(client)
    client.close()
    for session in sessions:
        session.close()


def seal(directory: Path) -> None:
    """Write the checksums of a closed directory. If that fails, the next start probes the files."""
    part = directory / f"{_SEAL}.part"
    with suppress(OSError):
        part.write_text(json.dumps(_checksums(directory)), encoding="utf-8")
        part.replace(directory / _SEAL)


def delete_directory(directory: Path) -> None:
    """Delete a directory that nobody has open, atomically: after a kill in between, it is complete or gone."""
    delete_trash(directory)
    with suppress(FileNotFoundError):
        directory.rename(_trash(directory))
    delete_trash(directory)


def delete_trash(directory: Path) -> None:
    """Finish an interrupted `delete_directory`."""
    if _trash(directory).exists():
        shutil.rmtree(_trash(directory))


def _trash(directory: Path) -> Path:
    return directory.with_name(f"{directory.name}.thrown-away")


def _delete_if_damaged(directory: Path) -> None:
    if not directory.is_dir() or not any(directory.iterdir()):
        return
    if damage := _find_damage(directory):
        _log.warning("%s: damaged, building it anew from the catalog: %s", directory, damage)
        delete_directory(directory)
    else:
        (directory / _SEAL).unlink(missing_ok=True)  # writes from now on are not sealed


def _find_damage(directory: Path) -> str:
    """Return why a directory must not be opened, the empty string if it may be."""
    with suppress(OSError):
        if (version := (directory / _VERSION).read_text(encoding="utf-8")) not in ("", chromadb.__version__):
            return f"written by Chroma {version}, and this is {chromadb.__version__}"
    try:
        sealed = json.loads((directory / _SEAL).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return _probe_in_child(directory)
    return "" if sealed == _checksums(directory) else "its files have changed since they were closed"


def _checksums(directory: Path) -> dict[str, int]:
    files = sorted(file for file in directory.rglob("*") if file.is_file() and not file.name.startswith(_SEAL))
    return {str(file.relative_to(directory)): _checksum(file) for file in files}


def _checksum(file: Path) -> int:
    total = 0
    with file.open("rb") as opened:
        while part := opened.read(1 << 20):
            total = zlib.crc32(part, total)
    return total


def _probe_in_child(directory: Path) -> str:
    root = Path(__file__).resolve().parents[2]
    limit_s = _PROBE_S + sum(file.stat().st_size for file in directory.rglob("*")) / _PROBE_BYTES
    try:
        child = subprocess.run(  # noqa: S603  # our own interpreter and code, no shell
            (sys.executable, "-P", "-c", _CODE, str(root), str(directory)),
            capture_output=True,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {limit_s:.0f} s"
    except OSError as exc:
        raise StoreFailed(f"{directory}: cannot be looked at: {exc}") from exc
    lines = child.stderr.decode(errors="replace").strip().splitlines()
    return "" if child.returncode == 0 else f"status {child.returncode}: {lines[-1] if lines else 'no word'}"


class CallTimeout:
    """A time limit for calls. After one that hung, calls fail at once for a while."""

    def __init__(self, where: str, timeout_s: float) -> None:
        self._where, self._timeout_s = where, timeout_s
        self._cooldown_until = 0.0
        self._limit_s = _FIRST_ANSWER_S

    def call(self, function: Callable[[], T]) -> T:
        """Return what the function returns, or raise what it raises; StoreFailed when it takes too long."""
        if time.monotonic() < self._cooldown_until:
            raise StoreFailed(f"{self._where}: the vector index did not answer a moment ago")
        done: Future[T] = Future()

        def run() -> None:
            try:
                done.set_result(function())
            except BaseException as exc:  # noqa: BLE001  # re-raised where the result is awaited
                done.set_exception(exc)

        # Not a pool: the process would wait for the pool's threads at exit, and this one may hang for ever.
        threading.Thread(target=run, name="chroma", daemon=True).start()
        try:
            result = done.result(self._limit_s)
        except TimeoutError as exc:
            self._cooldown_until = time.monotonic() + _COOLDOWN_S
            raise StoreFailed(f"{self._where}: no answer from the vector index within {self._limit_s:g} s") from exc
        self._limit_s = self._timeout_s
        return result


class ReadWriteLock:
    """A read-write lock: many readers or one writer. Readers wait for a writer; a writer waits a limited time."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._readers = 0
        self._writing = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold the lock shared with other readers."""
        with self._changed:
            self._changed.wait_for(lambda: not self._writing)
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    @contextmanager
    def writing(self, wait_s: float) -> Iterator[None]:
        """Hold the lock exclusively. Raises TimeoutError when the readers are not done within `wait_s` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: not self._writing)
            self._writing = True  # from now on no reader enters
            done = self._changed.wait_for(lambda: not self._readers, wait_s)
        try:
            if not done:
                raise TimeoutError(f"still in use after {wait_s:g} s")
            yield
        finally:
            with self._changed:
                self._writing = False
                self._changed.notify_all()
