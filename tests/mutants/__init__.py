"""The guards of the project, each with the tests that must fail without it."""

from __future__ import annotations

from pathlib import Path

from tests.mutants import answers, inputs, service, stores
from tests.mutants.guard import Guard, NotFound

__all__ = ["GUARDS", "ROOT", "Guard", "NotFound"]

ROOT = next(folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").is_file())
GUARDS: tuple[Guard, ...] = (*answers.GUARDS, *stores.GUARDS, *service.GUARDS, *inputs.GUARDS)
