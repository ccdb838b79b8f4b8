"""One PostgreSQL cluster per session and a fresh database for each test; skipped without the server programs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lanes.postgres.cluster import Cluster, programs

_ALL_LANES = os.environ.get("ALL_LANES") == "1"  # read here: tests/conftest.py clears the settings before each test


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Start a server; the database `template` in it holds an empty catalog."""
    if programs() is None:
        missing = "PostgreSQL's server programs are not installed (Debian: postgresql)"
        if _ALL_LANES:
            pytest.fail(f"the PostgreSQL lane must run here and {missing}", pytrace=False)
        pytest.skip(missing)
    from qa.catalog.catalog import Catalog

    started = Cluster()
    started.template = started.create()
    Catalog(started.url(started.template)).close()
    yield started
    started.close()


@pytest.fixture
def postgres(cluster: Cluster) -> Iterator[str]:
    """Return the URL of an empty catalog in PostgreSQL."""
    name = cluster.create(cluster.template)
    yield cluster.url(name)
    cluster.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: Any, tmp_path: Path) -> str:
    """Return the URL of an empty catalog, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'catalog.sqlite3'}"
    return str(request.getfixturevalue("postgres"))
