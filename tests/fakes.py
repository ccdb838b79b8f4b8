"""Stand-ins that implement the real protocols: an embedder and a chat model."""

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence

import numpy as np

from qa import text
from qa.chat import EndPiece, Message, TextPiece
from qa.types import Article, Usage, Vectors


class HashEmbedder:
    """Count each word's stem in one of 256 places: texts that share words are near, always the same way."""

    model = "hash-256"

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        self.embedded += texts
        return np.array([self._vector(one) for one in texts], np.float32).reshape(len(texts), 256)

    def embed_query(self, text: str) -> Vectors:
        return self._vector(text)

    def _vector(self, one: str) -> Vectors:
        vector = np.full(256, 1e-6, np.float32)
        for stem in text.stems(one):
            vector[hashlib.sha256(stem.encode()).digest()[0]] += 1
        return vector / np.linalg.norm(vector)


class ScriptedChat:
    """Answer with what a function makes of the messages, piece by piece."""

    name = "scripted"

    def __init__(self, reply: Callable[[list[Message]], Sequence[str]], finish_reason: str = "stop") -> None:
        self._reply = reply
        self._finish_reason = finish_reason
        self.messages: list[Message] = []

    async def stream(
        self, messages: Sequence[Message], *, deadline: float, max_tokens: int, temperature: float = 0.0
    ) -> AsyncIterator[TextPiece | EndPiece]:
        self.messages = list(messages)
        for piece in self._reply(self.messages):
            yield TextPiece(piece)
        yield EndPiece(self._finish_reason, Usage(10, 5))

    async def aclose(self) -> None:
        pass


def article(article_id: str, body: str, **metadata: object) -> Article:
    """Return an article as the readers would."""
    return Article(id=article_id, text=text.normalise(body), source=f"{article_id}.txt", **metadata)  # type: ignore[arg-type]
