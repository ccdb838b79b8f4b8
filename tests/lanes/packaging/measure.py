"""The size of the wheel and of what it brings, and the processor time that imports take.

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
    """Return the processor time that a fresh interpreter takes for some code: the least, for others can only add."""
    times = []
    for _ in range(runs + 1):  # the first one reads the files from the disk
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([python, "-c", code], capture_output=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


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
        nothing = processor_seconds(python, "pass", asked.runs)
        for name, code in _CODES.items():
            took = processor_seconds(python, code, asked.runs) - nothing
            print(f"{name}: {1000 * took:.0f} ms beyond an empty program's {1000 * nothing:.0f}; n = {asked.runs}")


if __name__ == "__main__":
    main()
