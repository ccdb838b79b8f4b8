"""Grow one store from size to size, for `eval bench scale`: real articles, with vectors that need no embedding."""

from __future__ import annotations

import hashlib
import random
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa import Article, Embedder, Library, MiniLM, Refused, Settings, read

NOISE = 0.5  # as a share of a vector's length: a perturbed copy has cosine .89 with its original
_STEP = 256  # articles between two checks of the size
_WORD_RUN = re.compile(r"[^\W\d_]+(?: [^\W\d_]+)+")  # words with nothing but a space between them
_POOL = 1_000  # texts embedded where there is no store to borrow vectors from


class BorrowedVectors:
    """Embeds questions; gives a text the vector that a store keeps for it, else a perturbed copy of another."""

    def __init__(self, model: Embedder, shas: Sequence[bytes], vectors: NDArray[np.float32]) -> None:
        self._model = model
        self._rows = {sha: row for row, sha in enumerate(shas)}
        self._vectors = vectors
        self.real = 0
        self.perturbed = 0

    @property
    def model(self) -> str:
        """Name the real model, as whose vectors these are stored."""
        return self._model.model

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Embed a question."""
        return self._model.embed_query(text)

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return a borrowed vector for each text, the same for the same text."""
        if not len(self._vectors):
            self._vectors = self._model.embed_texts(texts[:_POOL])
            self._rows = {_sha(text): row for row, text in enumerate(texts[:_POOL])}
        return np.array([self._borrow(_sha(text)) for text in texts], np.float32)

    def _borrow(self, sha: bytes) -> NDArray[np.float32]:
        row = self._rows.get(sha)
        if row is not None:
            self.real += 1
            kept: NDArray[np.float32] = self._vectors[row]
            return kept
        self.perturbed += 1
        noise = np.random.default_rng(list(sha)).standard_normal(self._vectors.shape[1])
        vector = self._vectors[int.from_bytes(sha[:8]) % len(self._vectors)] + NOISE * noise / np.linalg.norm(noise)
        unit: NDArray[np.float32] = (vector / np.linalg.norm(vector)).astype(np.float32)
        return unit


def _sha(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def borrow_vectors(store: Path | None) -> BorrowedVectors:
    """Return an embedder with all vectors of a store; without a store, it embeds the first texts."""
    model = MiniLM()
    if store is None:
        return BorrowedVectors(model, [], np.empty((0, 0), np.float32))
    with Library(Settings(data_dir=store, embed_model="none")) as library:
        pks = library.catalog.live_pks()
        parts = (library.catalog.chunks_of(pks[at : at + _STEP]) for at in range(0, len(pks), _STEP))
        shas = list(dict.fromkeys(row.embed_sha for part in parts for row in part))
        kept = library.catalog.vectors(model.model, shas)
    found = [sha for sha in shas if sha in kept]
    return BorrowedVectors(model, found, np.array([kept[sha] for sha in found], np.float32))


@dataclass(slots=True)
class Growth:
    """What was added to a store to reach a size, and how long that took."""

    articles: int = 0
    chunks: int = 0
    seconds: float = 0.0


class GrowingStore:
    """A store that is filled from files of articles until it has a given number of chunks."""

    def __init__(self, folder: Path, paths: Sequence[str], vectors: BorrowedVectors | None) -> None:
        self._settings = Settings(data_dir=folder, embed_model="none" if vectors is None else "minilm")
        self._vectors = vectors
        self._items: Iterator[Article | Refused] = _endless(paths)

    def grow(self, size: int) -> Growth:
        """Ingest until there are `size` chunks, then close the store."""
        grown = Growth()
        began = time.perf_counter()
        with Library(self._settings) as library:
            if self._vectors is not None:
                library.embedder = self._vectors
            while (missing := size - library.catalog.count()[1]) > 0:
                # No more than may be missing: an article has about fourteen chunks.
                report = library.ingest(islice(self._items, max(1, min(_STEP, missing // 14))))
                if not (report.added or report.updated or report.unchanged or report.refused):
                    break
                grown.chunks += report.chunks
                grown.articles += report.added + report.updated
        grown.seconds = time.perf_counter() - began
        return grown


def _endless(paths: Sequence[str]) -> Iterator[Article | Refused]:
    """Yield every article, then endless shuffled copies, which are no near-duplicates: they share no sentence."""
    for copy in count():
        for article in chain.from_iterable(read([path]) for path in paths):
            yield _copied(article, copy) if copy and isinstance(article, Article) else article


def _copied(article: Article, copy: int) -> Article:
    """Return a copy under another id, with the words between punctuation marks shuffled."""
    dice = random.Random(f"{copy} {article.id}")  # not for security: the same copy each time

    def shuffle(match: re.Match[str]) -> str:
        words = match[0].split(" ")
        return " ".join(dice.sample(words, len(words)))

    # The length is unchanged, so the spans of boilerplate stay valid.
    return replace(article, id=f"{article.id}#copy-{copy}", text=_WORD_RUN.sub(shuffle, article.text))


def corpus(bench: Path) -> list[str]:
    """Return the files of articles of both years, in order."""
    return sorted(map(str, (bench / "realtimeqa_docs").glob("docs_20*.jsonl.gz")))


def disk_bytes(folder: Path) -> dict[str, int]:
    """Return the disk use of each part of a store."""
    sizes: dict[str, int] = {}
    for path in folder.rglob("*"):
        if path.is_file():
            part = path.relative_to(folder).parts[0].split("-")[0].split(".")[0]
            sizes[part] = sizes.get(part, 0) + path.stat().st_size
    return sizes
