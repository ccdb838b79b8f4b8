"""The network guard of the tests works, and the product needs no network."""

import shlex
import socket
import subprocess
import sys

import pytest

from tests import ROOT
from tests.conftest import GUARD
from tests.guard.sitecustomize import NetworkUsed


def test_the_guard_refuses():
    """A connection or DNS look-up beyond this machine fails, here and in a child process."""
    with pytest.raises(NetworkUsed):
        socket.getaddrinfo("news.example", 443)
    with socket.socket() as connection, pytest.raises(NetworkUsed):
        connection.connect(("192.0.2.1", 80))
    child = "import socket; socket.getaddrinfo('news.example', 443)"
    done = subprocess.run([sys.executable, "-c", child], env={"PYTHONPATH": str(GUARD)}, capture_output=True, text=True)
    assert "NetworkUsed" in done.stderr


def test_from_articles_to_an_answer_without_network(tmp_path):
    """Ingesting the samples with the embedded embedder and asking needs no network at all."""
    env = {"PYTHONPATH": f"{GUARD}:{ROOT}", "QA_DATA_DIR": str(tmp_path / "data"), "HOME": str(tmp_path)}

    def qa(*words: str) -> str:
        command = [sys.executable, "-c", "from qa.cli.main import main; main()", *words]
        done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert qa("ingest", str(ROOT / "qa" / "sample")).startswith("24 added, 0 updated, 0 unchanged, 0 refused")
    # The README's example is what the program prints.
    shown = (ROOT / "README.md").read_text().split("$ .venv/bin/qa ", 1)[1].split("```", 1)[0]
    command, output = shown.split("\n", 1)
    assert qa(*shlex.split(command)) == output
    answer = qa("ask", "How long has Dorothea Lanyon driven the number 14 bus?", "--as-of", "2026-06-15")
    assert "26 years" in answer
    assert "not_in_sources" in qa("ask", "How old is Dorothea Lanyon, the bus driver?", "--as-of", "2026-06-15")
