"""A cache of question vectors: each is needed to find chunks and again to rank sentences."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from qa.types import Embedder, Vectors

_SIZE = 64


class QueryMemo:
    """Wrap an embedder and embed each question once. The vectors are shared: do not write into them."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._query = lru_cache(maxsize=_SIZE)(embedder.embed_query)  # failures are not cached

    @property
    def model(self) -> str:
        """Name the model of the wrapped embedder."""
        return self._embedder.model

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Return one row for each text, shape (n, dimension). Raises EmbeddingFailed."""
        return self._embedder.embed_texts(texts)

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of a question, shape (dimension,). Raises EmbeddingFailed."""
        return self._query(text)
