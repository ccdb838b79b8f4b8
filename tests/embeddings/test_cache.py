"""The cache of question vectors embeds each question once."""

import numpy as np
import pytest

from qa.embeddings.cache import QueryMemo
from qa.errors import EmbeddingFailed
from qa.library import Library
from qa.settings import Settings
from qa.types import Question, Vectors
from tests.fakes import HashEmbedder, article


class Counting(HashEmbedder):
    """Record the embedded questions; fail on the first if told to."""

    def __init__(self, failing: bool = False) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.failing = failing

    def embed_query(self, text: str) -> Vectors:
        self.asked.append(text)
        if self.failing and len(self.asked) == 1:
            raise EmbeddingFailed("away")
        return super().embed_query(text)


def test_a_question_is_embedded_once() -> None:
    """The same text gives the same vector, another is embedded; emoji and accents are different texts."""
    counting = Counting()
    memo = QueryMemo(counting)
    for text in ("When 🚢?", "When 🚢?", "When?", "Cafe\u0301?", "Café?", "When 🚢?"):
        assert np.array_equal(memo.embed_query(text), HashEmbedder().embed_query(text))
    assert counting.asked == ["When 🚢?", "When?", "Cafe\u0301?", "Café?"]


def test_a_failure_is_not_remembered() -> None:
    """Once an embedding server is back, it is called again."""
    memo = QueryMemo(Counting(failing=True))
    with pytest.raises(EmbeddingFailed):
        memo.embed_query("When?")
    assert memo.embed_query("When?").shape == HashEmbedder().embed_query("When?").shape


async def test_finding_and_ranking_share_it(tmp_path, monkeypatch) -> None:
    """A whole answer embeds its question once."""
    counting = Counting()
    monkeypatch.setattr("qa.wiring.build_embedder", lambda settings: counting)
    with Library(Settings.model_validate({"data_dir": tmp_path / "store"})) as library:
        library.ingest([article("a", "The ferry stops in May. Nobody was told.")])
        await library.answerer().ask(Question("When does the ferry stop?"))
    assert counting.asked == ["When does the ferry stop?"]
