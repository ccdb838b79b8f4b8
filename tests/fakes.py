"""Test doubles: a deterministic embedder, a scripted chat model, and a real store in a folder."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qa.llm.protocols import EndPiece, Message, TextPiece
from qa.text import stemming as text
from qa.text.normalise import normalise
from qa.types import (
    Answer,
    Article,
    Embedder,
    IngestReport,
    Passage,
    Question,
    Reading,
    Refused,
    SearchBounds,
    Source,
    Span,
    Usage,
    Vectors,
)

if TYPE_CHECKING:
    from qa.catalog.catalog import Catalog, ChunkRow
    from qa.retrieval.retriever import SearchResult


class HashEmbedder:
    """A bag-of-words embedder: hashes each stem into one of 256 dimensions, so texts that share words are near."""

    model = "hash-256"
    dimension = 256

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        self.embedded += texts
        return np.array([self._vector(body) for body in texts], np.float32).reshape(len(texts), self.dimension)

    def embed_query(self, text: str) -> Vectors:
        return self._vector(text)

    def _vector(self, body: str) -> Vectors:
        vector = np.full(self.dimension, 1e-6, np.float32)
        for stem in text.stems(body):
            vector[hashlib.sha256(stem.encode()).digest()[0]] += 1
        return vector / np.linalg.norm(vector)


class PhraseReader:
    """A reader that takes the given phrase for the answer where a sentence has it, at its last occurrence."""

    def __init__(self, *phrases: str, share: float = 0.9) -> None:
        self._phrases = phrases
        self._share = share

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        return [self._reading(passage.text) for passage in passages]

    def _reading(self, sentence: str) -> Reading:
        found = [(sentence.rfind(phrase), phrase) for phrase in self._phrases if phrase in sentence]
        start, phrase = found[0] if found else (0, "")
        return Reading(2.0 if found else -2.0, start, start + len(phrase), self._share if found else 0.0)


class ScriptedChat:
    """A chat model that streams what a function returns for the messages."""

    name = "scripted"

    def __init__(self, reply: Callable[[list[Message]], Sequence[str]], finish_reason: str = "stop") -> None:
        self._reply = reply
        self._finish_reason = finish_reason
        self.messages: list[Message] = []

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        deadline: float,
        max_tokens: int,
        temperature: float = 0.0,
        calls: int | None = None,
    ) -> AsyncIterator[TextPiece | EndPiece]:
        self.messages = list(messages)
        for piece in self._reply(self.messages):
            yield TextPiece(piece)
        yield EndPiece(self._finish_reason, Usage(10, 5))

    async def aclose(self) -> None:
        pass


def article(article_id: str, body: str, **metadata: object) -> Article:
    """Return an article as the readers would."""
    return Article(id=article_id, text=normalise(body), source=f"{article_id}.txt", **metadata)  # type: ignore[arg-type]


def live_texts(catalog: Catalog) -> dict[str, str]:
    """Return the texts that are live in the collection `default`, by id."""
    listed = [row.source.article_id for row in catalog.articles("default", 0, 99)]
    return {article_id: catalog.text("default", article_id).text for article_id in listed}


def chunk_row(key: int, body: str, day: int | None = None, collection: str = "default", **metadata: object) -> ChunkRow:
    """Return a live chunk that spans a whole article, as the catalog passes it to the indexes."""
    from qa.catalog.catalog import ChunkRow

    values = {"article_id": f"a{key}", "title": None, "outlet": None, "url": None} | metadata
    source = Source(version=1, sha256="0" * 64, published_at=None, **values)  # type: ignore[arg-type]
    span = Span(0, len(body))
    sha = hashlib.sha256(body.encode()).digest()
    return ChunkRow(key, key, 1, 0, span, body, (span,), sha, collection, source, day)


class Store:
    """A real catalog and its indexes in a folder, assembled as `wiring` does."""

    def __init__(self, folder: Path, embedder: Embedder | None = None, chroma_url: str | None = None) -> None:
        from qa.catalog.catalog import Catalog
        from qa.indexes.projections import Projections
        from qa.indexes.tantivy_index import LexicalIndex
        from qa.retrieval.retriever import Retriever

        self.embedder: Any = embedder  # Any: each test knows which embedder it passed
        self.catalog = Catalog(f"sqlite:///{folder / 'catalog.sqlite3'}")
        self.lexical = LexicalIndex(folder, self.catalog.id)
        self.vectors: Any = None
        if embedder is not None:
            from qa.indexes.chroma_index import ChromaIndex

            self.vectors = ChromaIndex(chroma_url or folder / "chroma", self.catalog.id, embedder.model)
        self.projections = Projections(self.catalog, self.lexical, self.vectors, embedder)
        self.retriever = Retriever(self.catalog, self.lexical, self.vectors, embedder, self.projections.lagging)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.lexical.close()
        if self.vectors is not None:
            self.vectors.close()
        self.catalog.close()

    def add(self, *items: Article | Refused, collection: str = "default") -> IngestReport:
        """Ingest, and update the indexes."""
        from qa.ingest.ingest import ingest

        report = ingest(items, self.catalog, self.embedder, collection=collection)
        self.projections.catch_up()
        return report

    def take_down(self, article_id: str) -> None:
        """Remove an article, and update the indexes."""
        self.catalog.remove("default", article_id)
        self.projections.catch_up()

    def found(self, question: str, **options: object) -> list[str]:
        """Return the ids of the articles that a search finds, best first."""
        return [hit.source.article_id for hit in self.search(question, top_k=50, **options).hits]

    def search(self, question: str, *, as_of: str | None = None, **options: object) -> SearchResult:
        """Search as of today, or of `as_of`; `options` are the other search bounds."""
        from qa.retrieval.retriever import day_asked

        return self.retriever.search(question, SearchBounds(day_asked(as_of), **options))  # type: ignore[arg-type]

    def ask(self, question: str) -> Answer:
        """Answer without a model."""
        from qa.answering.answerer import Answerer
        from qa.llm.prompts import load_prompts
        from qa.retrieval.sentence_ranker import EvidenceRanker

        ranker = EvidenceRanker(self.lexical, self.embedder)
        answerer = Answerer(self.catalog, self.retriever, ranker, None, load_prompts(None), embedder=self.embedder)
        return asyncio.run(answerer.ask(Question(question)))

    def word_hits(self, question: str) -> list[str]:
        """Return the chunk texts that the word index alone finds; one that is no longer live is given as `stale`."""
        places = [hit.place for hit in self.lexical.search(text.stems(question), "default", (), 50)]
        rows = {(row.article, row.version, row.ordinal): row for row in self.catalog.chunks_at(places)}
        return [rows[place].text if place in rows else "stale" for place in places]

    def problems(self) -> list[str]:
        """Return the problems that `verify` finds, and which indexes are behind."""
        return [
            problem
            for state in self.projections.verify()
            for problem in (*state.problems, *([f"{state.name} is behind"] if state.behind else []))
        ]
