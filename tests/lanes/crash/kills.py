"""Start workers, kill them at random moments or at named places, and collect what the next process finds."""

from __future__ import annotations

import multiprocessing
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.lanes.crash import journal, worker

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.lanes.crash.worker"])
_ANSWER_S = 120  # without a message or a step
_STEPS = 200  # each place is reached at least once in that many steps


@dataclass
class Result:
    """The outcome of a series of kills."""

    kills: int = 0
    steps: int = 0  # acknowledged
    opened_s: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Series:
    """Kill one worker after the other in one folder; a fresh process makes the last check."""

    def __init__(self, folder: Path, seed: int, *, words_only: bool = False) -> None:
        self._folder = folder
        self._dice = random.Random(seed)
        self._words_only = words_only
        self.result = Result()

    def kill_at_random(self, *, wait: bool) -> None:
        """Kill after up to half a second; `wait`: but not before a step is done, however busy the machine is."""
        with self._worker(None) as (process, checked):
            if checked and wait:
                self._wait_for_a_step()
            time.sleep(self._dice.uniform(0, 0.5) if checked else 0)
            process.kill()
            process.join()
        self.result.kills += 1

    def kill_at(self, point: str, nth: int) -> None:
        """Let the worker die at a named place."""
        with self._worker((point, nth)) as (process, checked):
            self._wait_for_the_end(process)
            if process.exitcode != -signal.SIGKILL:
                self.result.problems.append(f"never came to {point!r}: exit {process.exitcode}, checked {checked}")
        self.result.kills += 1

    def look(self) -> Result:
        """Check once more and return the result."""
        receiver, sender = _CONTEXT.Pipe(duplex=False)
        process = _CONTEXT.Process(target=worker.inspect, args=(self._folder, self._words_only, sender))
        process.start()
        sender.close()
        self._read(receiver, may_die=False)
        process.join(_ANSWER_S)
        self.result.steps = journal.marks(self._folder)[1] + 1
        return self.result

    @contextmanager
    def _worker(self, stop: tuple[str, int] | None) -> Iterator[tuple[BaseProcess, bool]]:
        receiver, sender = _CONTEXT.Pipe(duplex=False)
        process = _CONTEXT.Process(target=worker.live, args=(self._folder, self._words_only, stop, sender))
        process.start()
        sender.close()
        try:
            yield process, self._read(receiver, may_die=stop is not None)
        finally:
            process.kill()
            process.join()

    def _read(self, receiver: Connection, *, may_die: bool) -> bool:
        """Record what a process found; if it dies at a place while it checks, the next process checks."""
        try:
            problem, opened = receiver.recv() if receiver.poll(_ANSWER_S) else ("no answer", 0.0)
        except EOFError:
            if not may_die:
                self.result.problems.append(f"after {self.result.kills} kills: the process died while it opened")
            return False
        finally:
            receiver.close()
        self.result.opened_s.append(opened)
        if problem:
            self.result.problems.append(f"after {self.result.kills} kills: {problem}")
        return not problem

    def _wait_for_the_end(self, process: BaseProcess) -> None:
        """Wait while the worker does step after step, however busy the machine is; most places come within ten."""
        first = seen = journal.marks(self._folder)[1]
        deadline = time.monotonic() + _ANSWER_S
        while process.exitcode is None and time.monotonic() < deadline and seen - first < _STEPS:
            process.join(1)
            if (done := journal.marks(self._folder)[1]) != seen:
                seen, deadline = done, time.monotonic() + _ANSWER_S

    def _wait_for_a_step(self) -> None:
        before, deadline = journal.marks(self._folder)[1], time.monotonic() + 30
        while journal.marks(self._folder)[1] == before and time.monotonic() < deadline:
            time.sleep(0.01)
