"""Embedding adapters for LlamaIndex: our embedder as a LlamaIndex embedding, and any LlamaIndex embedding as ours.

Nothing here reads or sets LlamaIndex's global `Settings`; every embedding is passed in.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import httpx
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import PrivateAttr

from qa.embeddings.checks import checked_vectors
from qa.errors import BadSettings, EmbeddingFailed
from qa.types import Embedder, Vectors

# What embedding plug-ins raise when their server or their input fails. If a vendor's errors derive from none of these
# (openai's do not), the caller passes them as `failures`.
COMMON_FAILURES: tuple[type[Exception], ...] = (
    OSError,
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    httpx.HTTPError,
)


class MiniLMEmbedding(BaseEmbedding):
    """Adapt one of our embedders to LlamaIndex: `MiniLMEmbedding(MiniLM())`."""

    _embedder: Embedder = PrivateAttr()

    def __init__(self, embedder: Embedder, *, embed_batch_size: int = 256) -> None:
        super().__init__(model_name=embedder.model, embed_batch_size=embed_batch_size)
        self._embedder = embedder

    @classmethod
    def class_name(cls) -> str:
        """Name the class for LlamaIndex."""
        return "MiniLMEmbedding"

    def _get_query_embedding(self, query: str) -> list[float]:
        vector: list[float] = self._embedder.embed_query(query).tolist()
        return vector

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        vectors: list[list[float]] = self._embedder.embed_texts(texts).tolist()
        return vectors

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await asyncio.to_thread(self._get_query_embedding, query)

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return await asyncio.to_thread(self._get_text_embedding, text)

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return await asyncio.to_thread(self._get_text_embeddings, texts)


class LlamaIndexEmbedder:
    """Adapt any LlamaIndex embedding to our Embedder protocol; its vectors are checked and made unit length."""

    def __init__(
        self,
        embedding: BaseEmbedding,
        *,
        model: str | None = None,
        failures: tuple[type[Exception], ...] = (),
    ) -> None:
        name = model or embedding.model_name
        if not name or name == "unknown":  # LlamaIndex's default: two such models would share their stored vectors
            raise BadSettings(f"{type(embedding).__name__} does not name its model: pass model=")
        self._embedding = embedding
        self._model = name
        self._failures = (*COMMON_FAILURES, *failures)
        self._dimension: int | None = None
        self._lock = threading.Lock()  # guards _dimension alone

    @property
    def model(self) -> str:
        """Name the model."""
        return self._model

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Return one row for each text, in order, float32, unit length."""
        if not texts:
            return checked_vectors([], 0, self._dimension, self._model)
        try:
            rows = self._embedding.get_text_embedding_batch(list(texts))
        except self._failures as exc:
            raise EmbeddingFailed(f"{self._model}: {type(exc).__name__}: {exc}") from exc
        return self._check(rows, len(texts))

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of a query."""
        try:
            row = self._embedding.get_query_embedding(text)
        except self._failures as exc:
            raise EmbeddingFailed(f"{self._model}: {type(exc).__name__}: {exc}") from exc
        vector: Vectors = self._check([row], 1)[0]
        return vector

    def _check(self, rows: Sequence[Sequence[float]], n: int) -> Vectors:
        """Check against the dimension of the first valid reply."""
        if not isinstance(rows, Sequence):
            raise EmbeddingFailed(f"{self._model}: expected {n} vectors, got {type(rows).__name__}")
        with self._lock:
            vectors = checked_vectors(rows, n, self._dimension, self._model)
            self._dimension = vectors.shape[1]
        return vectors
