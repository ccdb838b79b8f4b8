"""The public names of `qa`: one list, all importable, none loaded before use."""

import ast
import subprocess
import sys
from pathlib import Path

import qa

SOURCE = ast.parse(Path(qa.__file__).read_text())


def test_every_public_name_is_there():
    """Each name of `__all__` can be imported, and `dir` lists nothing else."""
    assert qa.__all__ == sorted(qa._MODULES) == dir(qa)
    for name in qa.__all__:
        assert getattr(qa, name) is not None


def test_a_type_checker_sees_the_same_names():
    """The imports for type checkers agree with the table."""
    seen = {
        alias.name: node.module
        for block in ast.walk(SOURCE)
        if isinstance(block, ast.If)
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == qa._MODULES


def test_importing_qa_is_light():
    """`import qa` loads no heavy library."""
    heavy = set("numpy chromadb fastapi langchain_core llama_index openai pydantic sqlalchemy tantivy".split())
    code = f"import sys, qa; print(sorted(set(sys.modules) & {heavy}))"
    root = str(Path(qa.__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": root})
    assert done.stdout.strip() == "[]"


def test_the_command_line_answers_without_fastapi():
    """The JSON models load no web framework, because `qa ask` uses them too."""
    code = "import sys, qa.cli.remote; print(sorted(set(sys.modules) & {'fastapi', 'starlette', 'uvicorn'}))"
    root = str(Path(qa.__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": root})
    assert done.stdout.strip() == "[]", done.stderr
