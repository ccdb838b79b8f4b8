"""`QA_READER` and `QA_ENTAILMENT`: off, on, and what is there when nothing is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa.errors import BadSettings
from qa.judges import network
from qa.judges.reader import MiniLMReader
from qa.library import Library
from qa.settings import load_settings
from qa.wiring import build_reader
from tests.fakes import article

ASKED = "Who opened the harbour fair?"


def settings(tmp_path: Path, **said: str):  # type: ignore[no-untyped-def]
    return load_settings({"QA_DATA_DIR": str(tmp_path / "data"), "QA_EMBED_MODEL": "none", **said}, dotenv=None)


def test_the_reader_is_on_where_nothing_is_said(tmp_path: Path) -> None:
    assert isinstance(build_reader(settings(tmp_path)), MiniLMReader)
    assert build_reader(settings(tmp_path, QA_READER="off")) is None


def test_absent_weights_stop_the_start_only_where_the_reader_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "find_weights", lambda: None)
    assert build_reader(settings(tmp_path)) is None
    with pytest.raises(BadSettings, match=r"QA_READER=on: reader: .* not installed"):
        build_reader(settings(tmp_path, QA_READER="on"))


def test_words_alone_answer_as_they_did(tmp_path: Path) -> None:
    """Off, nothing is read: no short answer, and the same sentence."""
    text = "The fair drew 4,000 people. Ana Ruiz opened the harbour fair on Monday. It rained."
    with Library(settings(tmp_path, QA_READER="off")) as library:
        library.ingest([article("fair", text, title="Fair", outlet="Wire", published_at="2026-05-04")])
        off = library.ask(ASKED, as_of="2026-06-01")
    with Library(settings(tmp_path)) as library:
        on = library.ask(ASKED, as_of="2026-06-01")
    assert [citation.quote for citation in off.citations] == ["Ana Ruiz opened the harbour fair on Monday."]
    assert off.short_answer is None and on.short_answer is not None and on.short_answer.text == "Ana Ruiz"
    assert on.citations == off.citations
