"""Follow the catalog's change log in the background."""

from __future__ import annotations

import logging
import threading

from qa.errors import QaError
from qa.library import Library

_log = logging.getLogger(__name__)


class Follower:
    """Follow the change log in the background, for articles that another process writes into the catalog."""

    def __init__(self, library: Library, interval_s: float = 1.0) -> None:
        self._library = library
        self._interval_s = interval_s
        self._stop = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look now: something was written here that nobody waits for."""
        self._wake.set()

    def close(self) -> None:
        """Stop after the step that is running."""
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
