"""The wheel, installed in an empty environment as a user would. `make test-wheel` runs it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import ROOT

LANE = os.environ.get("TEST_WHEEL") == "1"  # read here: tests/conftest.py clears the settings before each test
QUESTION = "What will it cost to rebuild the eastern approach of the Orrin Bridge?"
CARRIED = {
    "qa/py.typed",
    "qa/model/model.safetensors",
    "qa/prompts/answer.system.txt",
    "qa/sample/ledger-bridge-1.md",
    "qa/service/static/chat.js",
    "eval/gold/sample.jsonl",
}


@pytest.fixture(scope="module")
def wheel() -> Path:
    if not LANE:
        pytest.skip("installs half a gigabyte: `make test-wheel`")
    return max((ROOT / "dist").glob("news_qa-*.whl"), key=lambda path: path.stat().st_mtime)


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bin folder of a new environment with the wheel and its dependencies."""
    home = tmp_path_factory.mktemp("empty") / "env"
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "--quiet", str(home)], check=True)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", str(home / "bin" / "python"), str(wheel)], check=True)
    return home / "bin"


@pytest.fixture
def address(programs: Path, tmp_path: Path) -> Iterator[str]:
    """Serve the sample articles from a folder outside the checkout."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    serve = [str(programs / "qa"), "serve", "--port", str(port), "--samples"]
    server = subprocess.Popen(serve, cwd=tmp_path, env={"HOME": str(tmp_path), "PATH": str(programs)})
    try:
        _wait(f"http://127.0.0.1:{port}/readyz", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert server.poll() is None, f"the server ended with {server.returncode}"
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"{url} did not answer within a minute")


def _json(url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        return json.load(reply)


def test_the_wheel_carries_everything_that_is_read_at_run_time(wheel: Path) -> None:
    """Prompts, page, samples, gold set and weights are inside, and no stray file of the developer's machine."""
    names = set(zipfile.ZipFile(wheel).namelist())
    assert names >= CARRIED
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"qa", "eval"}
    assert not [name for name in names if name.startswith(("eval/bench", "eval/training"))], "it needs the checkout"
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".npz"))]


def test_it_answers_with_quotes_that_are_there(address: str) -> None:
    """`qa serve` from the wheel alone answers with the bundled model, and each quote is in its article."""
    answer = _json(f"{address}/v1/ask", {"question": QUESTION, "as_of": "2026-06-15"})
    assert answer["citations"]
    assert answer["degraded"] == []
    for citation in answer["citations"]:
        text = _json(f"{address}/v1/articles/{citation['article_id']}/text")["text"]
        assert text[citation["start"] : citation["end"]] == citation["quote"]
    with urllib.request.urlopen(f"{address}/", timeout=20) as reply:
        assert b"<main" in reply.read()


def test_no_torch_comes_along_and_import_is_light(programs: Path) -> None:
    """PyTorch is not installed, and `import qa` loads a handful of modules of the standard library only."""
    python = str(programs / "python")
    assert list(programs.parent.glob("lib/python*/site-packages/tantivy"))
    assert not list(programs.parent.glob("lib/python*/site-packages/torch"))
    code = "import sys; before = set(sys.modules); import qa; print(len(set(sys.modules) - before))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True, env={"HOME": "/"})
    assert int(done.stdout) < 100


def test_a_type_checker_may_read_it(programs: Path) -> None:
    """The PEP 561 marker is installed with the modules."""
    code = "import qa, pathlib; print((pathlib.Path(qa.__file__).parent / 'py.typed').is_file())"
    done = subprocess.run([str(programs / "python"), "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
