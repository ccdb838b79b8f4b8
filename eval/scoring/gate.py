"""The regression gate: run and score the project's own gold set, and compare it with the committed baseline.

The baseline has the marks of every item and no text, one item per line, so that the diff of a commit that moves it
shows which questions changed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from eval.runs.run import BadRun, run
from eval.runs.targets import AskOptions, LibraryTarget, open_library
from eval.scoring.compare import Comparison, Gates, compare_scores, load_gates, load_scores
from eval.scoring.score import score
from qa import sample_articles

GOLD = Path(__file__).parents[1] / "gold"
BASELINE = Path(__file__).parents[1] / "baseline" / "sample.json"
_MADE_BY = ("gold_sha256", "corpus_sha256", "items", "articles", "commit", "code_sha256", "mode", "top_k")
_SAME = {"gold_sha256": "gold set", "corpus_sha256": "sample articles"}


def ask_gold(folder: Path, console: Console, embed: str = "minilm", workers: int = 2) -> dict[str, Any]:
    """Return the scores of the gold set over the sample articles; the run and the scores are written to the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / "run.jsonl"
    options = AskOptions("extractive")
    with open_library(None, sample_articles(), embed) as library:
        target = LibraryTarget(library, options.collection)
        summary = asyncio.run(run(target, GOLD, out, options, workers=workers, console=console))
    if summary.errors:
        raise BadRun("\n".join(summary.errors))
    scores = score(GOLD, out)
    (folder / "scores.json").write_text(json.dumps(scores, ensure_ascii=False, allow_nan=False), encoding="utf-8")
    return scores


def against_baseline(scores: Mapping[str, Any], baseline: Path = BASELINE) -> Comparison:
    """Return the comparison with the baseline. Raises BadRun if the baseline is missing or of other data."""
    if not baseline.exists():
        raise BadRun(f"{baseline} is missing: make it by `make baseline` and commit it")
    base = load_scores(baseline)
    changed = [what for name, what in _SAME.items() if base["manifest"].get(name) != scores["manifest"].get(name)]
    if changed:
        raise BadRun(
            f"the {' and the '.join(changed)} changed since the baseline was made:"
            " move the baseline by `make baseline` and commit it"
        )
    gates = load_gates()
    # Rounded to four digits like the baseline, so that rounding does not show up as a change.
    return compare_scores(base, {**scores, "items": _items(scores, gates)}, gates)


def write_baseline(scores: Mapping[str, Any], baseline: Path = BASELINE) -> None:
    """Write the value of every metric, and the marks of every item in the gated metrics."""
    baseline_json = {
        "format": scores["format"],
        "manifest": {name: scores["manifest"].get(name) for name in _MADE_BY},
        "metrics": {name: metric["value"] for name, metric in scores["metrics"].items() if metric["value"] is not None},
    }
    baseline.parent.mkdir(parents=True, exist_ok=True)
    head = json.dumps(baseline_json, indent=1, ensure_ascii=False, allow_nan=False).removesuffix("\n}")
    items = ",\n".join(json.dumps(row, allow_nan=False) for row in _items(scores, load_gates()))
    baseline.write_text(f'{head},\n "items": [\n{items}\n]}}\n', encoding="utf-8")


def _items(scores: Mapping[str, Any], gates: Gates) -> list[dict[str, Any]]:
    return [
        {
            "id": row["id"],
            "cluster": row["cluster"],
            "marks": {
                name: [_rounded(part) for part in row["marks"][name]] for name in gates.gated if name in row["marks"]
            },
        }
        for row in scores["items"]
    ]


def _rounded(part: float) -> float:
    rounded = round(part, 4)
    return int(rounded) if rounded == int(rounded) else rounded
