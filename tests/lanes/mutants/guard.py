"""A guard: a piece of code that can be switched off, and the tests that must then fail.

Code is found by qualified name and syntax tree, so no guard breaks when a module moves or a line is reformatted.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDERS = ("qa", "eval")


class NotFound(Exception):
    """A guard's code or a test is missing, or is found more than once."""


@dataclass(frozen=True, slots=True)
class Guard:
    """`text` occurs once in the definition `where`; with `off` in its place at least one of `tests` fails.

    Both are an expression, or a keyword argument, or statements. In `text`, `...` is any expression.
    """

    name: str
    where: str  # the qualified name of a function, class or constant, without its module: "Citer.number"
    text: str
    off: str
    tests: tuple[str, ...]  # names of test functions that take seconds at most

    def switch_off(self, root: Path) -> tuple[Path, str]:
        """Return the file of the guard below `root` and its source without the guard. Raises NotFound."""
        places = [
            (path, tree, place, off)
            for path in _paths(root).get(self.where, ())
            for tree in [_parse(path)]
            for name, node in _definitions(tree)
            if name == self.where
            for text, off in self._readings()
            for place in _places(node, text)
        ]
        if len(places) != 1:
            raise NotFound(f"{self.name}: its text occurs {len(places)} times in {self.where}, {self._elsewhere(root)}")
        [(path, tree, (holder, key), off)] = places
        if isinstance(holder, list):
            holder[key] = off
        else:
            setattr(holder, key, off[0])
        return path, ast.unparse(tree)

    def node_ids(self, root: Path) -> list[str]:
        """Return the tests as pytest wants them. Raises NotFound."""
        found = {name: _tests(root).get(name, []) for name in self.tests}
        for name, ids in found.items():
            if len(ids) != 1:
                raise NotFound(f"{self.name}: {len(ids)} tests are called {name} {' '.join(ids)}")
        return [node_id for ids in found.values() for node_id in ids]

    def _readings(self) -> Iterator[tuple[list[ast.AST], list[ast.AST]]]:
        match ast.parse(self.text).body, ast.parse(self.off).body:
            case [ast.Expr(value=text)], [ast.Expr(value=off)]:
                yield [text], [off]
            case [ast.Assign([ast.Name(name)], text)] as old, [ast.Assign([ast.Name(other)], off)] as new:
                yield [*old], [*new]
                yield [ast.keyword(name, text)], [ast.keyword(other, off)]
            case old, new:
                yield [*old], [*new]

    def _elsewhere(self, root: Path) -> str:
        """Return which definitions contain the text, for whoever renamed one."""
        held = sorted(
            name
            for path in sorted(set().union(*_paths(root).values()))
            for name, node in _definitions(_parse(path))
            if any(next(_places(node, text), None) for text, _ in self._readings())
        )
        return f"and somewhere in {', '.join(held[:5])}" if held else "and nowhere else"


def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _definitions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Yield each definition with its qualified name."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                pass
            case ast.Assign([ast.Name(name)]) | ast.AnnAssign(ast.Name(name)):
                pass
            case _:
                yield from _definitions(node, prefix)
                continue
        yield prefix + name, node
        yield from _definitions(node, f"{prefix}{name}.")


@cache
def _paths(root: Path) -> Mapping[str, set[Path]]:
    """Map qualified names to the files that define them."""
    found: dict[str, set[Path]] = defaultdict(set)
    for folder in FOLDERS:
        for path in (root / folder).rglob("*.py"):
            for name, _ in _definitions(_parse(path)):
                found[name].add(path)
    return found


@cache
def _tests(root: Path) -> Mapping[str, list[str]]:
    """Map the names of tests to pytest's ids."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((root / "tests").rglob("test_*.py")):
        for node in _parse(path).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found[node.name].append(f"{path.relative_to(root)}::{node.name}")
    return found


def _places(tree: ast.AST, text: list[ast.AST]) -> Iterator[tuple[Any, Any]]:
    """Yield each occurrence of the text in the tree: a list and a slice of it, or a node and one of its fields."""
    for node in ast.walk(tree):
        for field, value in ast.iter_fields(node):
            if isinstance(value, list):
                for at in range(len(value)):
                    if _same(text, value[at : at + len(text)]):
                        yield value, slice(at, at + len(text))
            elif _same(text, [value]):
                yield node, field


def _same(text: Any, code: Any) -> bool:
    """Compare syntax trees, ignoring layout; `...` matches any expression."""
    if isinstance(text, ast.Constant) and text.value is ...:
        return isinstance(code, ast.expr)
    if type(text) is not type(code):
        return False
    if isinstance(text, list):
        return len(text) == len(code) and all(map(_same, text, code))
    if isinstance(text, ast.AST):
        return all(_same(getattr(text, field, None), getattr(code, field, None)) for field in text._fields)
    return bool(text == code)
