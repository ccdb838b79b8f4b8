"""The entailment judge: is all that a statement says in its evidence, and unchanged? docs/models.md is its card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qa.judges.network import FOLDER, Judge
from qa.types import Entailed

SHA256: str | None = "9479eb62cf57b2aecc0b4d2897428357fb77ef6b0fe12b24a8a6e8ee0ff41665"


class MiniLMEntailment(Judge):
    """Judge statements against their evidence. Safe to share between threads."""

    def __init__(self, *, threads: int | None = None, folder: Path = FOLDER, sha256: str | None = SHA256) -> None:
        """Use `entailment.safetensors`; `sha256` None takes any file. Raises JudgeFailed where it is not there."""
        super().__init__("entailment", sha256, threads, folder)

    def judge(self, pairs: Sequence[tuple[str, str]]) -> list[Entailed]:
        """Return for each (statement, evidence) the logits of covered and of faithful. Raises JudgeFailed."""
        _, logits, _ = self.open().run([(statement, evidence, "") for statement, evidence in pairs])
        return [Entailed(float(covered), float(faithful)) for covered, faithful in logits]
