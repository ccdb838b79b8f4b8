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
    """Options, help and exit codes are those of the research command."""
    assert research.__name__ == RESEARCH
    result = call("bench", "tables", "--help")
    assert (result.exit_code, "--refit" in result.stdout) == (0, True)
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
    result = call("bench", "tables", "--data", ".")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "the research commands, `eval bench`, are not in the wheel: run them in a checkout\n"


def test_a_library_that_the_research_lacks_is_no_missing_research(monkeypatch):
    """Otherwise the message would tell a user with a checkout to get a checkout."""
    monkeypatch.setitem(sys.modules, "typer", None)
    monkeypatch.delitem(sys.modules, RESEARCH)
    result = call("bench", "speed")
    assert isinstance(result.exception, ModuleNotFoundError)
    assert result.exception.name == "typer"


def test_the_suites_command_line_imports_no_research():
    """The wheel has no research, and its command line must start."""
    looked = "import sys, eval.__main__; print([name for name in sys.modules if name in sys.argv[1:]])"
    research = [RESEARCH, "eval.bench"]
    done = subprocess.run([sys.executable, "-c", looked, *research], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_price_alone_is_wrong_usage(tmp_path):
    """A price for only half of the tokens gives no cost."""
    result = call("score", "--gold", str(tmp_path), "--run", str(tmp_path), "--out", "x", "--price-in", "1")
    assert result.exit_code == 2
    assert "--price-in and --price-out go together" in result.stderr
