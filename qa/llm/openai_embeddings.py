"""Client for embedding models behind OpenAI-compatible servers."""

from __future__ import annotations

import time
from collections.abc import Sequence

import httpx2
import numpy as np
import openai
from tenacity import Retrying

from qa.errors import EmbeddingFailed, ModelBroken, ModelFailed
from qa.llm.openai_faults import CAUGHT, address_of, forget_ambient_account, retry_policy, translate
from qa.llm.openai_stream import read_vectors
from qa.llm.protocols import ModelSettings
from qa.types import Vectors

_BATCH = 64
_MAX_VECTOR_BYTES = 64_000_000


class EmbeddingServer:
    """An Embedder that calls an OpenAI-compatible embeddings endpoint."""

    def __init__(self, settings: ModelSettings, timeout_s: float = 60.0) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self._where, url = address_of(settings.base_url)
        self._client = openai.OpenAI(
            base_url=url,
            api_key=settings.api_key or "none",
            max_retries=0,
            http_client=openai.DefaultHttpxClient(follow_redirects=False),
        )
        forget_ambient_account(self._client, settings.base_url)
        self._dimension: int | None = None

    @property
    def model(self) -> str:
        """Name the model; vectors are stored under it."""
        return f"openai:{self._settings.model}"

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Return one row for each text, shape (n, dimension), float32, unit length. Raises EmbeddingFailed."""
        blank = next((position for position, text in enumerate(texts) if not text.strip()), None)
        if blank is not None:
            raise EmbeddingFailed(f"text {blank} of {len(texts)} is blank")
        batches = [self._batch(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        return np.concatenate(batches) if batches else np.zeros((0, self._dimension or 0), np.float32)

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of a query, shape (dimension,). Raises EmbeddingFailed."""
        vector: Vectors = self.embed_texts([text])[0]
        return vector

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _batch(self, texts: Sequence[str]) -> Vectors:
        deadline = time.monotonic() + self._timeout_s
        try:
            for attempt in Retrying(**retry_policy(self._settings, deadline), sleep=time.sleep):
                with attempt:
                    rows = self._fetch(texts, deadline)
        except ModelFailed as exc:
            raise EmbeddingFailed(str(exc)) from exc
        return self._checked(rows, len(texts))

    def _fetch(self, texts: Sequence[str], deadline: float) -> list[list[float]]:
        left = max(0.01, deadline - time.monotonic())
        timeout = httpx2.Timeout(left, connect=min(left, self._settings.connect_timeout_s))
        body = bytearray()
        try:
            with self._client.embeddings.with_streaming_response.create(
                model=self._settings.model, input=list(texts), encoding_format="float", timeout=timeout
            ) as response:
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > _MAX_VECTOR_BYTES:
                        raise ModelBroken(f"{self._where} sent more than {_MAX_VECTOR_BYTES} bytes")
                    if time.monotonic() > deadline:  # the read timeout alone lets a trickle go on for ever
                        raise TimeoutError
            return read_vectors(bytes(body), len(texts))
        except CAUGHT as exc:
            raise translate(exc, self._where) from exc

    def _checked(self, rows: list[list[float]], count: int) -> Vectors:
        sizes = {len(row) for row in rows}
        size = self._dimension or next(iter(sizes), 0)
        if sizes != {size} or size == 0:
            raise EmbeddingFailed(f"{self._where} sent vectors of {sorted(sizes)} numbers, wanted {size or 'some'}")
        vectors = np.asarray(rows, dtype=np.float64).reshape(count, size)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not (lengths > 0).all():
            raise EmbeddingFailed(f"{self._where} sent a vector that is not finite, or all zero")
        self._dimension = size
        unit: Vectors = (vectors / lengths).astype(np.float32)
        return unit
