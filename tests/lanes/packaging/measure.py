"""Measure the size of the wheel and of its installation, and the CPU time of imports.

python -m tests.lanes.packaging.measure WHEEL [--runs N]
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

_CODES = {
    "import qa": "import qa",
    "from qa import Library, Settings, Question": "from qa import Library, Settings, Question",
    "qa --help": "import sys; from qa.cli.main import main; sys.argv = ['qa', '--help']; main()",
}


def processor_seconds(python: Path, code: str, runs: int) -> float:
    """Return the CPU time of some code in a fresh interpreter: the minimum, because other processes can only add."""
    times = []
    for _ in range(runs + 1):  # the first run reads the files from disk
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([python, "-c", code], capture_output=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def main() -> None:
    """Install the wheel into an empty environment and print one line per figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--runs", type=int, default=20)
    arguments = parser.parse_args()
    size = arguments.wheel.stat().st_size
    weights = zipfile.ZipFile(arguments.wheel).getinfo("qa/model/model.safetensors").compress_size
    print(f"wheel: {size / 1e6:.1f} MB, {weights / 1e6:.1f} MB of it the weights; n = 1")
    with tempfile.TemporaryDirectory() as folder:
        uv = Path(sys.executable).with_name("uv")
        python = Path(folder) / "env" / "bin" / "python"
        subprocess.run([uv, "venv", "--quiet", Path(folder) / "env"], check=True)
        install = [uv, "pip", "install", "--quiet", "--link-mode=copy", "--compile-bytecode", "--python", python]
        subprocess.run([*install, arguments.wheel], check=True)
        sizes = [path.stat().st_size for path in Path(folder).rglob("*") if path.is_file() and not path.is_symlink()]
        print(f"installed: {sum(sizes) / 1e6:.0f} MB with its bytecode, {len(sizes)} files; n = 1")
        nothing = processor_seconds(python, "pass", arguments.runs)
        for name, code in _CODES.items():
            took = processor_seconds(python, code, arguments.runs) - nothing
            print(f"{name}: {1000 * took:.0f} ms beyond an empty program's {1000 * nothing:.0f}; n = {arguments.runs}")


if __name__ == "__main__":
    main()
