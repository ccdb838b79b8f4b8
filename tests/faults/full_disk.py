"""A process whose disk is full: the system refuses every write beyond a file size until the limit is lifted."""

from __future__ import annotations

import random
import resource
from multiprocessing.connection import Connection
from pathlib import Path

from qa.errors import StoreFailed, StoreFull
from tests.fakes import HashEmbedder, Store, article, live_texts
from tests.lanes.crash.worker import wrong_spans


def body(number: int, words: int = 400) -> str:
    """Return a unique text that a search for `marker<number>` finds."""
    dice = random.Random(number)
    return f"marker{number} " + " ".join(f"word{dice.randrange(900)}" for _ in range(words)) + " 😀."


def live(folder: Path, limit: int, result: Connection) -> None:
    """Fill a store, set the limit, write, read, lift the limit, write again; send back how each step went.

    The check that each vector finds itself waits until the store is reopened: without any fault, after these writes 2
    of 40 stores had one vector of 106 that Chroma's graph did not reach, because it is far from all others.
    """
    report: dict[str, object] = {}
    with Store(folder, HashEmbedder()) as store:
        store.add(*(article(f"a{number}", body(number)) for number in range(4)))
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        report["writing"] = write(store)
        report["reading"] = store.found("marker2")[0]
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        report["again"] = write(store)
        report["problems"] = wrong_spans(store, live_texts(store.catalog))
    with Store(folder, HashEmbedder()) as store:
        report["behind"] = [state.behind for state in store.projections.states()]
        report["later"] = store.problems()
        report["texts"] = sorted(live_texts(store.catalog))
    result.send(report)


def write(store: Store) -> str:
    """Add, replace and take down; return which error was raised."""
    try:
        store.add(*(article(f"a{number}", body(number + 100, 3_000)) for number in range(3, 8)))
        if "a0" in live_texts(store.catalog):
            store.take_down("a0")
    except StoreFull:
        return "full"
    except StoreFailed as exc:
        return f"failed: {exc}"
    return "done"
