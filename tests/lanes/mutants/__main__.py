"""Switch each guard off and see that a named test fails: `python -m tests.lanes.mutants [--only NAME]... [--json]`.

It works in a copy, so the tree stays as it is. Exit 1 when a guard is missed, or is no longer what the list says.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.lanes.mutants import GUARDS, ROOT, Guard, NotFound

WHOLE_S = 900.0
LIMIT_S = 120.0  # a test that hangs without its guard does not count as failing
_FAILED = 1  # pytest's exit status: tests ran and some failed; any other non-zero status: they could not run
# They take four seconds to load, and no named test needs them.
_NO_PLUGINS = [
    word for name in ("schemathesis", "langsmith_plugin", "xdist", "hypothesispytest") for word in ("-p", f"no:{name}")
]
_WHERE = "import eval, qa, tests; print(qa.__file__, eval.__file__, tests.__file__, sep='\\n')"


class TestsFail(Exception):
    """The tests fail with every guard on, so they prove nothing."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of the tests of a guard that was switched off."""

    guard: str
    tests: tuple[str, ...]
    caught: bool
    seconds: float
    why: str = ""


def copy_tree(target: Path) -> None:
    """Copy the working tree: tracked files and untracked ones that git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():  # unless it was just deleted
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def run(root: Path, words: Sequence[str], limit_s: float = LIMIT_S) -> subprocess.CompletedProcess[str]:
    """Run Python on the copy, without bytecode: its time stamps are in seconds, and guards switch faster than that."""
    environ = os.environ | {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *words], cwd=root, env=environ, capture_output=True, text=True, timeout=limit_s, check=False
    )


def insist_on_copy(root: Path) -> None:
    """Make sure that the copy is what tests import: the package is installed from the tree itself."""
    places = run(root, ["-c", _WHERE]).stdout.split("\n")[:3]
    assert len(places) == 3 and all(Path(place).is_relative_to(root) for place in places), places


def run_tests(root: Path, tests: Iterable[str], limit_s: float = LIMIT_S) -> tuple[int, str]:
    """Return pytest's exit status and the end of its output."""
    words = ["-m", "pytest", "-q", "-x", "--no-header", "--tb=line", "-p", "no:cacheprovider", *_NO_PLUGINS]
    done = run(root, [*words, *tests], limit_s)
    return done.returncode, done.stdout[-2_000:]


def try_guard(guard: Guard, root: Path) -> Outcome:
    """Switch a guard off, run its tests and put it back."""
    began = time.monotonic()
    path, without = guard.switch_off(root)
    kept = path.read_text(encoding="utf-8")
    path.write_text(without, encoding="utf-8")
    try:
        status, output = run_tests(root, guard.node_ids(root))
        why = "" if status == _FAILED else "the tests pass" if status == 0 else f"pytest ended with {status}: {output}"
    except subprocess.TimeoutExpired:
        status, why = -1, f"nothing failed within {LIMIT_S:g} s"
    finally:
        path.write_text(kept, encoding="utf-8")
    return Outcome(guard.name, guard.tests, status == _FAILED, round(time.monotonic() - began, 1), why)


def lay_out(path: Path) -> None:
    """Rewrite a file through `ast.unparse`, as switching off does, so that only the guard makes a difference."""
    path.write_text(ast.unparse(ast.parse(path.read_text(encoding="utf-8"))), encoding="utf-8")


def try_all(guards: Sequence[Guard], root: Path, tell: Callable[[Outcome], None]) -> list[Outcome]:
    """Try every guard, once all the tests have passed with every guard on. Raises TestsFail."""
    copy_tree(root)
    insist_on_copy(root)
    for path in {guard.switch_off(root)[0] for guard in guards}:
        lay_out(path)
    tests = sorted({test for guard in guards for test in guard.node_ids(root)})
    print(f"{len(tests)} tests with every guard on", file=sys.stderr)
    status, output = run_tests(root, tests, WHOLE_S)
    if status:
        raise TestsFail(output)
    outcomes = []
    for number, guard in enumerate(guards, start=1):
        print(f"{number}/{len(guards)} {guard.name:60.60}", end="\r", file=sys.stderr, flush=True)
        outcomes.append(try_guard(guard, root))
        tell(outcomes[-1])
    return outcomes


def faults(guards: Sequence[Guard]) -> list[str]:
    """Return which guards or tests cannot be found."""
    found = []
    for guard in guards:
        try:
            guard.switch_off(ROOT)
            guard.node_ids(ROOT)
        except NotFound as exc:
            found.append(str(exc))
    return found


def show(outcome: Outcome) -> None:
    """Print a guard's row, with the reason if it was not caught."""
    print(
        f"{outcome.guard:56} {'yes' if outcome.caught else 'NO':3} {outcome.seconds:5.1f} s  "
        f"{outcome.tests[0]} {outcome.why}",
        flush=True,
    )


def main(argv: Sequence[str]) -> int:
    """Try the guards and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.lanes.mutants", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="a part of a guard's name")
    parser.add_argument("--json", action="store_true", help="print one object")
    arguments = parser.parse_args(argv)
    chosen = [guard for guard in GUARDS if not arguments.only or any(name in guard.name for name in arguments.only)]
    gone = faults(chosen)
    if gone or not chosen:
        print("\n".join(gone) or "no guard has such a name", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="qa-mutants-") as folder:
        try:
            outcomes = try_all(chosen, Path(folder).resolve(), (lambda _: None) if arguments.json else show)
        except TestsFail as exc:
            print(f"the tests fail with every guard on:\n{exc}", file=sys.stderr)
            return 1
    caught = sum(outcome.caught for outcome in outcomes)
    if arguments.json:
        print(json.dumps({"guards": [asdict(outcome) for outcome in outcomes]}))
    else:
        print(f"{caught} of {len(outcomes)} guards: a named test fails when it is switched off")
    return 0 if caught == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
