"""Mutation tests: the guards of the project, each with the tests that must fail without it."""

from __future__ import annotations

from tests import ROOT
from tests.lanes.mutants import answers, inputs, service, stores
from tests.lanes.mutants.guard import Guard, NotFound

__all__ = ["GUARDS", "ROOT", "Guard", "NotFound"]

GUARDS: tuple[Guard, ...] = (*answers.GUARDS, *stores.GUARDS, *service.GUARDS, *inputs.GUARDS)
