"""The research commands behind `eval bench`."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from eval.__main__ import RESEARCH, app
from eval.bench import __main__ as research


def call(*args):
    return CliRunner().invoke(app, list(args))


def test_the_research_is_called_by_the_suites_command_line():
    """Options, help and exit codes are its own."""
    assert research.__name__ == RESEARCH
    told = call("bench", "tables", "--help")
    assert (told.exit_code, "--refit" in told.stdout) == (0, True)
    for name in ("speed", "scale", "load", "peers", "tables"):
        assert f"  {name} " in call("bench", "--help").stdout
    wrong = call("bench", "tables", "--data", ".", "--store", "nowhere")
    assert (wrong.exit_code, "say --store CORPUS=DIR" in wrong.stderr) == (2, True)
    assert call("bench", "nothing").exit_code == 2


@pytest.mark.parametrize("missing", [RESEARCH, "eval.bench"])
def test_the_suite_alone_says_that_the_research_needs_a_checkout(monkeypatch, missing):
    """The wheel has none of it: one line, not a traceback."""
    monkeypatch.delitem(sys.modules, RESEARCH)
    monkeypatch.setitem(sys.modules, missing, None)
    told = call("bench", "tables", "--data", ".")
    assert (told.exit_code, told.stdout) == (1, "")
    assert told.stderr == "the research commands, `eval bench`, are not in the wheel: run them in a checkout\n"


def test_a_library_that_the_research_lacks_is_no_missing_research(monkeypatch):
    """Or the line would send a reader with a checkout to look for one."""
    monkeypatch.setitem(sys.modules, "typer", None)
    monkeypatch.delitem(sys.modules, RESEARCH)
    told = call("bench", "speed")
    assert isinstance(told.exception, ModuleNotFoundError)
    assert told.exception.name == "typer"


def test_the_suites_command_line_imports_no_research():
    """A user of the wheel must be able to start it."""
    looked = "import sys, eval.__main__; print([name for name in sys.modules if name in sys.argv[1:]])"
    research = [RESEARCH, "eval.bench"]
    done = subprocess.run([sys.executable, "-c", looked, *research], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_price_alone_is_wrong_usage(tmp_path):
    """A cost of half of the tokens would be no cost."""
    told = call("score", "--gold", str(tmp_path), "--run", str(tmp_path), "--out", "x", "--price-in", "1")
    assert told.exit_code == 2
    assert "--price-in and --price-out go together" in told.stderr
