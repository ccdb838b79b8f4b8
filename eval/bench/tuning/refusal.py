"""Measure and fit when the extractive answer refuses, on three development sets at once.

    python -m eval.bench.tuning.refusal --bench PATH --store DIR [--embed minilm|none] [--year 2023] [--fit]

The sets are our own gold set, `clapnq` (each question over its own article) and RealTimeQA: `realtimeqa_silver` of 2022
against `realtimeqa_future_unanswerable` (leak_risk < .5), both over the articles of 2022 in the store at DIR; the other
two stores are built for the run. `--fit` prints the weights for qa/answering/extractive.py and their ten-fold
cross-validation, each set and label with equal weight.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from eval.bench.intervals import interval
from eval.bench.tuning.realtimeqa import arguments, holds
from eval.bench.tuning.softmax import cross_validate, fit, rows_of, weights_by_name
from eval.dataset.importers import import_set
from eval.dataset.items import Item, load_items
from eval.metrics.behaviour import risk_coverage_area
from eval.runs.targets import open_library
from qa import Filters, Library, Question
from qa.answering.extractive import choose, confidence
from qa.library import sample_articles
from qa.query.analysis import AnalysedQuestion
from qa.retrieval.sentence_ranker import Ranked
from qa.types import Evidence

SETS = ("gold", "clapnq", "realtimeqa")
THRESHOLDS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)


@dataclass(frozen=True, slots=True)
class Probe:
    """A question with the sentences that were found for it."""

    set: str
    item: Item
    asked: AnalysedQuestion
    ranked: Ranked

    def proves(self, sentence: Evidence) -> bool:
        """Tell whether a sentence overlaps a gold span; in RealTimeQA, also whether it contains the answer."""
        if not self.item.answerable:
            return False
        touches = any(
            sentence.source.article_id == gold.article_id
            and sentence.span.start < gold.end
            and gold.start < sentence.span.end
            for gold in self.item.gold
        )
        return touches or (self.set == "realtimeqa" and holds(sentence.text, self.item.answers))


def main() -> None:
    """Ask every question and print the figures of refusal, or fit the weights."""
    parser = arguments(__doc__)
    parser.add_argument("--fit", action="store_true")
    options = parser.parse_args()
    probes = list(gather(options.bench, options.store, options.gold, options.embed, options.year))
    if options.fit:
        _print_fit(probes)
    else:
        _print_figures(probes)


def gather(bench: Path, store: Path, gold: Path, embed: str, year: str = "2022") -> Iterator[Probe]:
    """Yield every question with its sentences, except those with a history: they do not test refusal."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        import_set("clapnq", bench / "clapnq", folder / "clapnq.jsonl", folder / "clapnq-rows.jsonl", None)
        silver, future = folder / "silver.jsonl", folder / "future.jsonl"
        import_set("realtimeqa_silver", bench / "realtimeqa_silver", silver, None, year)
        import_set("realtimeqa_future_unanswerable", bench / "realtimeqa_future_unanswerable", future, None, None)
        with open_library(None, sample_articles(), embed) as library:
            yield from probe_set(library, "gold", [item for item in load_items(gold) if not item.history])
        with open_library(None, folder / "clapnq-rows.jsonl", embed) as library:
            yield from probe_set(library, "clapnq", load_items(folder / "clapnq.jsonl"))
        with open_library(store, None, embed) as library:
            # Asked as of today, so that no article is too new: refusing would be too easy.
            later = [item.model_copy(update={"as_of": None}) for item in load_items(future)]
            yield from probe_set(library, "realtimeqa", load_items(silver) + later)


def probe_set(library: Library, name: str, items: Sequence[Item]) -> Iterator[Probe]:
    """Yield each question of a set with the sentences that the library finds for it."""
    answerer = library.answerer()
    for item in items:
        question = Question(item.question, filters=Filters(article_ids=item.article_ids), as_of=item.as_of)
        retrieved, ranked, _ = answerer.look(question)
        yield Probe(name, item, retrieved.question, ranked)


def _print_figures(probes: Sequence[Probe]) -> None:
    for name in SETS:
        chosen = [(probe, choose(probe.asked, probe.ranked)) for probe in probes if probe.set == name]
        answerable = [probe.item.answerable for probe, _ in chosen]
        refused = [not statements for _, statements in chosen]
        print(f"{name}, n = {len(chosen)}, {answerable.count(False)} unanswerable")
        print(f"  refusal F1               {_f1_interval(refused, answerable)}")
        print(f"  unanswerable refused     {_interval(refused, answerable, False)}")
        print(f"  answerable refused       {_interval(refused, answerable, True)}")
        marks = [
            (
                confidence(probe.asked, probe.ranked),
                not any(probe.proves(cited) for statement in statements for cited in statement.cited),
            )
            for probe, statements in chosen
        ]
        print(f"  risk-coverage area       {risk_coverage_area(marks):.3f}")


def _interval(refused: Sequence[bool], answerable: Sequence[bool], wanted_label: bool) -> str:
    return interval([float(flag) for flag, label in zip(refused, answerable, strict=True) if label is wanted_label])


def _f1_interval(refused: Sequence[bool], answerable: Sequence[bool]) -> str:
    marks = np.array([refused, np.logical_not(answerable)], dtype=float).T
    drawn = np.random.default_rng(0).integers(0, len(marks), (2_000, len(marks)))
    values = [_f1(marks)] + [_f1(marks[draw]) for draw in drawn]
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return f"{values[0]:.3f} [{low:.3f}, {high:.3f}]"


def _f1(marks: NDArray[np.float64]) -> float:
    return float(2 * (marks[:, 0] * marks[:, 1]).sum() / max(1.0, marks.sum()))


def _print_fit(probes: Sequence[Probe]) -> None:
    rows = [
        rows_of(probe.asked, probe.ranked, probe.proves, SETS.index(probe.set), probe.item.answerable)
        for probe in probes
    ]
    print("weights", {name: round(value, 2) for name, value in weights_by_name(fit(rows)).items()})
    shares = cross_validate(rows)
    for place, name in enumerate(SETS):
        part = [at for at, row in enumerate(rows) if row.set == place]
        answerable = [rows[at].answerable for at in part]
        print(f"{name}, n = {len(part)}, cross-validated: below / F1 / unanswerable refused / answerable refused")
        for at_least in THRESHOLDS:
            refused = [bool(shares[at] < at_least) for at in part]
            marks = np.array([refused, np.logical_not(answerable)], dtype=float).T
            shares_refused = [
                np.mean([r for r, a in zip(refused, answerable, strict=True) if a is label]) for label in (False, True)
            ]
            print(f"  {at_least:.2f}   {_f1(marks):.3f}   {shares_refused[0]:.3f}   {shares_refused[1]:.3f}")


if __name__ == "__main__":
    main()
