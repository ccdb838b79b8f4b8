"""Helpers for the processes that research commands start: a clean environment, processor time, resident memory."""

from __future__ import annotations

import os
from pathlib import Path


def clean_environment() -> dict[str, str]:
    """Return the environment without the settings of the service and of OpenAI's client."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("QA_", "OPENAI_"))}


def cpu_s(pid: int) -> float:
    """Return the processor seconds of a process, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int | str = "self") -> int:
    """Return the resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) // 1_024
    return 0
