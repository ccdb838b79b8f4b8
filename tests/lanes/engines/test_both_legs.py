"""The retrieval tests, unchanged, on an engine that serves both words and vectors."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import qa
from qa.indexes.engine_index import LlamaIndexStore
from qa.library import Library, sample_articles
from qa.settings import Settings
from qa.types import Question
from tests.fakes import HashEmbedder
from tests.lanes.engines.both import FullText
from tests.retrieval import test_retriever

globals().update({name: test for name, test in vars(test_retriever).items() if name.startswith("test_")})


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    monkeypatch.setattr("qa.wiring.build_embedder", lambda settings: HashEmbedder())
    with Library(Settings(data_dir=tmp_path / "data", vector_store="tests.lanes.engines.both:engine")) as opened:
        assert isinstance(opened._words, FullText)
        assert isinstance(opened._vectors, LlamaIndexStore)
        opened.ingest([test_retriever.STRIKE_OLD, test_retriever.STRIKE_NEW, test_retriever.UNDATED])
        yield opened


async def test_answers_are_cited_and_no_index_of_ours_is_made(library: Library, tmp_path: Path) -> None:
    """Word and vector search, the ranking of sentences and a takedown use the engine alone."""
    library.ingest(qa.read([str(sample_articles())]))
    question = Question("When was the boil-water notice in Marrowby lifted?", as_of="2026-06-15")
    answer = await library.answerer().ask(question)
    assert answer.citations
    assert answer.degraded == ()
    for citation in answer.citations:
        text = library.catalog.text("default", citation.source.article_id).text
        assert citation.span.slice(text) == citation.quote
        library.remove(citation.source.article_id)
    cited = {citation.source.article_id for citation in answer.citations}
    assert not cited & {citation.source.article_id for citation in (await library.answerer().ask(question)).citations}
    assert [state.problems for state in library.verify()] == [(), ()]
    assert not list((tmp_path / "data").glob("lexical*"))
