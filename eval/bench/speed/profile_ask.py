"""Ask questions of a store one after another, as the workload of a profiler: `make flames`.

    python eval/bench/speed/profile_ask.py --store DIR --bench PATH [--questions 150]

It imports nothing of `eval`, so that PYTHONPATH may name another checkout, whose `qa` is then profiled.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from itertools import islice
from pathlib import Path

from qa import Library, Question, Settings


def main() -> None:
    """Ask the first questions of `realtimeqa_goldlink`, each on its day."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=150)
    options = parser.parse_args()
    with (
        Library(Settings(data_dir=options.store, embed_model="minilm")) as library,
        (options.bench / "realtimeqa_goldlink" / "items.jsonl").open(encoding="utf-8") as lines,
    ):
        answerer = library.answerer()
        for row in map(json.loads, islice(lines, options.questions)):
            asyncio.run(answerer.ask(Question(row["question"], as_of=row["asof"])))


if __name__ == "__main__":
    main()
