"""The retrieval tests, word for word, on a store that is wired to each engine by the setting."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from qa.settings import Settings
from qa.vector_stores import EngineIndex
from qa.wiring import Library
from tests import test_retrieval
from tests.engines.engines import NAMES, RECIPES
from tests.fakes import HashEmbedder

globals().update({name: one for name, one in vars(test_retrieval).items() if name.startswith("test_")})


@pytest.fixture(params=NAMES)
def library(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    monkeypatch.setattr("qa.wiring.build_embedder", lambda settings: HashEmbedder())
    monkeypatch.syspath_prepend(RECIPES)
    with Library(Settings(data_dir=tmp_path / "data", vector_store=f"qa_{request.param}:engine")) as opened:
        assert isinstance(opened.projections._vectors, EngineIndex)
        opened.ingest([test_retrieval.STRIKE_OLD, test_retrieval.STRIKE_NEW, test_retrieval.UNDATED])
        yield opened
