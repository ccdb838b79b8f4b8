"""The reader: does a sentence answer a question, and where in it is the answer? docs/models.md is its card."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from qa.judges.network import FOLDER, Judge, Logits
from qa.judges.sequence import TokenRow
from qa.types import Passage, Reading

SHA256 = "526e08765c5eb1b728802eb8872a49af306853f4ab1a59a1d4dc9f2264fb2d59"
_LONGEST = 30  # tokens of a short answer
_CACHED = 8_192  # readings, 200 bytes and their texts each


class MiniLMReader(Judge):
    """Read sentences for a question. Safe to share between threads."""

    def __init__(self, *, threads: int | None = None, folder: Path = FOLDER, sha256: str | None = SHA256) -> None:
        """Use `reader.safetensors`; `sha256` None takes any file. Raises JudgeFailed where it is not there."""
        super().__init__("reader", sha256, threads, folder)
        # The same question is asked again over the same story, and the conflicts read what the answer has read.
        self._cache: dict[tuple[str, Passage], Reading] = {}
        self._lock = threading.Lock()

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        """Return what each passage says to the question, in order. Raises JudgeFailed."""
        with self._lock:
            readings = {passage: self._cache.get((question, passage)) for passage in passages}
        missing = [passage for passage, reading in readings.items() if reading is None]
        if missing:
            pairs = [(question, each.text, each.title) for each in missing]
            rows, logits, tokens = self.open().run(pairs)
            for passage, row, logit, ends in zip(missing, rows, logits, tokens, strict=True):
                readings[passage] = _reading(row, float(logit[0]), ends)
            with self._lock:
                self._cache |= {(question, passage): reading for passage in missing if (reading := readings[passage])}
                for oldest in list(self._cache)[: max(0, len(self._cache) - _CACHED)]:
                    del self._cache[oldest]
        return [reading for passage in passages if (reading := readings[passage])]


def _reading(row: TokenRow, logit: float, ends: Logits) -> Reading:
    """Return the likeliest answer among the text's tokens, as its characters."""
    inside = ends[row.text_start : row.text_start + len(row.offsets)]
    if not len(inside):  # nothing that the tokenizer can read
        return Reading(logit, 0, 0, 0.0)
    first, last = likeliest_span(inside)
    log_sums = _log_sum(inside[:, 0]) + _log_sum(inside[:, 1])
    share = float(np.exp(inside[first, 0] + inside[last, 1] - log_sums))
    return Reading(logit, row.offsets[first][0], row.offsets[last][1], share)


def likeliest_span(ends: Logits) -> tuple[int, int]:
    """Return the first and the last token of the likeliest answer, from the logits of both ends, shape (tokens, 2)."""
    sums = ends[:, :1] + ends[:, 1]
    allowed = np.triu(np.ones_like(sums, dtype=bool)) & ~np.triu(np.ones_like(sums, dtype=bool), _LONGEST)
    first, last = divmod(int(np.where(allowed, sums, -np.inf).argmax()), len(ends))
    return first, last


def _log_sum(values: Logits) -> float:
    peak = float(values.max())
    return peak + float(np.log(np.exp(values - peak).sum()))
