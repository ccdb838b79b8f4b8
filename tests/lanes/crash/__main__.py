"""`python -m tests.lanes.crash --kills 500`: kill at random moments and at every named place; print what was found.

Half of the stores have a word index only, half have vectors too. The seeds are printed; the same seed gives the same
steps.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

from tests.lanes.crash.kills import Result, Series
from tests.lanes.crash.points import POINTS, WORDS_ONLY


def run(seed: int, kills: int, words_only: bool, tell: Callable[[], None]) -> Result:
    """Kill workers of one store: two thirds of the kills at random, one third at the named places in turn."""
    with tempfile.TemporaryDirectory() as folder:
        series = Series(Path(folder), seed, words_only=words_only)
        places = WORDS_ONLY if words_only else POINTS
        for number in range(kills):
            if number % 3 == 2:
                at = number // 3
                series.kill_at(places[at % len(places)], 1 + at // len(places) % 3)
            else:
                series.kill_at_random(wait=number % 2 == 1)
            tell()
        return series.look()


def main() -> int:
    """Run the series side by side and print one line for each and one for all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--stores", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.monotonic()
    share = -(-options.kills // options.stores)
    done = count(1)

    def tell() -> None:
        if sys.stderr.isatty():
            print(f"{next(done)}/{share * options.stores} kills", end="\r", file=sys.stderr, flush=True)

    with ThreadPoolExecutor(options.stores) as pool:
        running = {
            (seed, words_only): pool.submit(run, seed, share, words_only, tell)
            for seed, words_only in ((options.seed + n, n % 2 == 1) for n in range(options.stores))
        }
        results = {key: future.result() for key, future in running.items()}
    for (seed, words_only), result in results.items():
        kind = "words" if words_only else "words and vectors"
        print(f"seed {seed}, {kind}: {result.kills} kills, {result.steps} steps acknowledged,", end=" ")
        print(f"slowest opening {max(result.opened_s):.2f} s, {len(result.problems)} problems")
        for problem in result.problems:
            print(f"  {problem}")
    kills, broken = (
        sum(numbers) for numbers in zip(*((r.kills, len(r.problems)) for r in results.values()), strict=True)
    )
    print(f"{kills} kills, {broken} inconsistencies, {time.monotonic() - began:.0f} s")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
