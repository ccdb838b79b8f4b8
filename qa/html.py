"""Read HTML and feeds in a child process that is killed when it takes too long.

Some pages of a few hundred kilobytes keep the parsers busy for minutes: 200,000 attributes on one element took lxml
more than seven. Parsing cannot be interrupted from within, so a warm child does it, and a new one takes its place.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from pathlib import Path
from threading import Lock, Timer

from qa.errors import BadArticle

LIMIT_S = 10.0
MEMORY_BYTES = 1_500_000_000
_START_LIMIT_S = 60.0  # to import the parsers, on a machine under load
_PAGES_A_CHILD = 500  # the parsers keep caches, and memory is limited
_CHILD = "import sys; sys.path.insert(0, sys.argv[1]); from qa import html_pages; html_pages.serve(*map(int, sys.argv[2:]))"


class PageReader:
    """Reads pages and feeds one at a time, safely from any thread; starts its child at the first one."""

    def __init__(self, limit_s: float = LIMIT_S, memory_bytes: int = MEMORY_BYTES) -> None:
        self._limit_s = limit_s
        self._memory_bytes = memory_bytes
        self._lock = Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._owner = 0  # the process that started the child: a fork of it must not talk to the same one
        self._pages = 0

    def read_page(self, page: str) -> dict[str, object]:
        """Return the main text and metadata of an HTML page, as fields of an article row. Raises BadArticle."""
        return self._ask(b"P", page.encode(), "HTML")

    def read_feed(self, data: bytes) -> dict[str, object]:
        """Return an RSS or Atom feed's title and its items, each as fields of an article row. Raises BadArticle."""
        return self._ask(b"F", data, "XML")

    def close(self) -> None:
        """End the child, if there is one."""
        with self._lock:
            self._drop()

    def _ask(self, kind: bytes, data: bytes, what: str) -> dict[str, object]:
        with self._lock:
            child = self._ready_child()
            reply = self._exchange(child, kind + len(data).to_bytes(4) + data, self._limit_s)
            if reply is None:
                status = self._drop()
                ...
        return reply
