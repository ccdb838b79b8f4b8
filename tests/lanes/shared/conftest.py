"""Tests over data that is no part of the project: real articles, public sets, attack texts.

`make test-shared` asks for them and says where the data is (SHARED=../shared); whatever is missing there then is a
failure. Elsewhere they are skipped.
"""

import os
from pathlib import Path

import pytest

_ASKED = os.environ.get("TEST_SHARED")  # read here: tests themselves see no setting of who runs them
_FOLDER = Path(_ASKED).resolve() if _ASKED else None


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of the data."""
    if _FOLDER is None:
        pytest.skip("reads data that is no part of the project: make test-shared SHARED=FOLDER")
    assert _FOLDER.is_dir(), f"TEST_SHARED: there is no folder {_FOLDER}"
    return _FOLDER


@pytest.fixture(scope="session")
def seeds(shared: Path) -> Path:
    """Return the folder of five real articles on one event, as they were scraped."""
    folder = shared / "seeds"
    assert len(list(folder.glob("*.txt"))) == 5, f"five articles are expected in {folder}"
    return folder
