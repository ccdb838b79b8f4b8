"""/healthz and /readyz."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa.errors import StoreFailed
from qa.indexes.projections import IndexState
from tests.service.serving import BRIDGE, client, opened


def test_ready_names_every_part(tmp_path: Path) -> None:
    """A ready service reports each part, and names the model without calling it."""
    model = {"llm_model": "m-1", "openai_base_url": "http://127.0.0.1:9/v1"}
    with client(tmp_path, BRIDGE, **model) as http:
        assert http.get("/healthz").json() == {"status": "ok"}
        ready = http.get("/readyz")
        assert ready.status_code == 200
        assert ready.json() == {
            "status": "ready", "catalog": "ok", "lexical": "ok", "vectors": "not configured", "model": "m-1",
        }  # fmt: skip


def test_not_ready_before_the_first_catch_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 until the indexes have caught up once; falling behind later is reported, but is not an outage."""
    with client(tmp_path) as http:
        projections = opened(http.app).library.projections
        with monkeypatch.context() as patch:
            patch.setattr(projections, "states", lambda: [IndexState("lexical", 0, 7)])
            early = http.get("/readyz")
            assert (early.status_code, early.json()["lexical"]) == (503, "behind 7")
            assert http.get("/healthz").status_code == 200
        assert http.get("/readyz").status_code == 200
        monkeypatch.setattr(projections, "states", lambda: [IndexState("lexical", 0, 7)])
        late = http.get("/readyz")
        assert (late.status_code, late.json()["lexical"]) == (200, "behind 7")


def test_what_is_away_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unreachable catalog, or only index, is 503; the reply names it without its path."""

    def away() -> None:
        raise StoreFailed("/secret/place: disk I/O error")

    with client(tmp_path, BRIDGE) as http:
        assert http.get("/readyz").status_code == 200
        library = opened(http.app).library
        with monkeypatch.context() as patch:
            patch.setattr(library.catalog, "last_change", away)
            reply = http.get("/readyz")
            assert reply.status_code == 503
            assert reply.json()["catalog"].startswith("away")
            assert "secret" not in reply.text
        monkeypatch.setattr(library.projections, "states", away)
        monkeypatch.setattr(library, "search", lambda query, top_k, fill: away())
        reply = http.get("/readyz")
        assert reply.status_code == 503
        assert reply.json()["lexical"].startswith("away")
