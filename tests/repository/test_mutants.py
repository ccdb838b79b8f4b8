"""Every guard of the mutation lane (`python -m tests.lanes.mutants`) still matches its code and its tests."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.lanes.mutants import GUARDS, ROOT, Guard, NotFound

SOURCE = """
class Door:
    limit: int = 3

    def shut(self, keys):
        if self.locked and keys:
            raise Closed(f"the door is shut to {keys}")
        knock(times=3, loud=True)


def shut(keys):
    return len(keys)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "qa" / "rooms").mkdir(parents=True)
    (tmp_path / "qa" / "rooms" / "door.py").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_door.py").write_text("def test_a(): ...\ndef test_b(): ...\n", encoding="utf-8")
    (tmp_path / "tests" / "test_more.py").write_text("async def test_b(): ...\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_a_guard_can_be_switched_off_and_has_its_tests(guard: Guard) -> None:
    """Its text occurs once, the file without it differs and is still Python, and each of its tests exists."""
    path, without = guard.switch_off(ROOT)
    compile(without, path, "exec")
    assert without != ast.unparse(ast.parse(path.read_text(encoding="utf-8")))
    assert len(guard.node_ids(ROOT)) == len(guard.tests) > 0


def test_no_guard_is_listed_twice() -> None:
    """`--only` selects by name, and two guards of one name would hide one another in a report."""
    names = [guard.name for guard in GUARDS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("where", "text", "off", "line"),
    [
        ("Door.shut", "self.locked   and (keys)", "False", "if False:"),
        ("Door.shut", "keys", "[]", None),
        ("Door.shut", "raise Closed(...)", "return", "return"),
        ("Door.shut", "times=3", "times=4", "knock(times=4, loud=True)"),
        ("Door.shut", "knock(times=..., loud=True)", "pass", "pass"),
        ("Door.limit", "3", "9", "limit: int = 9"),
        ("Door", "limit: int = 3", "limit = 4", "limit = 4"),
        ("shut", "len(keys)", "0", "return 0"),
        ("Door.shut", "len(keys)", "0", None),
        ("Window.shut", "len(keys)", "0", None),
    ],
)
def test_a_guard_is_its_syntax_once_in_what_has_its_name(
    root: Path, where: str, text: str, off: str, line: str | None
) -> None:
    """Neither layout nor position matters. A text that is missing, or occurs twice, cannot be switched off."""
    guard = Guard("g", where, text, off, ("test_a",))
    if line is None:
        with pytest.raises(NotFound, match=f"^g: its text occurs [02] times in {where}, and"):
            guard.switch_off(root)
    else:
        path, without = guard.switch_off(root)
        before = ast.unparse(ast.parse(path.read_text(encoding="utf-8"))).splitlines()
        assert [changed.strip() for changed in without.splitlines() if changed not in before] == [line]


def test_who_renames_what_holds_a_guard_is_told_where_it_is(root: Path) -> None:
    """The error names the definitions that contain the text now."""
    with pytest.raises(NotFound, match=r"0 times in open, and somewhere in Door, Door\.shut$"):
        Guard("g", "open", "self.locked and keys", "False", ("test_a",)).switch_off(root)


@pytest.mark.parametrize("name", ["test_b", "test_c"])
def test_a_test_is_found_by_a_name_that_no_other_has(root: Path, name: str) -> None:
    """Two tests of one name, or none, are an error."""
    assert Guard("g", "shut", "1", "2", ("test_a",)).node_ids(root) == ["tests/test_door.py::test_a"]
    with pytest.raises(NotFound, match=f"tests are called {name}"):
        Guard("g", "shut", "1", "2", ("test_a", name)).node_ids(root)
