"""Our own retrieval as a system of the comparison."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

from eval.bench.peers.child import Piece, log_every
from eval.bench.peers.vector_cache import CachedEmbedder
from qa import Library, Settings, read


class Ours:
    """A store in a folder, with or without vectors."""

    def __init__(self, folder: Path, embed: str, vectors: Path) -> None:
        self.versions = {"news-qa": version("news-qa")}
        self._library = Library(Settings(data_dir=folder, embed_model=embed))
        self.embedder: CachedEmbedder | None = None
        if self._library.embedder is not None:
            self.embedder = CachedEmbedder(self._library.embedder, vectors / "ours.npz", log_every(2_000))
            self._library.embedder = self.embedder  # for ingestion alone: the cache never keeps questions
        self.chunks = self.refused = 0
        self.text = cache(self._text)

    def add(self, path: Path) -> None:
        """Index the articles; return when they can be searched."""
        report = self._library.ingest(read([str(path)]))
        self.refused = len(report.refused)
        self.chunks = report.chunks

    def search(self, question: str, as_of: str | None, top_k: int) -> list[Piece]:
        """Return the best chunks; without a day they are ranked as for a question asked today."""
        found = self._library.search(question, as_of=as_of, top_k=top_k)
        return [
            Piece(
                (hit.source.article_id, *(copy.article_id for copy in hit.reprints)),
                hit.text,
                hit.span.start,
                hit.span.end,
            )
            for hit in found.hits
        ]

    def pieces(self) -> Iterable[Piece]:
        """Return nothing: our chunks are checked only when they are retrieved."""
        return ()

    def _text(self, article_id: str) -> str:
        return self._library.catalog.text("default", article_id, None).text

    def close(self) -> None:
        """Close the store."""
        self._library.close()


def open_system(variant: str, folder: Path, vectors: Path) -> Ours:
    """Open a new store; the variant is the embedder's name."""
    return Ours(folder, variant, vectors)
