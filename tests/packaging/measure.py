"""The size of the wheel and of what it brings, and how long imports take in fresh interpreters.

python -m tests.packaging.measure WHEEL [--runs N]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

_CODES = {
    "import qa": "import qa",
    "from qa import Library, Settings, Question": "from qa import Library, Settings, Question",
    "qa --help": "import sys; from qa.cli import main; sys.argv = ['qa', '--help']; main()",
}


def seconds(python: Path, code: str, runs: int) -> list[float]:
    """Return how long a fresh interpreter takes for some code."""
    times = []
    for _ in range(runs + 1):
        began = time.monotonic()
        subprocess.run([python, "-c", code], capture_output=True, check=False)
        times.append(time.monotonic() - began)
    return times[1:]  # the first one reads the files from the disk


def main() -> None:
    """Install the wheel into an empty environment and print one line a figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--runs", type=int, default=20)
    asked = parser.parse_args()
    size = asked.wheel.stat().st_size
    weights = zipfile.ZipFile(asked.wheel).getinfo("qa/model/model.safetensors").compress_size
    print(f"wheel: {size / 1e6:.1f} MB, {weights / 1e6:.1f} MB of it the weights; n = 1")
    with tempfile.TemporaryDirectory() as folder:
        uv = Path(sys.executable).with_name("uv")
        python = Path(folder) / "env" / "bin" / "python"
        subprocess.run([uv, "venv", "--quiet", Path(folder) / "env"], check=True)
        install = [uv, "pip", "install", "--quiet", "--link-mode=copy", "--compile-bytecode", "--python", python]
        subprocess.run([*install, asked.wheel], check=True)
        sizes = [one.stat().st_size for one in Path(folder).rglob("*") if one.is_file() and not one.is_symlink()]
        print(f"installed: {sum(sizes) / 1e6:.0f} MB with its bytecode, {len(sizes)} files; n = 1")
        nothing = min(seconds(python, "pass", asked.runs))
        for name, code in _CODES.items():
            took = seconds(python, code, asked.runs)
            beyond = 1000 * (min(took) - nothing)  # the least: other programs can only add
            print(f"{name}: {beyond:.0f} ms beyond an empty program's {1000 * nothing:.0f}; least of n = {len(took)}")


if __name__ == "__main__":
    main()
