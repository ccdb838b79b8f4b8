"""What a worker does, step by step, and what may be in its store after it was killed: the oracle of the crash tests.

Every step follows from its number alone. A worker notes `begin N` before a step and `ack N` after it, each synced.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TextIO

Operation = Literal["put", "lag", "remove", "rebuild", "backup"]
State = dict[str, str | None]  # the text of each id; None: the article does not exist

IDS = 40  # fewer than there are steps, so that most writes are updates
PER_STEP = 3
_OPERATIONS: tuple[tuple[Operation, int], ...] = (("put", 5), ("lag", 2), ("remove", 2), ("rebuild", 1), ("backup", 1))


def operation(step: int) -> Operation:
    """Return what a step does: `lag` writes the catalog in two transactions before the indexes follow."""
    names, weights = zip(*_OPERATIONS, strict=True)
    chosen: Operation = random.Random(f"operation {step}").choices(names, weights)[0]
    return chosen


def written(step: int) -> State:
    """Return what a step changes, by article id."""
    done = operation(step)
    if done in ("put", "lag"):
        return {f"id-{(step * PER_STEP + place) % IDS}": _body(step, place) for place in range(PER_STEP)}
    return {f"id-{step * PER_STEP % IDS}": None} if done == "remove" else {}


def _body(step: int, place: int) -> str:
    """Return a unique text of one or more chunks, with repeats and characters outside the BMP."""
    dice = random.Random(f"{step}/{place}")
    # Many different words, because Chroma's graph loses vectors of very similar texts without any crash.
    sentences = [
        " ".join(f"word{dice.randrange(2_000)}" for _ in range(12)) + " 😀." for _ in range(dice.randrange(40))
    ]
    return f"This is step {step}, article {place}. " + " ".join([*sentences, *sentences[:2], "Cafe\u0301 市长。"])


def state_before(step: int) -> State:
    """Return the state after all steps before this one."""
    state: State = {f"id-{number}": None for number in range(IDS)}
    for earlier in range(step):
        state |= written(earlier)
    return state


def allowed(begun: int, acknowledged: int) -> tuple[State, State]:
    """Return the two states that the store may be in: before and after the step in flight."""
    before = state_before(acknowledged + 1)
    return before, before | written(begun)


def marks(folder: Path) -> tuple[int, int]:
    """Return the last step that was begun and the last that was acknowledged, -1 for none."""
    seen = {"begin": -1, "ack": -1}
    file = folder / "journal"
    for line in file.read_text().splitlines(keepends=True) if file.exists() else ():
        if line.endswith("\n"):  # otherwise the kill truncated it
            word, _, number = line.partition(" ")
            seen[word] = int(number)
    return seen["begin"], seen["ack"]


def steps(folder: Path) -> Iterator[int]:
    """Yield the steps to do, without end; the one in flight is tried again first."""
    begun, acknowledged = marks(folder)
    step = begun if begun > acknowledged else begun + 1
    while True:
        yield step
        step += 1


def note(file: TextIO, line: str) -> None:
    """Write a line that survives the process."""
    file.write(line + "\n")
    file.flush()
    os.fsync(file.fileno())
