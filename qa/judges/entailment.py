"""The entailment judge: is all that a statement says in its evidence, and unchanged? docs/models.md is its card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qa.judges.network import FOLDER, check_installed, open_network
from qa.types import Entailed

# No file is shipped: on the blind set it accepted 27 of 100 false statements, and 25 were the most that would do
# (docs/verification.md). `make train-entailment` and eval/training/export.py make one.
SHA256: str | None = None


class MiniLMEntailment:
    """Judge statements against their evidence. Safe to share between threads."""

    def __init__(self, *, threads: int | None = None, folder: Path = FOLDER, sha256: str | None = SHA256) -> None:
        """Use `entailment.safetensors` of the folder, which is opened when it is needed; `sha256` None takes any file.

        Raises JudgeFailed where it is not there.
        """
        check_installed("entailment", folder)
        self._which = ("entailment", sha256, threads, folder)

    def open(self) -> None:
        """Open the network now, once for a process. Raises JudgeFailed where the file is damaged."""
        open_network(*self._which)

    def judge(self, pairs: Sequence[tuple[str, str]]) -> list[Entailed]:
        """Return for each (statement, evidence) the logits of covered and of faithful. Raises JudgeFailed."""
        network = open_network(*self._which)
        _, logits, _ = network.run([(statement, evidence, "") for statement, evidence in pairs])
        return [Entailed(float(covered), float(faithful)) for covered, faithful in logits]
