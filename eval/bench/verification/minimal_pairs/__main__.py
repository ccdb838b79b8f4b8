"""Measure the verification of statements on minimal pairs, kind by kind.

    python -m eval.bench.verification.minimal_pairs [--half report] [--kinds K ...] [--seed N] [--json] [--rules]
    python -m eval.bench.verification.minimal_pairs --write FILE

A false statement lost or changed one thing that its evidence says; its true twin was edited in the same way without
losing it. Half of the words and forms are only in `report`. `--write` writes the half `train` for eval/training.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from eval.bench.verification.minimal_pairs import KINDS, GrammarPair, pairs
from qa import Settings
from qa.answering.statement_check import check_statement
from qa.embeddings.minilm import MiniLM
from qa.types import Evidence, Source, Span
from qa.wiring import build_entailment

SEED = 7
_COLUMNS = ("n", "false supported", "false partial", "true supported")


def judge_all(chosen: Sequence[GrammarPair], *, rules_only: bool = False) -> list[tuple[str, str]]:
    """Return the verdicts on the false and the true statement of each pair; with the judge if one is installed."""
    judge = None if rules_only else build_entailment(Settings())
    embedder = MiniLM()
    marks: list[tuple[str, str]] = []
    for pair in chosen:
        cited = [_as_evidence(at, sentence) for at, sentence in enumerate(pair.evidence)]
        false, true = (
            check_statement(statement, cited, embedder=embedder, judge=judge)[0].support
            for statement in (pair.false, pair.true)
        )
        marks.append((false, true))
    return marks


def _as_evidence(at: int, sentence: str) -> Evidence:
    source = Source(f"a{at}", 1, "", None, None, None, None)
    return Evidence(source, Span(0, len(sentence)), sentence, 1.0)


def summarise(chosen: Sequence[GrammarPair], marks: Sequence[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """Return the counts of each kind, and of all."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for pair, (false, true) in zip(chosen, marks, strict=True):
        for label in (pair.kind, "all"):
            counts[label].update(
                {
                    "n": 1,
                    "false supported": false == "supported",
                    "false partial": false == "partial",
                    "true supported": true == "supported",
                }
            )
    labels = [*(kind for kind in KINDS if kind in counts), "all"]
    return {label: {column: counts[label][column] for column in _COLUMNS} for label in labels}


def write(path: Path, chosen: Iterable[GrammarPair]) -> int:
    """Write pairs as JSON lines, their sentences of evidence as one text; return how many."""
    lines = [
        json.dumps(
            {"kind": pair.kind, "evidence": " ".join(pair.evidence), "false": pair.false, "true": pair.true},
            ensure_ascii=False,
        )
        for pair in chosen
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(lines)


def main() -> None:
    """Print the counts, or write the half that may be trained on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("train", "report"), default="report")
    parser.add_argument("--kinds", nargs="+", choices=tuple(KINDS), default=tuple(KINDS), metavar="KIND")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rules", action="store_true", help="without the entailment judge")
    parser.add_argument("--examples", type=int, default=0, help="of each kind, so many that are judged wrongly")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    if options.write is not None:
        chosen = [pair for pair in pairs(options.seed, options.kinds) if pair.half == "train"]
        print(f"{write(options.write, chosen)} pairs")
        return
    chosen = [pair for pair in pairs(options.seed, options.kinds) if pair.half == options.half]
    marks = judge_all(chosen, rules_only=options.rules)
    summary = summarise(chosen, marks)
    if options.json:
        print(json.dumps(summary))
        return
    print(f"| kind | {' | '.join(_COLUMNS)} |\n|---|{'---|' * len(_COLUMNS)}")
    for label, counts in summary.items():
        print(f"| {label} | {' | '.join(str(counts[column]) for column in _COLUMNS)} |")
    shown: Counter[str] = Counter()
    for pair, (false, true) in zip(chosen, marks, strict=True):
        for mark, statement, wanted in ((false, pair.false, False), (true, pair.true, True)):
            wrong = (mark == "supported") is not wanted
            shown[pair.kind] += wrong
            if wrong and shown[pair.kind] <= options.examples:
                print(f"{pair.kind} {pair.form} {mark}, {wanted}: {statement}\n    {' '.join(pair.evidence)}")


if __name__ == "__main__":
    main()
