"""A file cache of vectors by the hash of their text, with the time each took, so that a second run is quick."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa import Embedder
from qa.types import Vectors

_BATCH = 512  # texts embedded between two progress reports
_SAVE_EVERY = 1024  # new texts, so that little is lost when a run is interrupted

Seconds = NDArray[np.float32]  # (wall clock, processor time)


class CachedEmbedder:
    """Embeds each text once; a cache hit counts the time that embedding the text took when it was missed.

    `cost` is therefore the cost of embedding everything, in the first run and in later ones. `inside` is the time that
    this process spent here: subtract it from a measurement around the calls.
    """

    def __init__(self, embedder: Embedder, path: Path, progress: Callable[[int], None] = lambda texts: None) -> None:
        self._embedder = embedder
        self._path = path.with_name(f"{path.stem}-{embedder.model.replace('/', '-')}.npz")
        self._progress = progress
        self._rows: dict[bytes, tuple[Vectors, Seconds]] = {}
        self._unsaved = 0
        self.cost = np.zeros(2)
        self.inside = np.zeros(2)
        self.texts = 0
        self._load()

    @property
    def model(self) -> str:
        """Name the model."""
        return self._embedder.model

    def embed_query(self, text: str) -> Vectors:
        """Return the vector of a query; it is never cached, since questions are timed."""
        return self._embedder.embed_query(text)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Return one row for each text, in order."""
        began = _clocks()
        keys = [hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._rows}
        for start in range(0, len(missing), _BATCH):
            self._embed(dict(list(missing.items())[start : start + _BATCH]))
        found = [self._rows[key] for key in keys]
        self.texts += len(texts)
        self.cost += np.sum([seconds for _, seconds in found], axis=0)
        self._progress(self.texts)
        self.inside += _clocks() - began
        return np.stack([vector for vector, _ in found])

    def save(self) -> None:
        """Write the file if there are vectors that it lacks."""
        if not self._unsaved:
            return
        partial = self._path.with_suffix(".part.npz")
        np.savez(
            partial,
            keys=np.frombuffer(b"".join(self._rows), dtype=np.uint8).reshape(-1, 32),
            vectors=np.stack([vector for vector, _ in self._rows.values()]),
            seconds=np.stack([seconds for _, seconds in self._rows.values()]),
        )
        partial.replace(self._path)  # a run that is killed here leaves the old file whole
        self._unsaved = 0

    def _embed(self, batch: dict[bytes, str]) -> None:
        began = _clocks()
        vectors = self._embedder.embed_texts(list(batch.values()))
        share = ((_clocks() - began) / len(batch)).astype(np.float32)
        self._rows.update((key, (vector, share)) for key, vector in zip(batch, vectors, strict=True))
        self._unsaved += len(batch)
        if self._unsaved >= _SAVE_EVERY:
            self.save()

    def _load(self) -> None:
        if not self._path.exists():
            return
        with np.load(self._path) as file:
            keys, vectors, seconds = file["keys"], file["vectors"], file["seconds"]
        self._rows = {bytes(keys[at]): (vectors[at], seconds[at]) for at in range(len(keys))}


def _clocks() -> NDArray[np.float64]:
    return np.array([time.perf_counter(), time.process_time()])
