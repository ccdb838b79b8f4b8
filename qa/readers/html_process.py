"""Read HTML and feeds in a sandboxed child process, which is killed when it takes too long.

Some pages of a few hundred kilobytes keep the parsers busy for minutes: 200,000 attributes on one element took lxml
more than seven. Parsing cannot be interrupted from within, so a warm child does it, and a new one takes its place.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Timer
from typing import Self

from qa.errors import BadArticle

LIMIT_S = 10.0
MEMORY_BYTES = 512_000_000  # for any page; the most that a page took within ten seconds was 400 MB
_START_LIMIT_S = 60.0  # to import the parsers, on a machine under load
_META_BYTES = 4096  # in which a page must declare its charset: the HTML standard says within 1024 bytes
_DECLARED = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_PAGES_A_CHILD = 500  # the parsers' caches grow, and the memory of a child is limited
_CODE = "import sys; sys.path.insert(0, sys.argv[1]); from qa.readers.html import serve; serve(*map(int, sys.argv[2:]))"

Fields = dict[str, object]


def declared_charset(data: bytes | bytearray) -> str | None:
    """Return the charset that a page declares for itself."""
    declared = _DECLARED.search(data[:_META_BYTES])
    return declared[1].decode("ascii") if declared else None


class PageReader:
    """Read pages and feeds one at a time, from any thread. The child starts with the first and ends with `close`."""

    def __init__(self, limit_s: float = LIMIT_S, memory_bytes: int = MEMORY_BYTES) -> None:
        self._limit_s = limit_s
        self._memory_bytes = memory_bytes
        self._lock = Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._owner = 0  # the process that started the child: a fork of that process must not use it
        self._pages = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read_page(self, page: str) -> Fields:
        """Return the main text and metadata of an HTML page, as fields of an article row. Raises BadArticle."""
        return self._ask(b"P", page.encode(), "HTML")

    def read_feed(self, data: bytes) -> Fields:
        """Return the `title` and the `items` of an RSS or Atom feed, each as an article row. Raises BadArticle."""
        return self._ask(b"F", data, "XML")

    def close(self) -> None:
        """End the child, if there is one."""
        with self._lock:
            self._end()

    def _ask(self, kind: bytes, data: bytes, what: str) -> Fields:
        with self._lock:
            reply = self._exchange(self._start(), kind + len(data).to_bytes(4, "big") + data, self._limit_s, what)
            self._pages += 1
            if self._pages % _PAGES_A_CHILD == 0 or reply.get("worn_out"):
                self._end()
        if refused := reply.get("refused"):
            raise BadArticle(f"{what}: {refused}")
        return reply

    def _start(self) -> subprocess.Popen[bytes]:
        """Return the running child, a new one if there is none."""
        if self._child is not None and self._owner == os.getpid() and self._child.poll() is None:
            return self._child
        self._end()
        limits = (str(int(self._limit_s) + 2), str(self._memory_bytes))
        child = self._child = subprocess.Popen(  # noqa: S603  # our own interpreter and code, no shell
            (sys.executable, "-P", "-c", _CODE, str(Path(__file__).resolve().parents[2]), *limits),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C must not end the child in the middle of a page
        )
        self._owner = os.getpid()
        self._exchange(child, b"", _START_LIMIT_S, "the HTML reader")
        return child

    def _exchange(self, child: subprocess.Popen[bytes], request: bytes, limit_s: float, what: str) -> Fields:
        """Send a request and return the reply; the child is killed if none comes in time. Raises BadArticle."""
        assert child.stdin is not None
        assert child.stdout is not None
        late = Event()

        def kill() -> None:
            late.set()
            child.kill()

        timer = Timer(limit_s, kill)
        timer.start()
        line = b""
        try:
            with suppress(BrokenPipeError):
                child.stdin.write(request)
                child.stdin.flush()
                line = child.stdout.readline()
        finally:
            timer.cancel()
            timer.join()
            complete = line.endswith(b"\n")
            if not complete and not late.is_set():
                with suppress(subprocess.TimeoutExpired):
                    child.wait(1)  # it is exiting, and its status says why
            status = None if complete and not late.is_set() else self._end()
        if complete:
            reply: Fields = json.loads(line)
            return reply
        if late.is_set():
            raise BadArticle(f"{what} took longer than {limit_s:g} s to read")
        raise BadArticle(f"{what} cannot be read: its reader ended with status {status}")

    def _end(self) -> int | None:
        """Kill the child and wait for it, so that it leaves no zombie; return its exit status."""
        child, self._child = self._child, None
        if child is None or self._owner != os.getpid():
            return None
        child.kill()
        status = child.wait()
        for pipe in (child.stdin, child.stdout):
            with suppress(BrokenPipeError):
                if pipe is not None:
                    pipe.close()
        return status


SHARED = PageReader()
atexit.register(SHARED.close)
