"""The vectors of the last questions: each is needed to find chunks and again to rank sentences."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from qa.types import Embedder, Vectors

_KEPT = 64


class QueryMemo:
    """Embed as the embedder behind it does, each question once. Its vectors are shared: nobody writes into them."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._query = lru_cache(maxsize=_KEPT)(embedder.embed_query)  # what raises is not kept

    @property
    def model(self) -> str:
        """Name the model behind."""
        return self._embedder.model

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Return one row a text, shape (n, dimension). Raises EmbeddingFailed."""
        return self._embedder.embed_texts(texts)

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of a question, shape (dimension,). Raises EmbeddingFailed."""
        return self._query(text)
