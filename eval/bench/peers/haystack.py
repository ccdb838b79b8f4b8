"""Haystack's hybrid pipeline as its documentation builds it: BM25 and embeddings in memory, fused by reciprocal rank.

Only the environment of the peers has Haystack. No `from __future__ import annotations` here: its components read
annotations as types when they are defined.
"""

from collections.abc import Iterable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from haystack import Document, Pipeline, component  # type: ignore[import-not-found]
from haystack.components.joiners import DocumentJoiner  # type: ignore[import-not-found]
from haystack.components.preprocessors import DocumentSplitter  # type: ignore[import-not-found]
from haystack.components.retrievers.in_memory import (  # type: ignore[import-not-found]
    InMemoryBM25Retriever,
    InMemoryEmbeddingRetriever,
)
from haystack.components.writers import DocumentWriter  # type: ignore[import-not-found]
from haystack.document_stores.in_memory import InMemoryDocumentStore  # type: ignore[import-not-found]

from eval.bench.peers.child import Piece, day_number, log_every, rows
from eval.bench.peers.vector_cache import CachedEmbedder
from qa import MiniLM


@component
class ArticleEmbedder:
    """Embeds documents with their titles in front, as Haystack's embedders do with `meta_fields_to_embed`."""

    def __init__(self, embedder: CachedEmbedder) -> None:
        self.embedder = embedder

    @component.output_types(documents=list[Document])  # type: ignore[untyped-decorator]
    def run(self, documents: list[Document]) -> dict[str, Any]:
        """Return the documents with their vectors."""
        vectors = self.embedder.embed_texts([f"{document.meta['title']}\n{document.content}" for document in documents])
        return {
            "documents": [
                replace(document, embedding=vector.tolist())
                for document, vector in zip(documents, vectors, strict=True)
            ]
        }


@component
class QuestionEmbedder:
    """Embeds the question."""

    def __init__(self, embedder: CachedEmbedder) -> None:
        self.embedder = embedder

    @component.output_types(embedding=list[float])  # type: ignore[untyped-decorator]
    def run(self, text: str) -> dict[str, Any]:
        """Return the vector of the question."""
        return {"embedding": self.embedder.embed_query(text).tolist()}


class Haystack:
    """A document store in memory with an indexing pipeline and a hybrid query pipeline."""

    def __init__(self, vectors: Path) -> None:
        self.versions = {"haystack-ai": version("haystack-ai")}
        self.embedder = CachedEmbedder(MiniLM(), vectors / "haystack.npz", log_every(2_000))
        self.chunks = self.refused = 0
        self._store = InMemoryDocumentStore()
        self._texts: dict[str, str] = {}
        self._pipeline = self._hybrid()

    def add(self, path: Path) -> None:
        """Split, embed and write the articles."""
        documents = [
            Document(
                id=row["id"],
                content=row["text"],
                meta={"title": row["title"] or "", "published": day_number(row["published_at"])},
            )
            for row in rows(path)
        ]
        indexing = Pipeline()
        indexing.add_component("splitter", DocumentSplitter())
        indexing.add_component("embedder", ArticleEmbedder(self.embedder))
        indexing.add_component("writer", DocumentWriter(self._store))
        indexing.connect("splitter", "embedder")
        indexing.connect("embedder", "writer")
        indexing.run({"splitter": {"documents": documents}})
        self.chunks = self._store.count_documents()
        self._texts = {document.id: document.content for document in documents}

    def _hybrid(self) -> Any:
        pipeline = Pipeline()
        pipeline.add_component("embedder", QuestionEmbedder(self.embedder))
        pipeline.add_component("meaning", InMemoryEmbeddingRetriever(self._store))
        pipeline.add_component("words", InMemoryBM25Retriever(self._store))
        pipeline.add_component("joiner", DocumentJoiner(join_mode="reciprocal_rank_fusion"))
        pipeline.connect("embedder.embedding", "meaning.query_embedding")
        pipeline.connect("meaning", "joiner")
        pipeline.connect("words", "joiner")
        return pipeline

    def search(self, question: str, as_of: str | None, top_k: int) -> list[Piece]:
        """Return the best documents; a day becomes a filter of both retrievers."""
        until = {"field": "meta.published", "operator": "<=", "value": day_number(as_of)} if as_of else None
        bounds = {"filters": until, "top_k": top_k}
        found = self._pipeline.run(
            {
                "embedder": {"text": question},
                "meaning": bounds,
                "words": {"query": question, **bounds},
                "joiner": {"top_k": top_k},
            }
        )
        return [_piece(document) for document in found["joiner"]["documents"]]

    def pieces(self) -> Iterable[Piece]:
        """Return every document of the store."""
        return (_piece(document) for document in self._store.filter_documents())

    def text(self, article_id: str) -> str:
        """Return the text of a document before it was split."""
        return self._texts[article_id]

    def close(self) -> None:
        """Do nothing: the store is in memory."""


def _piece(document: Document) -> Piece:
    start = document.meta["split_idx_start"]
    return Piece((document.meta["source_id"],), document.content, start, start + len(document.content))


def open_system(variant: str, folder: Path, vectors: Path) -> Haystack:
    """Open an empty store; there is one variant."""
    return Haystack(vectors)
