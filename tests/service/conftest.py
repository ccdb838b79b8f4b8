"""Fixtures that serve one article; tests must not change it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import openai
import pytest
from fastapi.testclient import TestClient

from qa.service.app import create_app
from tests.service import serving
from tests.service.serving import BRIDGE, running, settings_for


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Serve one article."""
    with serving.client(tmp_path_factory.mktemp("served"), BRIDGE) as http:
        yield http


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Serve one article over a real connection."""
    with running(create_app(settings_for(tmp_path_factory.mktemp("served") / "store"))) as port:
        httpx.post(f"http://127.0.0.1:{port}/v1/articles", json=BRIDGE).raise_for_status()
        yield port


@pytest.fixture
def client(port: int) -> Iterator[openai.OpenAI]:
    """Return OpenAI's own client."""
    with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="any", max_retries=0) as client:
        yield client
