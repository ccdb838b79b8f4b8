"""One process owns a data directory, and the others learn its address."""

import subprocess
import sys
from pathlib import Path

import pytest

from qa.catalog.data_dir_lock import DataDirLock
from qa.errors import Locked, StoreFailed
from tests import ROOT

HOLDER = """
import sys, time
from pathlib import Path
from qa.catalog.data_dir_lock import DataDirLock
owner = DataDirLock(Path(sys.argv[1]))
owner.announce("http://127.0.0.1:8123")
print("held", flush=True)
time.sleep(60)
"""


def test_a_second_process_is_refused_with_the_owners_address(tmp_path: Path) -> None:
    """At once; and when the owner is killed, the directory is free."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Locked, match=f"in use by process {holder.pid}") as caught:
            DataDirLock(tmp_path)
        assert caught.value.url == "http://127.0.0.1:8123"
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    DataDirLock(tmp_path).close()


def test_one_process_cannot_hold_it_twice(tmp_path: Path) -> None:
    """Two stores in one process would lose vectors too; after a close the directory is free."""
    first = DataDirLock(tmp_path / "new" / "folder")
    with pytest.raises(Locked) as caught:
        DataDirLock(tmp_path / "new" / "folder")
    assert caught.value.url is None
    first.close()
    DataDirLock(tmp_path / "new" / "folder").close()


def test_a_new_owner_forgets_the_old_ones_address(tmp_path: Path) -> None:
    """The announced URL is that of the present owner, and a shorter one leaves no remainder of a longer one."""
    first = DataDirLock(tmp_path)
    first.announce("http://127.0.0.1:8000/a/very/long/address")
    first.announce("http://127.0.0.1:1")
    with pytest.raises(Locked) as caught:
        DataDirLock(tmp_path)
    assert caught.value.url == "http://127.0.0.1:1"
    first.close()
    second = DataDirLock(tmp_path)
    with pytest.raises(Locked) as caught:
        DataDirLock(tmp_path)
    assert caught.value.url is None
    second.close()


@pytest.mark.parametrize("content", ["", "{", "[1]", "null"])
def test_an_owner_that_is_just_writing_is_still_the_owner(tmp_path: Path, content: str) -> None:
    """The directory is locked even if its file cannot be parsed."""
    first = DataDirLock(tmp_path)
    (tmp_path / "owner.json").write_text(content)
    with pytest.raises(Locked, match="in use by process"):
        DataDirLock(tmp_path)
    first.close()


def test_a_place_that_cannot_be_a_directory_is_reported(tmp_path: Path) -> None:
    """With its path and the system's error message."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreFailed, match="file: cannot be used as data directory"):
        DataDirLock(tmp_path / "file")
