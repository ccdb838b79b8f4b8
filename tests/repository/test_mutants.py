"""The list of guards cannot rot: `python -m tests.lanes.mutants` switches each off; here it is seen that it can."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.lanes.mutants import GUARDS, ROOT, Guard


def _tests_in(path: Path) -> set[str]:
    return {one.name for one in ast.parse(path.read_text(encoding="utf-8")).body if hasattr(one, "name")}


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_a_guard_stands_in_its_file_and_has_its_tests(guard: Guard) -> None:
    """Its text is there once, what takes its place is Python, and each of its tests exists."""
    assert guard.fault(ROOT) is None
    source = (ROOT / guard.file).read_text(encoding="utf-8")
    compile(source.replace(guard.text, guard.off), guard.file, "exec")
    assert guard.tests
    for one in guard.tests:
        file, _, name = one.partition("::")
        assert name in _tests_in(ROOT / file), one


def test_no_guard_is_listed_twice() -> None:
    """`--only` names one, and two guards of one name would hide one another in a report."""
    names = [one.name for one in GUARDS]
    assert len(names) == len(set(names))


def test_a_guard_that_was_rewritten_is_a_fault(tmp_path: Path) -> None:
    """Neither a text that is gone nor one that stands twice can be switched off."""
    (tmp_path / "a.py").write_text("x = 1\ny = 1\n", encoding="utf-8")
    found = [Guard("g", "a.py", text, "pass", ("t",)).fault(tmp_path) for text in ("x = 1", "= 1", "z")]
    assert found == [None, "g: its text stands 2 times in a.py", "g: its text stands 0 times in a.py"]
    guard = Guard("g", "a.py", "x = 1", "x = 2", ("t",))
    assert guard.switch_off(tmp_path) == "x = 1\ny = 1\n"
    assert (tmp_path / "a.py").read_text(encoding="utf-8") == "x = 2\ny = 1\n"
