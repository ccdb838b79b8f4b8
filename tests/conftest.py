"""Rules for all tests: no network beyond this machine, no key, no setting from the caller's environment."""

import os
from pathlib import Path

import pytest

from tests.guard import sitecustomize
from tests.lanes.postgres.fixtures import cluster, postgres, url

__all__ = ["cluster", "postgres", "url"]  # fixtures

GUARD = Path(sitecustomize.__file__).parent


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith(("QA_", "OPENAI_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
