"""A reranker that users bring: the example of docs/llamaindex.md, run exactly as written there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from llama_index.core.llms import MockLLM
from llama_index.core.postprocessor import SimilarityPostprocessor
from llama_index.core.schema import NodeWithScore

from qa.library import Library
from qa.llamaindex import ArticleRetriever
from qa.settings import Settings
from tests import ROOT
from tests.fakes import article

PAGE = ROOT / "docs" / "llamaindex.md"
ASKED = "When did the night ferry stop?"
# Both contain all words of the question; only one has them close together.
FERRIES = (
    article(
        "apart", "The ferry crews stop for a night. The night stop of the ferry did cost much.", title="Ferry night"
    ),
    article(
        "together", "Crews were told in May when, and why. The night ferry 🚢 stop: 3 May.", title="Café\u0301 news"
    ),
)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """Open a store with two articles, without embeddings."""
    with Library(Settings(data_dir=tmp_path / "store", embed_model="none")) as opened:
        opened.ingest(FERRIES)
        yield opened


@pytest.fixture
def example() -> dict[str, Any]:
    """Execute the page's code."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (code,) = (block for block in blocks if "class Together" in block)
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(code, str(PAGE), "exec", dont_inherit=True), names)
    return names


def ids(nodes: list[NodeWithScore]) -> list[str]:
    return [node.node.metadata["article_id"] for node in nodes]


def test_the_documented_reranker_changes_the_order(library: Library, example: dict[str, Any]) -> None:
    """LlamaIndex's engine uses the reranked order, although ours was different."""
    assert ids(ArticleRetriever(library).retrieve(ASKED)) == ["apart", "together"]
    response = example["reranked"](library, MockLLM()).query(ASKED)
    assert ids(response.source_nodes) == ["together", "apart"]


def test_a_reranker_moves_no_span(library: Library, example: dict[str, Any]) -> None:
    """A reranked node still has exactly the text at its offsets."""
    for node in example["reranked"](library, MockLLM()).query(ASKED).source_nodes:
        text = library.catalog.text("default", node.node.metadata["article_id"]).text
        assert text[node.node.start_char_idx : node.node.end_char_idx] == node.node.get_content()


def test_llamaindexs_own_postprocessors_run_on_our_nodes(library: Library) -> None:
    """A score cut-off works: higher scores are better."""
    nodes = ArticleRetriever(library).retrieve(ASKED)
    cut = ((nodes[0].score or 0) + (nodes[1].score or 0)) / 2
    assert ids(SimilarityPostprocessor(similarity_cutoff=cut).postprocess_nodes(nodes)) == ["apart"]
