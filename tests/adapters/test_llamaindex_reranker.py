"""A reranker that users bring: the example of docs/llamaindex.md, run as it stands there."""

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
# Each holds all words of the question; only one holds them together.
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
    """Open a store with two articles, words alone."""
    with Library(Settings(data_dir=tmp_path / "store", embed_model="none")) as opened:
        opened.ingest(FERRIES)
        yield opened


@pytest.fixture
def example() -> dict[str, Any]:
    """Run the page's code."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (code,) = (one for one in blocks if "class Together" in one)
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(code, str(PAGE), "exec", dont_inherit=True), names)
    return names


def ids(nodes: list[NodeWithScore]) -> list[str]:
    return [one.node.metadata["article_id"] for one in nodes]


def test_the_documented_reranker_changes_the_order(library: Library, example: dict[str, Any]) -> None:
    """What it puts first is first in LlamaIndex's engine, though our own order was another."""
    assert ids(ArticleRetriever(library).retrieve(ASKED)) == ["apart", "together"]
    response = example["reranked"](library, MockLLM()).query(ASKED)
    assert ids(response.source_nodes) == ["together", "apart"]


def test_a_reranker_moves_no_span(library: Library, example: dict[str, Any]) -> None:
    """A reranked node is still exactly what stands at its offsets."""
    for one in example["reranked"](library, MockLLM()).query(ASKED).source_nodes:
        text = library.catalog.text("default", one.node.metadata["article_id"]).text
        assert text[one.node.start_char_idx : one.node.end_char_idx] == one.node.get_content()


def test_llamaindexs_own_postprocessors_run_on_our_nodes(library: Library) -> None:
    """A cut-off reads our scores, which are higher for better."""
    nodes = ArticleRetriever(library).retrieve(ASKED)
    cut = ((nodes[0].score or 0) + (nodes[1].score or 0)) / 2
    assert ids(SimilarityPostprocessor(similarity_cutoff=cut).postprocess_nodes(nodes)) == ["apart"]
