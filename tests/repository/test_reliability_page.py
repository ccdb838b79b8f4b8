"""The tables of docs/reliability.md: every invariant, fault and attack has a row, and what a row names exists."""

from __future__ import annotations

import ast
import re

from tests import ROOT

PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
FAULTS = [str(number) for number in range(1, 48)]
ATTACKS = [f"A{number}" for number in range(1, 26)]
INVARIANTS = ["I1", "I1b", *(f"I{number}" for number in range(2, 16))]


def rows() -> dict[str, list[str]]:
    """Return the cells behind each number at the head of a row."""
    found: dict[str, list[str]] = {}
    for line in PAGE.splitlines():
        number, *cells = (cell.strip() for cell in line.strip().strip("|").split("|"))
        if line.startswith("| ") and re.fullmatch(r"\d+|A\d+|I\d+b?", number):
            assert number not in found, f"{number} has two rows"
            found[number] = cells
    return found


def functions() -> set[str]:
    """Return the names of all tests."""
    return {
        node.name
        for path in ROOT.glob("tests/**/test_*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_number_has_its_row() -> None:
    """None of the plan's invariants, faults and attacks is missing, and no row is empty."""
    found = rows()
    assert sorted(found) == sorted([*FAULTS, *ATTACKS, *INVARIANTS])
    assert all(all(cells) for cells in found.values())


def test_every_fault_names_its_tests() -> None:
    """Except the last, the soak, which is a separate program."""
    found = rows()
    assert [number for number in FAULTS if not re.search(r"`test_\w+`", found[number][-1])] == FAULTS[-1:]


def test_what_a_row_names_is_there() -> None:
    """Each file and each test exists."""
    names = functions()
    for number, cells in rows().items():
        for words in re.findall(r"`([^`]+)`", cells[-1]):
            for word in re.findall(r"\S+", words.replace(",", " ")):
                if re.match(r"(tests|docs|eval)/", word):
                    assert (ROOT / word).exists(), f"{number}: {word}"
                elif word.endswith(".py"):
                    assert list(ROOT.glob(f"tests/**/{word}")), f"{number}: {word}"
                elif word.startswith("test_"):
                    assert word in names, f"{number}: {word}"
