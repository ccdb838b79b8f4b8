"""Our own retrieval as one of the systems that are compared."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

from eval.bench.peers.child import Piece, tell_every
from eval.bench.peers.vector_cache import KeptEmbedder
from qa import Library, Settings, read


class Ours:
    """A store in a folder, with words alone or with vectors too."""

    def __init__(self, folder: Path, embed: str, vectors: Path) -> None:
        self.versions = {"news-qa": version("news-qa")}
        self._library = Library(Settings(data_dir=folder, embed_model=embed))
        self.embedder: KeptEmbedder | None = None
        if self._library.embedder is not None:
            self.embedder = KeptEmbedder(self._library.embedder, vectors / "ours.npz", tell_every(2_000))
            self._library.embedder = self.embedder  # for ingestion; questions go to the model itself
        self.chunks = self.refused = 0
        self.text = cache(self._text)

    def add(self, path: Path) -> None:
        """Take the articles in, until they can be searched."""
        report = self._library.ingest(read([str(path)]))
        self.refused = len(report.refused)
        self.chunks = report.chunks

    def search(self, question: str, as_of: str | None, top_k: int) -> list[Piece]:
        """Return the best chunks; without a day they are ranked as for a question of today."""
        found = self._library.search(question, as_of=as_of, top_k=top_k)
        return [
            Piece(
                (hit.source.article_id, *(one.article_id for one in hit.reprints)),
                hit.text,
                hit.span.start,
                hit.span.end,
            )
            for hit in found.hits
        ]

    def pieces(self) -> Iterable[Piece]:
        """Return nothing: chunks are looked at as they are found."""
        return ()

    def _text(self, article_id: str) -> str:
        return self._library.catalog.text("default", article_id, None).text

    def close(self) -> None:
        """Close the store."""
        self._library.close()


def open_system(variant: str, folder: Path, vectors: Path) -> Ours:
    """Open a new store; the variant is the embedder's name."""
    return Ours(folder, variant, vectors)
