"""Which engines the tests run on: LlamaIndex's own always, the others in `make test-engines`."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from qa.catalog.catalog import ChunkRow
from qa.indexes.engine_index import Engine, LlamaIndexStore
from qa.types import Vectors
from tests import ROOT

RECIPES = ROOT / "docs" / "engines"
# Read here: tests/conftest.py clears the settings before each test.
NAMES = ["simple", *(["lancedb", "milvus", "qdrant"] if os.environ.get("TEST_ENGINES") == "1" else [])]


def recipe(name: str) -> Engine:
    """Return the engine as defined in docs/engines."""
    spec = importlib.util.spec_from_file_location(f"qa_{name}", RECIPES / f"qa_{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    engine = module.engine
    assert isinstance(engine, Engine)
    return engine


class Recorded(LlamaIndexStore):
    """A vector index with a fake catalog that keeps the vector of every text ever written."""

    def __init__(self, engine: Engine, directory: Path, vectors: dict[bytes, Vectors], model: str = "m") -> None:
        self.vectors = vectors
        super().__init__(engine, directory, "0123456789abcdef", model, self._of)

    def _of(self, model: str, shas: Sequence[bytes]) -> Mapping[bytes, Vectors]:
        return {sha: self.vectors[sha] for sha in shas if sha in self.vectors}

    def apply(self, changed: Sequence[int], rows: Sequence[ChunkRow], vectors: Sequence[Vectors], cursor: int) -> None:
        self.vectors |= {row.embed_sha: vector for row, vector in zip(rows, vectors, strict=True)}
        super().apply(changed, rows, vectors, cursor)
