"""Supply chain: only locked packages are installed, and the exceptions in SECURITY.md are true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT
from tests.repository.audit import EXCEPTIONS, main, recorded

CHROMA = """
import sys
from pathlib import Path
from qa.settings import Settings
from qa.service.app import create_app
from qa.indexes.chroma_index import ChromaIndex
import numpy as np
create_app(Settings(data_dir=Path(sys.argv[1]), embed_model="none"))
ChromaIndex(Path(sys.argv[1]) / "chroma", "catalog", "model").close()
print("\\n".join(sys.modules))
"""


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_locked_package_has_hashes_and_no_address(name: str) -> None:
    """Nothing is installed that was not hashed when it was locked, and only from the installer's own index."""
    lock = (ROOT / name).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[A-Za-z0-9])", "\n".join(line for line in lock.splitlines() if not line.startswith("#")))
    assert len(entries) > 50
    for entry in entries:
        assert re.match(r"[\w.-]+(\[[\w,-]+\])?==[\w.!+-]+", entry.strip()), entry[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry[:80]
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links|--trusted-host| @ ", lock)


def test_make_installs_only_what_is_locked() -> None:
    """Each pip command for the runtime requires hashes."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    runtime = [line for line in makefile.splitlines() if "pip install" in line and "-r requirements" in line]
    assert runtime and all("--require-hashes" in line and "--no-deps" in line for line in runtime)


def test_chromas_python_server_is_never_imported(tmp_path: Path) -> None:
    """The reason for the exceptions in SECURITY.md: neither the service nor an open index imports that server."""
    ran = subprocess.run(
        [sys.executable, "-c", CHROMA, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    modules = set(ran.stdout.split())
    assert "chromadb" in modules and "qa.service.app" in modules
    assert not {
        name for name in modules if name in ("chromadb.app", "chromadb.cli") or name.startswith("chromadb.server")
    }


def test_no_code_of_ours_starts_chromas_server() -> None:
    """No file names the server or lets a collection choose an embedding function."""
    for path in [*ROOT.glob("qa/**/*.py"), *ROOT.glob("eval/**/*.py")]:
        source = path.read_text(encoding="utf-8")
        assert not re.search(r"chromadb\.(app|server)|trust_remote_code", source), path
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    assert not re.search(r"chromadb\.app|uvicorn chromadb", compose)
    assert "embedding_function=None" in "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("qa/**/*.py"))


def test_an_audit_that_looked_nothing_up_is_no_audit(capsys: pytest.CaptureFixture[str]) -> None:
    """Skipped packages are reported, the recorded list replaces an empty one, an unexplained advisory is an error."""
    assert main([{"name": "a", "skip_reason": "not found"}]) == 0
    assert "nothing was looked up" in capsys.readouterr().out
    assert main([{"name": "a", "skip_reason": "not found"}, {"name": "b", "version": "1", "vulns": []}]) == 0
    assert "1 of 2 packages were not looked up: a" in capsys.readouterr().out
    bad = {"name": "c", "version": "1", "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1999-0001"]}]}
    assert main([bad]) == 1
    assert "c 1: CVE-1999-0001, PYSEC-1" in capsys.readouterr().out


def test_every_exception_has_its_reason() -> None:
    """Each exception is explained in SECURITY.md and still applies to a locked package."""
    security = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert all(name in security for name in EXCEPTIONS)
    assert {advisory["vulns"][0]["id"] for advisory in recorded()} == EXCEPTIONS
