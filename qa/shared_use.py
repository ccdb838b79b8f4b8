"""Many threads use a thing at once; now and then one has it alone, to put another in its place."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class SharedUse:
    """Count who is using it. Whoever comes while one has it alone waits; that one does not wait for ever."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._users = 0
        self._alone = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Use it beside others."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            self._users += 1
        try:
            yield
        finally:
            with self._changed:
                self._users -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self, wait_s: float) -> Iterator[None]:
        """Have it alone once the others are done. Raises TimeoutError when they are not in so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            self._alone = True  # nobody begins from now on
            done = self._changed.wait_for(lambda: not self._users, wait_s)
        try:
            if not done:
                raise TimeoutError(f"still in use after {wait_s:g} s")
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()
