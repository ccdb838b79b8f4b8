"""A process that runs out of room: the system refuses every write beyond a size, until the limit is lifted."""

from __future__ import annotations

import random
import resource
from multiprocessing.connection import Connection
from pathlib import Path

from qa.errors import StoreFailed, StoreFull
from tests.fakes import HashEmbedder, Store, article, live_texts
from tests.lanes.crash.worker import wrong_spans


def body(number: int, words: int = 400) -> str:
    """Return a text of its own, found by `marker<number>`."""
    dice = random.Random(number)
    return f"marker{number} " + " ".join(f"word{dice.randrange(900)}" for _ in range(words)) + " 😀."


def live(folder: Path, limit: int, told: Connection) -> None:
    """Fill a store, take the room away, write, read, give the room back, write again; say how each went.

    Vectors find themselves when it is opened again: after these writes without any fault 2 of 40 stores had one of 106
    that Chroma's graph did not reach, because it is far from all others.
    """
    said: dict[str, object] = {}
    with Store(folder, HashEmbedder()) as store:
        store.add(*(article(f"a{number}", body(number)) for number in range(4)))
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        said["writing"] = write(store)
        said["reading"] = store.found("marker2")[0]
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        said["again"] = write(store)
        said["problems"] = wrong_spans(store, live_texts(store.catalog))
    with Store(folder, HashEmbedder()) as store:
        said["behind"] = [state.behind for state in store.projections.states()]
        said["later"] = store.problems()
        said["texts"] = sorted(live_texts(store.catalog))
    told.send(said)


def write(store: Store) -> str:
    """Add, replace and take down; return the name of what was raised."""
    try:
        store.add(*(article(f"a{number}", body(number + 100, 3_000)) for number in range(3, 8)))
        if "a0" in live_texts(store.catalog):
            store.take_down("a0")
    except StoreFull:
        return "full"
    except StoreFailed as exc:
        return f"failed: {exc}"
    return "done"
