"""A full disk: writes fail with an error that says so, reads go on, and the store recovers without a restart."""

import multiprocessing
import os
from pathlib import Path

import pytest

from qa.errors import StoreFull, store_failed
from tests.faults import full_disk

POINTS = 50 if os.environ.get("FULL_NUMBERS") else 2
LARGEST = 1_500_000  # bytes: a larger limit lets every write fit
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.lanes.crash.worker"])


@pytest.mark.parametrize("point", range(POINTS))
def test_a_full_disk_loses_nothing_at_any_write(tmp_path: Path, point: int) -> None:
    """Files may not grow beyond a size; whichever write hits the limit, nothing is lost and the next try succeeds."""
    limit = LARGEST * point // POINTS + 1_000
    report = tried(tmp_path, limit)
    assert report["writing"] in ("full", "done"), limit
    assert report["reading"] == "a2"
    assert (report["again"], report["problems"], report["later"]) == ("done", "", []), limit
    assert report["behind"] == [0, 0]
    assert report["texts"] == [f"a{number}" for number in range(1, 8)]


def tried(folder: Path, limit: int) -> dict[str, object]:
    receiver, sender = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=full_disk.live, args=(folder, limit, sender))
    process.start()
    sender.close()
    try:
        report: dict[str, object] = receiver.recv()
    finally:
        process.join(60)
        receiver.close()
    return report


@pytest.mark.parametrize(
    "cause",
    [
        OSError(28, "No space left on device"),
        OSError(27, "File too large"),
        ValueError("Failed to write: 'IoError { io_error: Os { code: 28, message: \"No space left on device\" } }'"),
        RuntimeError("error returned from database: (code: 13) database or disk is full"),
    ],
    ids=str,
)
def test_no_room_is_told_in_many_ways(cause: Exception) -> None:
    """By errno or by message; anything else is another kind of failure."""
    assert isinstance(store_failed("the store", cause), StoreFull)
    assert not isinstance(store_failed("the store", OSError(5, "Input/output error")), StoreFull)
