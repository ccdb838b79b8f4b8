"""Measure the verification of compressed statements on a blind set: 100 true ones, 100 that lost what made them true.

    python -m eval.bench.verification.compressions [--file FILE] [--list]

The set was written before the entailment judge was trained, by a hand that had seen none of its training pairs, and
nothing is chosen on it. A statement is accepted when it is `supported`. Printed with and without the judge; intervals
are 95 % bootstrap, by statement. Without a file of the judge, the rules alone are measured.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from eval.bench.intervals import bootstrap_mean, interval
from eval.dataset.format import read_rows
from qa import QaError, Settings
from qa.answering.statement_check import check_statement
from qa.embeddings.minilm import MiniLM
from qa.types import Evidence, Source, Span
from qa.wiring import build_entailment

COMPRESSIONS = Path(__file__).parent / "compressions.jsonl"


class Compression(BaseModel):
    """A statement that is shorter than its evidence; `fault` is what it lost where it is not supported."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    evidence: str
    statement: str
    supported: bool
    fault: str | None


def load_compressions(path: Path = COMPRESSIONS) -> list[Compression]:
    """Return the set. Raises QaError for a bad row."""
    rows, faults = read_rows(Compression, path)
    if faults:
        raise QaError("\n".join(faults))
    return rows


def main() -> None:
    """Print which statements are accepted, by rules alone and with the judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path, default=COMPRESSIONS)
    parser.add_argument("--list", action="store_true", help="also each statement that is judged wrongly")
    options = parser.parse_args()
    rows = load_compressions(options.file)
    by_rules, judged = judge_all(rows)
    _show("rules", rows, by_rules)
    if judged is None:
        print("the entailment judge has no file here (docs/models.md)")
        return
    _show("rules and judge", rows, judged)
    change = np.array(
        [(b == "supported") - (a == "supported") for a, b in zip(by_rules, judged, strict=True)], dtype=float
    )
    for supported in (False, True):
        own = change[[row.supported is supported for row in rows]]
        low, high = bootstrap_mean(own)
        print(f"change of {'true' if supported else 'false'} accepted: {own.mean():+.3f} [{low:+.3f}, {high:+.3f}]")
    if options.list:
        for row, verdict in zip(rows, judged, strict=True):
            if (verdict == "supported") is not row.supported:
                print(f"{row.id} {verdict} {row.fault or 'true'}: {row.statement}")


def judge_all(rows: Sequence[Compression]) -> tuple[Sequence[str], Sequence[str] | None]:
    """Return the verdicts by rules alone, and with the judge if there is one."""
    embedder, judge = MiniLM(), build_entailment(Settings())
    by_rules, judged = [], []
    for row in rows:
        source = Source("a", 1, "", None, None, None, None)
        cited = [Evidence(source, Span(0, len(row.evidence)), row.evidence, 1.0)]
        by_rules.append(check_statement(row.statement, cited, embedder=embedder)[0].support)
        judged.append(check_statement(row.statement, cited, embedder=embedder, judge=judge)[0].support)
    return by_rules, judged if judge else None


def _show(name: str, rows: Sequence[Compression], verdicts: Sequence[str]) -> None:
    print(name)
    for supported in (False, True):
        own = [float(v == "supported") for row, v in zip(rows, verdicts, strict=True) if row.supported is supported]
        print(f"  {'true' if supported else 'false'} accepted, n = {len(own)}: {interval(own)}")
    missed = Counter(row.fault for row, v in zip(rows, verdicts, strict=True) if v == "supported" and not row.supported)
    print(f"  false accepted by fault: {dict(missed.most_common())}")


if __name__ == "__main__":
    main()
