"""The guards of the project, each with the tests that must fail without it."""

from __future__ import annotations

from pathlib import Path

from tests.mutants import answers, inputs, service, stores
from tests.mutants.guard import Guard

__all__ = ["GUARDS", "ROOT", "Guard"]

ROOT = Path(__file__).resolve().parents[2]
GUARDS: tuple[Guard, ...] = (*answers.GUARDS, *stores.GUARDS, *service.GUARDS, *inputs.GUARDS)
