"""The entailment judge: is all that a statement says in its evidence, and unchanged? docs/models.md is its card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qa.judges.network import FOLDER, JudgeNetwork
from qa.types import Entailed

SHA256 = ""


class MiniLMEntailment:
    """Judge statements against their evidence. Safe to share between threads."""

    def __init__(self, *, threads: int | None = None, folder: Path = FOLDER, sha256: str | None = SHA256) -> None:
        """Open `entailment.safetensors` of the folder. Raises JudgeFailed; `sha256` None takes any file."""
        self._network = JudgeNetwork("entailment", sha256, threads=threads, folder=folder)

    def judge(self, pairs: Sequence[tuple[str, str]]) -> list[Entailed]:
        """Return for each (statement, evidence) the logits of covered and of faithful. Raises JudgeFailed."""
        _, logits, _ = self._network.run([(statement, evidence, "") for statement, evidence in pairs])
        return [Entailed(float(covered), float(faithful)) for covered, faithful in logits]
