"""Measure and fit the ranking of sentences found for a question, on four development sets at once.

    python -m eval.bench.tuning.sentence_order --bench PATH --store DIR [--embed minilm|none] [--year 2023] [--fit]

The sets are our own gold set, `clapnq`, `chroma_chunking` and `realtimeqa_silver` of 2022, whose articles are in the
store at DIR; the other stores are built for the run. A sentence is right if it overlaps a gold span; in RealTimeQA, if
it contains the answer. `--fit` prints the weights for qa/retrieval/sentence_ranker.py and their ten-fold
cross-validation beside the current order, each set with equal weight, differences paired. Without it, and with the
reader, its order is beside that of the words alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from eval.bench.intervals import bootstrap_mean, interval
from eval.bench.tuning.realtimeqa import arguments, holds
from eval.bench.tuning.refusal import Probe, gather, probe_set
from eval.bench.tuning.softmax import FOLDS, Array, Rows, fit_order, weights_by_name
from eval.dataset.importers import import_set
from eval.dataset.items import load_items
from eval.metrics.span import Place, span_scores
from eval.runs.targets import open_library
from qa.retrieval.sentence_ranker import CLOSER, ORDER, ORDER_BY_READER, ORDER_BY_WORDS
from qa.types import Evidence

SETS = ("gold", "clapnq", "chroma_chunking", "realtimeqa")
_PLACES = (1, 3, 5)


def main() -> None:
    """Ask every answerable question and print how high the right sentences rank."""
    parser = arguments(__doc__)
    parser.add_argument("--fit", action="store_true")
    options = parser.parse_args()
    probes = [
        probe
        for probe in gather_all(options.bench, options.store, options.gold, options.embed, options.year)
        if probe.item.answerable
    ]
    measure(probes, options.fit)


def gather_all(bench: Path, store: Path, gold: Path, embed: str, year: str = "2022") -> Iterator[Probe]:
    """Yield every question with its sentences."""
    yield from gather(bench, store, gold, embed, year)
    with TemporaryDirectory() as name:
        items, articles = Path(name, "items.jsonl"), Path(name, "articles.jsonl")
        import_set("chroma_chunking", bench / "chroma_chunking", items, articles, None)
        with open_library(None, articles, embed) as library:
            yield from probe_set(library, "chroma_chunking", load_items(items))


def measure(probes: Sequence[Probe], fitting: bool) -> None:
    """Print the figures of the current order and, with `fitting`, of weights fitted without each question's fold."""
    orders = [list(range(len(probe.ranked.evidence))) for probe in probes]
    before = [_marks(probe, order) for probe, order in zip(probes, orders, strict=True)]
    weights = weights_in_use(probes)
    if not fitting and weights is ORDER_BY_READER:
        by_words = [_marks(probe, _order_by_words(probe)) for probe in probes]
        _show(probes, by_words, before, "words alone", "with the reader")
        return
    if not fitting:
        _show(probes, before, None)
        return
    rows = [_rows(probe, tuple(weights)) for probe in probes]
    print(
        "weights",
        {name: round(value, 2) for name, value in weights_by_name(fit_order(rows)).items() if name != "constant"},
    )
    fold = np.random.default_rng(0).integers(0, FOLDS, len(rows))
    for number in range(FOLDS):
        fitted = fit_order([row for row, row_fold in zip(rows, fold, strict=True) if row_fold != number])
        for at in map(int, np.flatnonzero(fold == number)):
            head = [int(place) for place in np.argsort(-(rows[at].values @ fitted.weights), kind="stable")]
            orders[at][: len(head)] = head
    _show(probes, before, [_marks(probe, order) for probe, order in zip(probes, orders, strict=True)])


def _order_by_words(probe: Probe) -> list[int]:
    """Return the order that the same sentences have without the reader."""
    closer = probe.ranked.features[:CLOSER]
    values = [sum(weight * found.value(name) for name, weight in ORDER_BY_WORDS.items()) for found in closer]
    head = sorted(range(len(closer)), key=lambda place: -values[place])
    return head + list(range(len(closer), len(probe.ranked.evidence)))


def weights_in_use(probes: Sequence[Probe]) -> Mapping[str, float]:
    """Return the weights that ordered the sentences: those for the reader, for cosines or for words alone."""
    best = [probe.ranked.features[0] for probe in probes if probe.ranked.features]
    if any(found.was_read for found in best):
        return ORDER_BY_READER
    return ORDER if any(found.compared for found in best) else ORDER_BY_WORDS


def right(probe: Probe, sentence: Evidence) -> bool:
    """Tell whether a sentence answers the question of a probe."""
    if probe.set == "realtimeqa":
        return holds(sentence.text, probe.item.answers)
    return probe.proves(sentence)


def _rows(probe: Probe, names: tuple[str, ...]) -> Rows:
    features = probe.ranked.features[:CLOSER]
    values = np.array([[found.value(name) for name in names] for found in features], dtype=float)
    marks = np.array([right(probe, sentence) for sentence in probe.ranked.evidence[:CLOSER]], dtype=bool)
    return Rows(SETS.index(probe.set), True, names, values.reshape(len(features), len(names)), marks)


def _marks(probe: Probe, order: Sequence[int]) -> Mapping[str, float]:
    found = [probe.ranked.evidence[place] for place in order[: max(_PLACES)]]
    marks = {f"right in the best {k}": float(any(right(probe, sentence) for sentence in found[:k])) for k in _PLACES}
    if probe.set != "realtimeqa" and probe.item.evidence_sets:
        places = [Place(sentence.source.article_id, sentence.span.start, sentence.span.end) for sentence in found[:3]]
        gold = [[Place(span.article_id, span.start, span.end) for span in probe.item.gold]]
        marks["IoU of the best 3"] = span_scores(places, gold).iou
    return marks


def _show(
    probes: Sequence[Probe],
    before: Sequence[Mapping[str, float]],
    after: Sequence[Mapping[str, float]] | None,
    *names: str,
) -> None:
    first, second = names or ("", "fitted")
    for name in SETS:
        of_set = [at for at, probe in enumerate(probes) if probe.set == name]
        print(f"{name}, n = {len(of_set)}")
        for figure in before[of_set[0]] if of_set else ():
            marks = np.array([before[at][figure] for at in of_set])
            line = f"  {figure:20} {first} {interval(list(marks))}"
            if after is not None:
                fitted = np.array([after[at][figure] for at in of_set])
                line += f"   {second} {interval(list(fitted))}   {_paired(fitted - marks)}"
            print(line)


def _paired(changes: Array) -> str:
    low, high = bootstrap_mean(changes)
    return f"{changes.mean():+.3f} [{low:+.3f}, {high:+.3f}]"


if __name__ == "__main__":
    main()
