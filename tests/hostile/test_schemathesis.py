"""Schemathesis over our own schema, against a real server: no server error, and every reply as the schema describes.

`make schemathesis N=1000` tries that many examples per operation; the test suite tries a few.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, openapi
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from qa.service.app import create_app
from tests.service.serving import BRIDGE, running, settings_for

EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "2"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SCHEMA = openapi.from_dict(create_app(settings_for(Path("never-opened"))).openapi())
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations()]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(create_app(settings_for(tmp_path_factory.mktemp("served") / "store"))) as port:
        requests.post(f"http://127.0.0.1:{port}/v1/articles", json=BRIDGE, timeout=10).raise_for_status()
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_every_operation_answers_as_the_schema_says(operation: Any, url: str) -> None:
    """For requests that the schema allows, and for those that it forbids."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy())
    def ask(case: Case) -> None:
        case.call_and_validate(base_url=url, checks=CHECKS, timeout=20)

    ask()
    assert requests.get(f"{url}/healthz", timeout=10).status_code == 200
