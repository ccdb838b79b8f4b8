"""Grow one store from size to size, for `eval bench scale`: real articles, with vectors that cost no embedding."""

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

NOISE = 0.5  # of a vector's length: a perturbed copy has cosine .89 with its original
_STEP = 256  # articles between two looks at the size
_RUN = re.compile(r"[^\W\d_]+(?: [^\W\d_]+)+")  # words with nothing but a space between them
_POOL = 1_000  # texts that are embedded where no store lends its vectors


class LentVectors:
    """Give a text the vector that a store keeps for it, else a perturbed copy of another's; questions are embedded."""

    def __init__(self, model: Embedder, shas: Sequence[bytes], vectors: NDArray[np.float32]) -> None:
        self._model = model
        self._rows = {sha: row for row, sha in enumerate(shas)}
        self._vectors = vectors
        self.real = 0
        self.perturbed = 0

    @property
    def model(self) -> str:
        """Name the real model: the vectors are kept as its own."""
        return self._model.model

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Embed a question."""
        return self._model.embed_query(text)

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return a lent vector for each text: the same text always has the same."""
        if not len(self._vectors):
            self._vectors = self._model.embed_texts(texts[:_POOL])
            self._rows = {_sha(text): row for row, text in enumerate(texts[:_POOL])}
        return np.array([self._lend(_sha(text)) for text in texts], np.float32)

    def _lend(self, sha: bytes) -> NDArray[np.float32]:
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


def lend_from(store: Path | None) -> LentVectors:
    """Read all vectors of a store with the embedded model; without a store the first texts are embedded."""
    model = MiniLM()
    if store is None:
        return LentVectors(model, [], np.empty((0, 0), np.float32))
    with Library(Settings(data_dir=store, embed_model="none")) as library:
        pks = library.catalog.live_pks()
        parts = (library.catalog.chunks_of(pks[at : at + _STEP]) for at in range(0, len(pks), _STEP))
        shas = list(dict.fromkeys(row.embed_sha for part in parts for row in part))
        kept = library.catalog.vectors(model.model, shas)
    found = [sha for sha in shas if sha in kept]
    return LentVectors(model, found, np.array([kept[sha] for sha in found], np.float32))


@dataclass(slots=True)
class Grown:
    """What growing a store to a size took, counted from the size before."""

    articles: int = 0
    chunks: int = 0
    seconds: float = 0.0


class Growing:
    """A store that is filled from files of articles until it has a number of chunks."""

    def __init__(self, folder: Path, paths: Sequence[str], lent: LentVectors | None) -> None:
        self._settings = Settings(data_dir=folder, embed_model="none" if lent is None else "minilm")
        self._lent = lent
        self._items: Iterator[Article | Refused] = _endless(paths)

    def grow(self, size: int) -> Grown:
        """Fill up to `size` chunks. The store is closed afterwards."""
        grown = Grown()
        began = time.perf_counter()
        with Library(self._settings) as library:
            if self._lent is not None:
                library.embedder = self._lent
            while (missing := size - library.catalog.count()[1]) > 0:
                # No more than what may be missing: an article has some fourteen chunks.
                report = library.ingest(islice(self._items, max(1, min(_STEP, missing // 14))))
                if not (report.added or report.updated or report.unchanged or report.refused):
                    break
                grown.chunks += report.chunks
                grown.articles += report.added + report.updated
        grown.seconds = time.perf_counter() - began
        return grown


def _endless(paths: Sequence[str]) -> Iterator[Article | Refused]:
    """Yield every article, then copies of them all again and again, which no sentence gives away as reprints."""
    for copy in count():
        for one in chain.from_iterable(read([path]) for path in paths):
            yield _copied(one, copy) if copy and isinstance(one, Article) else one


def _copied(one: Article, copy: int) -> Article:
    """Return an article with the same words, in another order between two marks of punctuation, under another id."""
    dice = random.Random(f"{copy} {one.id}")  # no secret: the same copy each time

    def shuffle(run: re.Match[str]) -> str:
        words = run[0].split(" ")
        return " ".join(dice.sample(words, len(words)))

    # As long as before, so furniture keeps its place.
    return replace(one, id=f"{one.id}#copy-{copy}", text=_RUN.sub(shuffle, one.text))


def corpus(bench: Path) -> list[str]:
    """Return the articles of both years, in order."""
    return sorted(map(str, (bench / "realtimeqa_docs").glob("docs_20*.jsonl.gz")))


def disk_bytes(folder: Path) -> dict[str, int]:
    """Return what each part of a store takes on disk."""
    sizes: dict[str, int] = {}
    for one in folder.rglob("*"):
        if one.is_file():
            part = one.relative_to(folder).parts[0].split("-")[0].split(".")[0]
            sizes[part] = sizes.get(part, 0) + one.stat().st_size
    return sizes
