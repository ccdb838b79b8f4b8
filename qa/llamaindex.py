"""LlamaIndex integration: a retriever, a query engine whose source nodes are cited spans, and the reader as a reranker.

    with connect() as library:
        ArticleRetriever(library).retrieve("When does the bridge open again?")
        CitedQueryEngine(library).query("When does the bridge open again?")
    ReaderReranker(top_n=5)  # a node postprocessor for any query engine, also over another index

LlamaIndex's global `Settings` is neither read nor set.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from math import exp
from typing import Any, TypeVar

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.response.schema import Response
from llama_index.core.callbacks.base import CallbackManager
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle, TextNode
from pydantic import PrivateAttr

from qa.client import Client
from qa.judges.reader import MiniLMReader
from qa.judges.rerank import score_passages
from qa.library import Library
from qa.types import Answer, Filters, Passage, Question, Source, Span

T = TypeVar("T")
# The node metadata that the caller's own LLM sees: who wrote it and when, not our ids and hashes.
_LLM_METADATA = ("title", "outlet", "published_at")


class ArticleRetriever(BaseRetriever):
    """Retrieve chunks; a node's text is exactly `article.text[start_char_idx:end_char_idx]`."""

    def __init__(
        self,
        library: Library | Client,
        *,
        top_k: int = 8,
        filters: Filters = Filters(),
        as_of: str | None = None,
        collection: str = "default",
    ) -> None:
        super().__init__(callback_manager=CallbackManager([]))
        self._library = library
        self._top_k, self._filters, self._as_of, self._collection = top_k, filters, as_of, collection

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        result = self._library.search(
            query_bundle.query_str,
            collection=self._collection,
            filters=self._filters,
            as_of=self._as_of,
            top_k=self._top_k,
        )
        return [NodeWithScore(node=_node(hit.source, hit.span, hit.text), score=hit.score) for hit in result.hits]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)


class CitedQueryEngine(BaseQueryEngine):
    """Answer with citations; each source node is one of them.

    `response.metadata["answer"]` is the `Answer`, and `response.metadata["short_answer"]` its words in short, or None.
    """

    def __init__(self, library: Library | Client, like: Question = Question("")) -> None:
        """`like` holds what every question shares: filters, `as_of`, mode, collection."""
        super().__init__(callback_manager=CallbackManager([]))
        self._library = library
        self._like = like

    def _query(self, query_bundle: QueryBundle) -> Response:
        return _response(self._library.ask(replace(self._like, question=query_bundle.query_str)))

    async def _aquery(self, query_bundle: QueryBundle) -> Response:
        return _response(await self._library.aask(replace(self._like, question=query_bundle.query_str)))

    def _get_prompt_modules(self) -> dict[str, Any]:
        return {}


class ReaderReranker(BaseNodePostprocessor):
    """Order nodes by how likely their best sentence answers the query, which becomes their score, 0..1."""

    top_n: int = 8
    _reader: MiniLMReader = PrivateAttr(default_factory=MiniLMReader)

    @classmethod
    def class_name(cls) -> str:
        """Return the name under which LlamaIndex serialises it."""
        return "ReaderReranker"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        if query_bundle is None or not nodes:
            return nodes[: self.top_n]
        passages = [
            Passage(each.node.get_content(MetadataMode.NONE), each.node.metadata.get("title") or "") for each in nodes
        ]
        logits = score_passages(self._reader, query_bundle.query_str, passages)
        ordered = sorted(zip(logits, nodes, strict=True), key=lambda pair: -pair[0])
        return [NodeWithScore(node=each.node, score=1 / (1 + exp(-logit))) for logit, each in ordered[: self.top_n]]


def _response(answer: Answer) -> Response:
    return Response(
        answer.answer,
        source_nodes=_citation_nodes(answer),
        metadata={
            "answer": answer,
            "status": answer.status,
            "short_answer": answer.short_answer and answer.short_answer.text,
        },
    )


def _citation_nodes(answer: Answer) -> list[NodeWithScore]:
    nodes = [_node(citation.source, citation.span, citation.quote) for citation in answer.citations]
    for citation, node in zip(answer.citations, nodes, strict=True):
        node.metadata["citation"] = citation.number
    return [NodeWithScore(node=node) for node in nodes]


def _node(source: Source, span: Span, text: str) -> TextNode:
    """Return a node identified by its place, not its text: a reprint has the same text but is another source."""
    metadata: dict[str, Any] = {
        "article_id": source.article_id,
        "version": source.version,
        "sha256": source.sha256,
        "title": source.title,
        "outlet": source.outlet,
        "url": source.url,
        "published_at": source.published_at,
    }
    hidden = [name for name in (*metadata, "citation") if name not in _LLM_METADATA]
    return TextNode(
        id_=f"{source.article_id}:{source.version}:{span.start}-{span.end}",
        text=text,
        start_char_idx=span.start,
        end_char_idx=span.end,
        metadata=metadata,
        excluded_llm_metadata_keys=hidden,
        excluded_embed_metadata_keys=list(metadata),
    )
