"""LlamaIndex as its documentation uses it: dense on Chroma, fused with BM25, and the sources of CitationQueryEngine.

Only the environment of the peers has all these imports. LlamaIndex's global `Settings` is not used.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import chromadb  # noqa: TID251  # a peer, used as its users do
import Stemmer
from llama_index.core import Document, StorageContext, VectorStoreIndex  # noqa: TID251  # as above
from llama_index.core.llms import MockLLM  # noqa: TID251  # as above
from llama_index.core.node_parser import SentenceSplitter  # noqa: TID251  # as above
from llama_index.core.query_engine import CitationQueryEngine  # noqa: TID251  # as above
from llama_index.core.response_synthesizers.no_text import NoText  # noqa: TID251  # as above
from llama_index.core.retrievers import QueryFusionRetriever  # noqa: TID251  # as above
from llama_index.core.schema import NodeWithScore, TextNode  # noqa: TID251  # as above
from llama_index.core.vector_stores import FilterOperator, MetadataFilter, MetadataFilters  # noqa: TID251  # as above
from llama_index.retrievers.bm25 import BM25Retriever  # type: ignore[import-untyped]  # noqa: TID251  # as above
from llama_index.vector_stores.chroma import ChromaVectorStore  # type: ignore[import-untyped]  # noqa: TID251

from eval.bench.peers.child import Piece, day_number, log_every, rows
from eval.bench.peers.vector_cache import CachedEmbedder
from qa import MiniLM
from qa.embeddings.llamaindex import MiniLMEmbedding

DEFAULT_TOKENS = 1024
SMALL_TOKENS, SMALL_OVERLAP = 256, 20  # the embedder reads no more than 256 tokens of a text


class LlamaIndex:
    """A vector index on Chroma in a folder. `kind` is dense, fusion or citation."""

    def __init__(self, kind: str, splitter: SentenceSplitter, folder: Path, cache: Path) -> None:
        names = ("llama-index-core", "llama-index-retrievers-bm25", "llama-index-vector-stores-chroma", "chromadb")
        self.versions = {name: version(name) for name in names}
        self.embedder = CachedEmbedder(MiniLM(), cache, log_every(2_000))
        self.chunks = self.refused = 0
        self._kind, self._splitter = kind, splitter
        client = chromadb.PersistentClient(str(folder))
        store = ChromaVectorStore(chroma_collection=client.create_collection("articles"))
        self._storage = StorageContext.from_defaults(vector_store=store)
        self._nodes: list[TextNode] = []
        self._texts: dict[str, str] = {}
        self._masks: dict[str, list[int]] = {}

    def add(self, path: Path) -> None:
        """Split, embed and index the articles, titles as metadata that is embedded with each node."""
        documents = [
            Document(
                id_=row["id"],
                text=row["text"],
                metadata={"title": row["title"] or "", "published": day_number(row["published_at"])},
                excluded_embed_metadata_keys=["published"],
            )
            for row in rows(path)
        ]
        nodes: Any = self._splitter.get_nodes_from_documents(documents)
        self._index = VectorStoreIndex(
            nodes, storage_context=self._storage, embed_model=MiniLMEmbedding(self.embedder, embed_batch_size=512)
        )
        if self._kind == "fusion":
            self._words = BM25Retriever.from_defaults(
                nodes=nodes, stemmer=Stemmer.Stemmer("english"), language="english"
            )
        self._nodes, self.chunks = nodes, len(nodes)
        self._texts = {document.id_: document.text for document in documents}

    def search(self, question: str, as_of: str | None, top_k: int) -> list[Piece]:
        """Return the best nodes; a day becomes a metadata filter of each retriever."""
        dense = self._index.as_retriever(similarity_top_k=top_k, filters=_until(as_of))
        if self._kind == "dense":
            return [_piece(node) for node in dense.retrieve(question)]
        if self._kind == "citation":
            engine = CitationQueryEngine.from_args(
                self._index,
                llm=MockLLM(),
                retriever=dense,
                response_synthesizer=NoText(llm=MockLLM()),  # returns what the model would be shown, without a model
            )
            return [_source(node) for node in engine.query(question).source_nodes]
        self._words.similarity_top_k = top_k
        self._words.corpus_weight_mask = self._mask(as_of)
        fused = QueryFusionRetriever(
            [dense, self._words],
            llm=MockLLM(),
            num_queries=1,
            mode="reciprocal_rerank",  # type: ignore[arg-type]  # a string, as in its documentation
            similarity_top_k=top_k,
            use_async=False,
        )
        return [_piece(node) for node in fused.retrieve(question)]

    def _mask(self, as_of: str | None) -> list[int] | None:
        """Return a mask of the nodes up to a day: the one BM25Retriever makes of a filter when it is built."""
        if as_of is None:
            return None
        if as_of not in self._masks:
            last = day_number(as_of)
            self._masks[as_of] = [int(node.metadata["published"] <= last) for node in self._nodes]
        return self._masks[as_of]

    def pieces(self) -> Iterable[Piece]:
        """Return every node."""
        return (_piece(NodeWithScore(node=node)) for node in self._nodes)

    def text(self, article_id: str) -> str:
        """Return the text of a document."""
        return self._texts[article_id]

    def close(self) -> None:
        """Do nothing: Chroma's client closes with the process."""


def _until(as_of: str | None) -> MetadataFilters | None:
    if as_of is None:
        return None
    last = MetadataFilter(key="published", value=day_number(as_of), operator=FilterOperator.LTE)
    return MetadataFilters(filters=[last])


def _piece(found: NodeWithScore) -> Piece:
    node: Any = found.node
    return Piece((node.ref_doc_id,), node.text, node.start_char_idx, node.end_char_idx)


def _source(found: NodeWithScore) -> Piece:
    """Return a source without the line that numbers it."""
    node: Any = found.node
    words = node.text.split("\n", 1)[1].removesuffix("\n")
    return Piece((node.ref_doc_id,), words, node.start_char_idx, node.end_char_idx)


def open_system(variant: str, folder: Path, vectors: Path) -> LlamaIndex:
    """Open an empty index; the variant is a kind, with `-small` for nodes that fit the embedder's window."""
    kind, _, size = variant.partition("-")
    small = size == "small"
    splitter = SentenceSplitter(chunk_size=SMALL_TOKENS, chunk_overlap=SMALL_OVERLAP) if small else SentenceSplitter()
    return LlamaIndex(kind, splitter, folder, vectors / f"llamaindex-{splitter.chunk_size}.npz")
