"""Our retriever in LangChain."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from langchain_core.runnables import RunnableLambda

from qa.langchain import ArticleRetriever
from qa.library import Library
from qa.settings import Settings
from qa.types import Filters
from tests.fakes import article

TEXT = "Ferries 🚢 stop at night.\r\n\r\nThe cafe\u0301 on the quay closes too. The quay, the quay: 渡船は止まる。"
ASKED = "When do the ferries stop?"


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """Open a store with two articles of two outlets, words alone."""
    with Library(Settings(data_dir=tmp_path / "store", embed_model="none")) as opened:
        opened.ingest(
            [article("wire", TEXT, outlet="Wire"), article("post", "The ferries stop in May.", outlet="Post")]
        )
        yield opened


def test_a_document_is_exactly_its_span(library: Library) -> None:
    """`page_content` is the slice of the stored article that its metadata names."""
    found = ArticleRetriever(library=library).invoke(ASKED)
    assert {one.metadata["article_id"] for one in found} == {"wire", "post"}
    for one in found:
        text = library.catalog.text("default", one.metadata["article_id"]).text
        assert text[one.metadata["start"] : one.metadata["end"]] == one.page_content


def test_filters_and_the_number_hold(library: Library) -> None:
    """What the retriever was made with is what it asks for."""
    only = ArticleRetriever(library=library, filters=Filters(outlets=("Post",)))
    assert [one.metadata["outlet"] for one in only.invoke(ASKED)] == ["Post"]
    assert len(ArticleRetriever(library=library, top_k=1).invoke(ASKED)) == 1


async def test_it_is_a_step_of_a_chain(library: Library) -> None:
    """Whatever takes a Runnable takes it, with and without a running loop."""
    chain = ArticleRetriever(library=library, top_k=1) | RunnableLambda(lambda found: found[0].metadata["article_id"])
    assert await chain.ainvoke(ASKED) == chain.invoke(ASKED)
