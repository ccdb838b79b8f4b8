"""Tests that read data outside the repository: real articles, public sets, attack texts.

`make test-shared` runs them and says where the data is (SHARED=../shared); missing data is then a failure. Otherwise
they are skipped.
"""

import os
from pathlib import Path

import pytest

_GIVEN = os.environ.get("TEST_SHARED")  # read here: tests/conftest.py clears the settings before each test
_FOLDER = Path(_GIVEN).resolve() if _GIVEN else None


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of the data."""
    if _FOLDER is None:
        pytest.skip("reads data outside the repository: make test-shared SHARED=FOLDER")
    assert _FOLDER.is_dir(), f"TEST_SHARED: there is no folder {_FOLDER}"
    return _FOLDER


@pytest.fixture(scope="session")
def seeds(shared: Path) -> Path:
    """Return the folder of five real articles on one event, as they were scraped."""
    folder = shared / "seeds"
    assert len(list(folder.glob("*.txt"))) == 5, f"five articles are expected in {folder}"
    return folder
