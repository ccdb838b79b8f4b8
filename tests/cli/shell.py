"""Run the command line in a folder of its own."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from qa.cli.main import main
from tests import ROOT
from tests.conftest import GUARD


class Shell:
    """Run `qa` in an empty folder, in this process or in a new one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.command = [sys.executable, "-c", "from qa.cli.main import main; main()"]
        self.env = {
            "PATH": os.environ["PATH"],
            "QA_EMBED_MODEL": "none",
            "PYTHONPATH": f"{GUARD}:{ROOT}",
            "HOME": str(folder),
        }

    def __call__(self, *words: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        out, err, code = io.StringIO(), io.StringIO(), 0
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name, value in (self.env | env).items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["qa", *words])
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
            try:
                main()
            except SystemExit as exc:
                assert isinstance(exc.code, int)  # a string would be printed, with exit code 1
                code = exc.code
        return subprocess.CompletedProcess(list(words), code, out.getvalue(), err.getvalue())

    def process(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [*self.command, *words]
        return subprocess.run(
            command, cwd=self.folder, env=self.env, input=stdin, capture_output=True, text=True, timeout=60
        )
