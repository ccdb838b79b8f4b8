"""The malloc tuning of the service: freed memory goes back to the system."""

from __future__ import annotations

import subprocess
import sys

import pytest

CHURN = """
import sys
from pathlib import Path
from qa.service.memory import tune_malloc

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

if "tuned" in sys.argv:
    tune_malloc()
before = resident_mb()
bytearray(b"x") * 2_000_000  # the first large block that is freed: from here on glibc keeps such blocks
large, small = [], []
for number in range(100):
    large.append(bytearray(b"x") * 1_000_000)
    small.append(b"y" * 5_000)
large.clear()
print(round(resident_mb() - before), len(small))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator")
def test_freed_blocks_go_back_although_small_ones_live_between_them() -> None:
    """A hundred freed one-megabyte blocks are returned; without the tuning they stay in the process."""
    grown = [
        int(
            subprocess.run(
                [sys.executable, "-c", CHURN, word], capture_output=True, text=True, check=True
            ).stdout.split()[0]
        )
        for word in ("tuned", "plain")
    ]
    assert grown[0] < 10
    if grown[1] < 50:
        pytest.skip("this C library returns freed memory without tuning")
