"""Crash safety: after a kill, every acknowledged step is there and none is half done.

`make crash N=500` runs more kills. Each process first checks what its predecessor left, then goes on.
"""

import os
from pathlib import Path

import psutil
import pytest

from tests.lanes.crash.kills import Series
from tests.lanes.crash.points import POINTS, WORDS_ONLY

MORE = 10 if os.environ.get("FULL_NUMBERS") else 1
SEED = 20230322


@pytest.mark.parametrize(("words_only", "rounds"), [(True, 4), (False, 4)])
def test_what_was_acknowledged_survives_a_kill_at_any_moment(tmp_path: Path, words_only: bool, rounds: int) -> None:
    """Every step is there completely or not at all, every acknowledged one is, and the backups too."""
    series = Series(tmp_path, SEED, words_only=words_only)
    for number in range(rounds * MORE):
        series.kill_at_random(wait=number % 2 == 1)
    result = series.look()
    assert result.problems == [], f"seed {SEED}"
    assert result.steps >= rounds // 2  # otherwise nothing was tested
    # 18.6 s was the slowest of 504, with 20 processes waiting for two cores
    assert max(result.opened_s) <= 20 + psutil.getloadavg()[0]


def test_a_kill_at_a_named_place_loses_nothing(tmp_path: Path) -> None:
    """Before and after each call that writes: one place in turn here, each ten times in `make crash`."""
    series = Series(tmp_path, SEED)
    for point in POINTS if MORE > 1 else POINTS[1::7]:
        series.kill_at(point, 1)
    assert series.look().problems == []


def test_no_place_is_left_out_of_both_lists() -> None:
    """A store without vectors has every place except those of the vector index."""
    assert set(WORDS_ONLY) < set(POINTS)
    assert len(set(POINTS)) == len(POINTS)
