"""`qa keys`: API keys created, listed and revoked while the service runs."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from qa.catalog.catalog import Catalog
from qa.cli.main import app, main
from qa.errors import NotFound
from qa.service.http import keys as keys_module
from tests.service.serving import client


def _run(folder: Path, *words: str) -> Any:
    found = CliRunner().invoke(app, ["keys", *words], env={"QA_DATA_DIR": str(folder), "QA_EMBED_MODEL": "none"})
    assert found.exit_code == 0, found.output
    return found.output


def test_a_key_opens_until_it_is_revoked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first key closes an open service, its scope is enforced, and a revoked key is refused."""
    monkeypatch.setattr(keys_module, "_FRESH_S", 0.0)
    with client(tmp_path) as http:
        assert http.get("/v1/articles").status_code == 200
        made = json.loads(_run(tmp_path / "store", "create", "ann", "--scope", "ask", "--json"))
        assert http.get("/v1/articles").status_code == 401
        key = {"authorization": f"Bearer {made['secret']}"}
        assert http.get("/v1/articles", headers=key).status_code == 200
        assert http.post("/v1/articles", json={"text": "x"}, headers=key).status_code == 403
        _run(tmp_path / "store", "revoke", made["id"])
        assert http.get("/v1/articles", headers=key).status_code == 401
        listed = json.loads(_run(tmp_path / "store", "list", "--json"))["keys"]
        assert [(key["id"], key["name"], bool(key["revoked_at"])) for key in listed] == [(made["id"], "ann", True)]
        assert http.get("/v1/articles").status_code == 401  # the service does not reopen


def test_a_key_expires(tmp_path: Path) -> None:
    """An expired key is not valid."""
    catalog = Catalog(f"sqlite:///{tmp_path / 'c.sqlite3'}")
    now = datetime.now(UTC)
    row, _ = catalog.records.create_key("ann", ["ask"], now + timedelta(hours=1))
    assert row.opens(now)
    assert not row.opens(now + timedelta(hours=1))
    catalog.close()


def test_the_secret_is_kept_nowhere(tmp_path: Path) -> None:
    """The database does not contain the secret."""
    made = json.loads(_run(tmp_path / "store", "create", "ann", "--json"))
    with sqlite3.connect(tmp_path / "store" / "catalog.sqlite3") as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()
    assert made["id"] in dump
    assert made["secret"] not in dump
    assert made["secret"].startswith("nqa_")
    assert len(made["secret"]) > 40


@pytest.mark.parametrize("expires", ["soon", "2020-01-01", "0d"])
def test_a_bad_expiry_is_refused(tmp_path: Path, expires: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that would never work, or would never expire because of a typo, is not created."""
    monkeypatch.setenv("QA_DATA_DIR", str(tmp_path / "store"))
    monkeypatch.setattr("sys.argv", ["qa", "keys", "create", "ann", "--expires", expires])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2


def test_revoking_what_is_not_there_is_said(tmp_path: Path) -> None:
    """A typo must not look like a revoked key."""
    catalog = Catalog(f"sqlite:///{tmp_path / 'c.sqlite3'}")
    with pytest.raises(NotFound, match="no key 'beef'"):
        catalog.records.revoke_key("beef")
    catalog.close()
