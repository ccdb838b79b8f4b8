"""The LlamaIndex integration, used with LlamaIndex's own components."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest
from llama_index.core import Settings as GlobalSettings
from llama_index.core.agent.workflow import ReActAgent
from llama_index.core.evaluation import RetrieverEvaluator
from llama_index.core.llms import CompletionResponse, CompletionResponseGen, CustomLLM, LLMMetadata, MockLLM
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import ResponseMode, get_response_synthesizer
from llama_index.core.schema import QueryBundle
from llama_index.core.tools import QueryEngineTool

from qa.library import Library, sample_articles
from qa.llamaindex import ArticleRetriever, CitedQueryEngine, ReaderReranker
from qa.readers.read import read
from qa.retrieval.sentence_ranker import EvidenceRanker
from qa.settings import Settings
from qa.types import Answer, Filters, Question

ASKED = "What will it cost to rebuild the eastern approach of the Orrin Bridge?"
DRIVEN = "How long has Dorothea Lanyon driven the number 14 bus?"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """Open a store with the sample articles, without embeddings."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("llamaindex") / "store", embed_model="none")
    with Library(settings) as library:
        library.ingest(read([str(sample_articles())]))
        yield library


def test_a_node_is_exactly_its_span(library: Library) -> None:
    """The text of each node is the article's text at its offsets, and its id is its place."""
    nodes = ArticleRetriever(library, top_k=5).retrieve(ASKED)
    assert len(nodes) == 5
    assert [node.score for node in nodes] == sorted((node.score or 0 for node in nodes), reverse=True)
    for node in nodes:
        stored = library.catalog.text("default", node.node.metadata["article_id"], node.node.metadata["version"])
        assert stored.text[node.node.start_char_idx : node.node.end_char_idx] == node.node.get_content()  # type: ignore[attr-defined]
    assert len({node.node.node_id for node in nodes}) == 5


def test_filters_and_the_day_hold(library: Library) -> None:
    """The constructor's options bound every query; the async method finds the same."""
    retriever = ArticleRetriever(library, filters=Filters(outlets=("Corvane Wire",)), as_of="2026-04-01")
    nodes = asyncio.run(retriever.aretrieve(ASKED))
    assert nodes
    assert {node.node.metadata["outlet"] for node in nodes} == {"Corvane Wire"}
    assert max(node.node.metadata["published_at"] for node in nodes) < "2026-04-02"
    assert [node.node.node_id for node in nodes] == [node.node.node_id for node in retriever.retrieve(ASKED)]


def test_source_nodes_are_the_citations(library: Library) -> None:
    """The whole answer is in the metadata; each source node has the number of its marker."""
    response = CitedQueryEngine(library, Question("", as_of="2026-06-15")).query(ASKED)
    answer = response.metadata["answer"]  # type: ignore[index]
    assert isinstance(answer, Answer)
    assert str(response) == answer.answer
    assert [node.node.get_content() for node in response.source_nodes] == [
        citation.quote for citation in answer.citations
    ]
    assert [node.node.metadata["citation"] for node in response.source_nodes] == list(
        range(1, len(answer.citations) + 1)
    )


def test_the_short_answer_is_in_the_metadata(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """As text, or None where there is none."""
    engine = CitedQueryEngine(library, Question("", as_of="2026-06-15"))
    assert engine.query(DRIVEN).metadata["short_answer"] == "26 years"  # type: ignore[index]
    monkeypatch.setattr(library, "ranker", EvidenceRanker(library.ranker._lexical, None))
    assert engine.query(DRIVEN).metadata["short_answer"] is None  # type: ignore[index]


def test_a_refusal_has_no_source(library: Library) -> None:
    """An empty list, and a status instead of a phrase."""
    response = CitedQueryEngine(library).query("Who won the chess cup in Lima?")
    assert (response.metadata["status"], response.source_nodes) == ("not_in_sources", [])  # type: ignore[index]


async def test_it_works_inside_a_running_loop(library: Library) -> None:
    """The synchronous call works in a running event loop, as in a notebook."""
    engine = CitedQueryEngine(library)
    assert str(engine.query(ASKED)) == str(await engine.aquery(ASKED))


def test_llamaindex_engines_take_the_retriever(library: Library) -> None:
    """Its own query engine synthesises from our nodes, and shows the LLM the outlet but not our hashes."""
    synthesizer = get_response_synthesizer(llm=MockLLM(), response_mode=ResponseMode.COMPACT)
    engine = RetrieverQueryEngine(ArticleRetriever(library, top_k=2), response_synthesizer=synthesizer)
    response = engine.query(ASKED)
    assert "Brasswick Ledger" in str(response)
    assert "sha256" not in str(response)
    assert len(response.source_nodes) == 2


class ScriptedLLM(CustomLLM):
    """An LLM that calls the tool once, then repeats its output."""

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name="scripted")

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        observation = re.search(r"Observation: (.*?\[1\])", prompt, re.DOTALL)
        if observation:
            return CompletionResponse(text=f"Thought: I can answer.\nAnswer: {observation[1]}")
        return CompletionResponse(text=f'Thought: I need news.\nAction: news\nAction Input: {{"input": "{ASKED}"}}')

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        response = self.complete(prompt)
        yield CompletionResponse(text=response.text, delta=response.text)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # LlamaIndex's own agents use what pydantic is dropping
async def test_an_agent_answers_with_the_engine_as_its_tool(library: Library) -> None:
    """LlamaIndex's own agent calls the engine and passes its cited answer on."""
    tool = QueryEngineTool.from_defaults(CitedQueryEngine(library), name="news", description="News of the bridge")
    agent = ReActAgent(tools=[tool], llm=ScriptedLLM(), streaming=False)
    reply = str(await agent.run("What does it cost?"))
    assert reply.endswith("[1]")
    assert "46 million" in reply


async def test_its_evaluator_scores_the_retriever(library: Library) -> None:
    """Node ids are places, so evaluation matches the right chunk."""
    retriever = ArticleRetriever(library, top_k=4)
    first = retriever.retrieve(ASKED)[0].node.node_id
    evaluator = RetrieverEvaluator.from_metric_names(["hit_rate", "mrr"], retriever=retriever)
    result = await evaluator.aevaluate(ASKED, expected_ids=[first])
    assert result.metric_vals_dict == {"hit_rate": 1.0, "mrr": 1.0}


def test_nothing_global_is_touched(library: Library) -> None:
    """LlamaIndex's Settings stay unset."""
    CitedQueryEngine(library).query(ASKED)
    ArticleRetriever(library).retrieve(ASKED)
    assert GlobalSettings._llm is None
    assert GlobalSettings._embed_model is None


def test_the_reader_orders_nodes_of_any_index(library: Library) -> None:
    """The node whose sentence answers comes first, with a score of its own; the others keep their text and place."""
    nodes = ArticleRetriever(library, top_k=12, as_of="2026-06-15").retrieve("bus driver Lanyon")
    asked = QueryBundle(DRIVEN)
    ranked = ReaderReranker(top_n=3).postprocess_nodes(list(reversed(nodes)), query_bundle=asked)
    assert len(ranked) == 3 and "26 years" in ranked[0].node.get_content()
    scores = [found.score or 0.0 for found in ranked]
    assert scores == sorted(scores, reverse=True) and 0 <= scores[-1] <= scores[0] <= 1
    assert {found.node.node_id for found in ranked} <= {found.node.node_id for found in nodes}
    assert ReaderReranker().postprocess_nodes([], query_bundle=asked) == []
