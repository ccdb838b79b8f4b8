"""Measure, and fit, the order of the sentences that were found for a question: on four development sets at once.

    python -m eval.bench.tuning.sentence_order --bench PATH --store DIR [--embed minilm|none] [--fit]

The sets are our own gold set, `clapnq`, `chroma_chunking` and `realtimeqa_silver` of 2022, whose articles the store at
DIR holds; the stores of the others are made for the run. A sentence is right where it touches a gold span, of
RealTimeQA where the answer stands in it. `--fit` prints the weights for qa/retrieval/sentence_ranker.py and what they
are worth by ten-fold cross-validation beside the order as it is, each set with equal weight, differences paired.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from eval.bench.tuning.realtimeqa import arguments, holds, interval
from eval.bench.tuning.refusal import Probe, gather, probe
from eval.bench.tuning.softmax import FOLDS, Array, Rows, named, prefer
from eval.dataset.importers import import_set
from eval.dataset.items import load_items
from eval.metrics.span import Place, span_scores
from eval.runs.targets import open_library
from qa.retrieval.sentence_ranker import CLOSER, ORDER, ORDER_BY_WORDS
from qa.types import Evidence

SETS = ("gold", "clapnq", "chroma_chunking", "realtimeqa")
_PLACES = (1, 3, 5)


def main() -> None:
    """Ask every answerable question and print where the sentences that answer stand."""
    parser = arguments(__doc__)
    parser.add_argument("--fit", action="store_true")
    options = parser.parse_args()
    probes = [
        one for one in gather_all(options.bench, options.store, options.gold, options.embed) if one.item.answerable
    ]
    measure(probes, options.fit)


def gather_all(bench: Path, store: Path, gold: Path, embed: str) -> Iterator[Probe]:
    """Yield every question with its sentences."""
    yield from gather(bench, store, gold, embed)
    with TemporaryDirectory() as name:
        items, articles = Path(name, "items.jsonl"), Path(name, "articles.jsonl")
        import_set("chroma_chunking", bench / "chroma_chunking", items, articles, None)
        with open_library(None, articles, embed) as library:
            yield from probe(library, "chroma_chunking", load_items(items))


def measure(probes: Sequence[Probe], fitting: bool) -> None:
    """Print the figures of the order as it is, and of weights fitted without each question's fold."""
    orders = [list(range(len(one.ranked.evidence))) for one in probes]
    before = [_marks(one, order) for one, order in zip(probes, orders, strict=True)]
    if not fitting:
        _show(probes, before, None)
        return
    weights = ORDER if any(one.compared for probed in probes for one in probed.ranked.features[:1]) else ORDER_BY_WORDS
    rows = [_rows(one, tuple(weights)) for one in probes]
    print("weights", {name: round(value, 2) for name, value in named(prefer(rows)).items() if name != "constant"})
    fold = np.random.default_rng(0).integers(0, FOLDS, len(rows))
    for number in range(FOLDS):
        fitted = prefer([one for one, its in zip(rows, fold, strict=True) if its != number])
        for at in map(int, np.flatnonzero(fold == number)):
            head = [int(place) for place in np.argsort(-(rows[at].values @ fitted.weights), kind="stable")]
            orders[at][: len(head)] = head
    _show(probes, before, [_marks(one, order) for one, order in zip(probes, orders, strict=True)])


def right(one: Probe, sentence: Evidence) -> bool:
    """Tell whether a sentence answers."""
    if one.set == "realtimeqa":
        return holds(sentence.text, one.item.answers)
    return one.proves(sentence)


def _rows(one: Probe, names: tuple[str, ...]) -> Rows:
    features = one.ranked.features[:CLOSER]
    values = np.array([[found.value(name) for name in names] for found in features], dtype=float)
    marks = np.array([right(one, sentence) for sentence in one.ranked.evidence[:CLOSER]], dtype=bool)
    return Rows(SETS.index(one.set), True, names, values.reshape(len(features), len(names)), marks)


def _marks(one: Probe, order: Sequence[int]) -> Mapping[str, float]:
    found = [one.ranked.evidence[place] for place in order[: max(_PLACES)]]
    marks = {f"right in the best {k}": float(any(right(one, sentence) for sentence in found[:k])) for k in _PLACES}
    if one.set != "realtimeqa" and one.item.evidence_sets:
        places = [Place(sentence.source.article_id, sentence.span.start, sentence.span.end) for sentence in found[:3]]
        gold = [[Place(span.article_id, span.start, span.end) for span in one.item.gold]]
        marks["IoU of the best 3"] = span_scores(places, gold).iou
    return marks


def _show(
    probes: Sequence[Probe], before: Sequence[Mapping[str, float]], after: Sequence[Mapping[str, float]] | None
) -> None:
    for name in SETS:
        own = [at for at, one in enumerate(probes) if one.set == name]
        print(f"{name}, n = {len(own)}")
        for figure in before[own[0]] if own else ():
            marks = np.array([before[at][figure] for at in own])
            line = f"  {figure:20} {interval(list(marks))}"
            if after is not None:
                fitted = np.array([after[at][figure] for at in own])
                line += f"   fitted {interval(list(fitted))}   {_paired(fitted - marks)}"
            print(line)


def _paired(changes: Array) -> str:
    means = np.random.default_rng(0).choice(changes, (2_000, len(changes))).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return f"{changes.mean():+.3f} [{low:+.3f}, {high:+.3f}]"


if __name__ == "__main__":
    main()
