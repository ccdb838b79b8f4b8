"""The retrieval tests, unchanged, on each engine selected by the `vector_store` setting."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import qa
from qa.indexes.engine_index import LlamaIndexStore
from qa.library import Library, sample_articles
from qa.settings import Settings
from tests.fakes import HashEmbedder
from tests.lanes.engines.engines import NAMES, RECIPES
from tests.retrieval import test_retriever

globals().update({name: test for name, test in vars(test_retriever).items() if name.startswith("test_")})


@pytest.fixture(params=NAMES)
def library(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    monkeypatch.setattr("qa.wiring.build_embedder", lambda settings: HashEmbedder())
    monkeypatch.syspath_prepend(RECIPES)
    with Library(Settings(data_dir=tmp_path / "data", vector_store=f"qa_{request.param}:engine")) as opened:
        assert isinstance(opened.projections._vectors, LlamaIndexStore)
        opened.ingest([test_retriever.STRIKE_OLD, test_retriever.STRIKE_NEW, test_retriever.UNDATED])
        yield opened


def test_the_sample_articles_are_found_as_by_an_exact_search(
    library: Library,
) -> None:
    """Every title as a question: the ten nearest of all chunks; then the index agrees with the catalog."""
    library.ingest(qa.read([str(sample_articles())]))
    rows = library.catalog.chunks_of(library.catalog.live_pks())
    assert library.embedder is not None and library._vectors is not None
    vectors = library.catalog.vectors(library.embedder.model, [row.embed_sha for row in rows])
    titles = sorted({row.source.title for row in rows if row.source.title})
    same = 0
    for title in titles:
        query = library.embedder.embed_query(title)
        cosines = sorted((float(vectors[row.embed_sha] @ query) for row in rows), reverse=True)
        found = library._vectors.search(query, "default", (), 10)
        # Equal cosines may come in any order: each hit must be as near as the hit of an exact search.
        same += sum(hit.score > exact - 1e-3 for hit, exact in zip(found, cosines[:10], strict=True))
    print(f"samples, {len(titles)} titles, {len(rows)} chunks: {same / (10 * len(titles)):.3f} as near as exact")
    assert same >= 0.99 * 10 * len(titles)
    assert all(not state.problems for state in library.verify())
