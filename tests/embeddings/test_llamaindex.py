"""Vectors from LlamaIndex embeddings are validated, and LlamaIndex's global settings stay untouched."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import numpy as np
import pytest
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import Field

from qa.embeddings.checks import checked_vectors
from qa.embeddings.llamaindex import LlamaIndexEmbedder, MiniLMEmbedding
from qa.errors import BadSettings, EmbeddingFailed
from qa.types import Vectors
from tests import ROOT

NAN, INF = float("nan"), float("inf")


def test_rows_are_made_unit_length() -> None:
    """Whatever its scale, a row keeps its direction and gets length 1, as float32."""
    vectors = checked_vectors([[3.0, 4.0], [0.0, -2.0], [3e200, 4e200], [3e-200, 4e-200], [6, 8]], 5, 2, "m")
    assert vectors.dtype == np.float32
    expected = [[0.6, 0.8], [0, -1], [0.6, 0.8], [0.6, 0.8], [0.6, 0.8]]
    assert np.abs(vectors - np.array(expected)).max() < 1e-6


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1.0, 0.0]], "m: expected 2 vectors, got 1"),
        ([[1.0, 0.0]] * 3, "m: expected 2 vectors, got 3"),
        ([], "m: expected 2 vectors, got 0"),
        ([[1.0, 0.0], [1.0]], "m: vector 1: expected dimension 2, got 1"),
        ([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]], "m: vector 0: expected dimension 2, got 3"),
        ([[1.0, 0.0], [NAN, 1.0]], "m: vector 1: expected finite numbers, got nan at 0"),
        ([[1.0, -INF], [1.0, 1.0]], "m: vector 0: expected finite numbers, got -inf at 1"),
        ([[1.0, 0.0], [0.0, -0.0]], "m: vector 1: expected a direction, got only zeros"),
        ([[1.0, 0.0], None], "m: vector 1: expected a list of numbers, got None"),
        ([[1.0, 0.0], ["1", "2"]], "m: vector 1: expected a list of numbers"),
        ([[1.0, 0.0], [[1.0], [1.0, 2.0]]], "m: vector 1: expected a list of numbers"),
        ([[1.0, 0.0], []], "m: vector 1: expected a list of numbers"),
        ([[1.0, 0.0], [True, False]], "m: vector 1: expected a list of numbers"),
    ],
)
def test_nonsense_is_refused_by_name(rows: Any, message: str) -> None:
    """The error says which vector, what was expected and what came."""
    with pytest.raises(EmbeddingFailed) as raised:
        checked_vectors(rows, 2, 2, "m")
    assert str(raised.value).startswith(message)


def test_without_a_dimension_the_first_row_sets_it() -> None:
    """Later rows must follow the first."""
    assert checked_vectors([[1.0, 0.0, 0.0]], 1, None, "m").shape == (1, 3)
    assert checked_vectors([], 0, 7, "m").shape == (0, 7)
    with pytest.raises(EmbeddingFailed, match="expected dimension 3, got 2"):
        checked_vectors([[1.0, 0.0, 0.0], [1.0, 0.0]], 2, None, "m")


class Scripted(BaseEmbedding):
    """Answer with the rows it was given, or raise."""

    rows: list[Any] = Field(default_factory=list)
    error: Any = None

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        if self.error is not None:
            raise self.error
        return self.rows

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


def test_any_llamaindex_embedding_serves() -> None:
    """Texts come back as unit rows in order, a query as one row."""
    embedder = LlamaIndexEmbedder(Scripted(model_name="s", rows=[[2.0, 0.0], [0.0, 5.0]]))
    assert embedder.model == "s"
    assert embedder.embed_texts(["a 🙂", "b"]).tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert embedder.embed_query("a").tolist() == [1.0, 0.0]
    assert embedder.embed_texts([]).shape == (0, 2)


def test_more_texts_than_a_batch_keep_their_order() -> None:
    """LlamaIndex splits texts into batches; the rows are still in order."""

    class Counting(Scripted):
        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            return [[float(text), 1.0] for text in texts]

    vectors = LlamaIndexEmbedder(Counting(model_name="c", embed_batch_size=3)).embed_texts([str(n) for n in range(8)])
    assert (vectors[:, 0] / vectors[:, 1]).tolist() == pytest.approx(list(range(8)))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1.0, 2.0]], "expected 2 vectors, got 1"),
        ([[1.0, 2.0], [1.0]], "expected dimension 2, got 1"),
        ([[1.0, 2.0], [NAN, 1.0]], "got nan"),
        ([[1.0, 2.0], [0.0, 0.0]], "only zeros"),
    ],
)
def test_a_model_that_answers_nonsense_is_refused(rows: list[Any], message: str) -> None:
    """A plug-in's bad answer never becomes a stored vector."""
    with pytest.raises(EmbeddingFailed, match=message):
        LlamaIndexEmbedder(Scripted(model_name="s", rows=rows)).embed_texts(["a", "b"])


def test_a_dimension_may_not_change_between_calls() -> None:
    """A server that swaps its model under us is noticed, and a refused answer does not set the dimension."""
    scripted = Scripted(model_name="s", rows=[[NAN, 1.0, 1.0]])
    embedder = LlamaIndexEmbedder(scripted)
    with pytest.raises(EmbeddingFailed):
        embedder.embed_query("a")
    scripted.rows = [[1.0, 2.0]]
    embedder.embed_query("a")
    scripted.rows = [[1.0, 2.0, 3.0]]
    with pytest.raises(EmbeddingFailed, match="expected dimension 2, got 3"):
        embedder.embed_texts(["a"])


class VendorError(Exception):
    """An error that derives from none of the common exceptions, like openai's."""


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("no route"), TimeoutError("slow"), ValueError("bad"), VendorError("quota")]
)
def test_a_failing_plugin_is_an_embedding_failure(error: Exception) -> None:
    """Its error is named and kept as the cause, for texts and for queries."""
    embedder = LlamaIndexEmbedder(Scripted(model_name="s", error=error), failures=(VendorError,))
    calls: list[Callable[[], Vectors]] = [lambda: embedder.embed_texts(["a"]), lambda: embedder.embed_query("a")]
    for call in calls:
        with pytest.raises(EmbeddingFailed, match=type(error).__name__) as raised:
            call()
        assert raised.value.__cause__ is error


def test_a_nameless_model_is_refused() -> None:
    """Vectors are stored under the model's name; two unknown models must not share them."""
    with pytest.raises(BadSettings, match="Scripted does not name its model"):
        LlamaIndexEmbedder(Scripted())
    assert LlamaIndexEmbedder(Scripted(), model="mine").model == "mine"


class LetterEmbedder:
    """Embed a text as its counts of a and b."""

    model = "letters"

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        return np.array([[text.count("a"), text.count("b")] for text in texts], dtype=np.float32)

    def embed_query(self, text: str) -> Vectors:
        vector: Vectors = self.embed_texts([text])[0]
        return vector


def test_our_embedder_serves_llamaindex() -> None:
    """Text, batch and query, each also async, give the embedder's own rows as lists."""
    embedding = MiniLMEmbedding(LetterEmbedder())
    assert embedding.model_name == "letters"
    assert embedding.get_text_embedding("aab") == [2.0, 1.0]
    assert embedding.get_query_embedding("b") == [0.0, 1.0]
    assert embedding.get_text_embedding_batch(["a", "bb"]) == [[1.0, 0.0], [0.0, 2.0]]
    assert asyncio.run(embedding.aget_text_embedding("ab")) == [1.0, 1.0]
    assert asyncio.run(embedding.aget_query_embedding("ab")) == [1.0, 1.0]
    assert asyncio.run(embedding.aget_text_embedding_batch(["b", "a"])) == [[0.0, 1.0], [1.0, 0.0]]


def test_batches_reach_our_embedder_whole() -> None:
    """A hundred texts are one call, not a hundred."""
    calls: list[int] = []

    class Counting(LetterEmbedder):
        def embed_texts(self, texts: Sequence[str]) -> Vectors:
            calls.append(len(texts))
            return super().embed_texts(texts)

    MiniLMEmbedding(Counting()).get_text_embedding_batch(["a"] * 100)
    assert calls == [100]


def test_global_settings_stay_untouched() -> None:
    """Using both directions leaves LlamaIndex's process-wide Settings as it found them: empty."""
    code = (
        "from llama_index.core import Settings\n"
        "from tests.embeddings.test_llamaindex import LetterEmbedder\n"
        "from qa.embeddings.llamaindex import LlamaIndexEmbedder, MiniLMEmbedding\n"
        "LlamaIndexEmbedder(MiniLMEmbedding(LetterEmbedder())).embed_texts(['a', 'b'])\n"
        "print({name: value for name, value in vars(Settings).items() if value is not None})\n"
    )
    root = ROOT
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "{}"
