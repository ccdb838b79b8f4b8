"""A background thread that applies the catalog's change log to the indexes."""

from __future__ import annotations

import logging
import threading

from qa.errors import QaError
from qa.library import Library

_log = logging.getLogger(__name__)


class Follower:
    """Keep the indexes up to date with articles that other processes write to the catalog."""

    def __init__(self, library: Library, interval_s: float = 1.0) -> None:
        self._library = library
        self._interval_s = interval_s
        self._stop = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Check the change log now instead of at the next interval."""
        self._wake.set()

    def close(self) -> None:
        """Stop after the current catch-up."""
        self._stop = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._wake.wait(self._interval_s)
            self._wake.clear()
            if self._stop:
                return
            try:
                projections = self._library.projections
                if not projections.caught_up or any(state.behind for state in projections.states()):
                    self._library.projections.catch_up()
            except QaError as exc:
                _log.warning("the indexes cannot follow the catalog: %s", exc)
