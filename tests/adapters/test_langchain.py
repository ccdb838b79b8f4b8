"""The LangChain retriever."""

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
    """Open a store with two articles of two outlets, without embeddings."""
    with Library(Settings(data_dir=tmp_path / "store", embed_model="none")) as opened:
        opened.ingest(
            [article("wire", TEXT, outlet="Wire"), article("post", "The ferries stop in May.", outlet="Post")]
        )
        yield opened


def test_a_document_is_exactly_its_span(library: Library) -> None:
    """`page_content` is the slice of the stored article that its metadata names."""
    documents = ArticleRetriever(library=library).invoke(ASKED)
    assert {document.metadata["article_id"] for document in documents} == {"wire", "post"}
    for document in documents:
        text = library.catalog.text("default", document.metadata["article_id"]).text
        assert text[document.metadata["start"] : document.metadata["end"]] == document.page_content


def test_filters_and_the_number_hold(library: Library) -> None:
    """The constructor's options bound every query."""
    only = ArticleRetriever(library=library, filters=Filters(outlets=("Post",)))
    assert [document.metadata["outlet"] for document in only.invoke(ASKED)] == ["Post"]
    assert len(ArticleRetriever(library=library, top_k=1).invoke(ASKED)) == 1


async def test_it_is_a_step_of_a_chain(library: Library) -> None:
    """It composes as a Runnable, with and without a running event loop."""
    chain = ArticleRetriever(library=library, top_k=1) | RunnableLambda(
        lambda documents: documents[0].metadata["article_id"]
    )
    assert await chain.ainvoke(ASKED) == chain.invoke(ASKED)
