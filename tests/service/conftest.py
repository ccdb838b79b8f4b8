"""A store that tests only read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from tests.service.serving import BRIDGE, client


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Serve one article."""
    with client(tmp_path_factory.mktemp("served"), BRIDGE) as http:
        yield http
