"""Sweep the fusion of retrieval legs and recency: other fusion methods, other weights, and random search for weights.

    python -m eval.bench.tuning.sweeps --bench PATH --store DIR [--embed minilm|none] [--draws 300]

The candidates of each leg are looked up once for every question: of `realtimeqa_goldlink` 2022 with and without its
date, of `realtimeqa_silver` 2022 (those that are not in goldlink; never fitted on), over the articles in the store at
DIR, and of our own gold set without follow-ups. Prints hits@1 and MRR@10 of articles for each variant with the paired
difference of MRR to the service, 95 % bootstrap over questions; then the mean weights of the thirty best random draws,
and the five-fold cross-validation of choosing them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.bench.intervals import bootstrap_mean
from eval.bench.tuning.realtimeqa import arguments, items
from eval.dataset.items import load_items
from eval.runs.targets import open_library
from qa import Library
from qa.indexes.protocols import Candidate, Place
from qa.library import sample_articles
from qa.retrieval.fusion import WEIGHTS, Weights, recency, score
from qa.retrieval.retriever import LegHits, day_asked
from qa.types import SearchBounds

FITTED = ("goldlink", "goldlink undated", "gold")
SETS = (*FITTED, "silver")
FOLDS, BEST, DEPTH = 5, 30, 10
_LOWEST, _HIGHEST = Weights(0.2, 0.3, 0.0, 0.5, 0.1, 0.5), Weights(1.2, 1.5, 1.8, 1.5, 1.0, 1.8)

Array = NDArray[np.float64]
Order = Callable[[LegHits], Sequence[Place]]


@dataclass(frozen=True, slots=True)
class Probe:
    """A question with the candidates of each leg and the articles that answer it."""

    set: str
    found: LegHits
    right: frozenset[int]


def main() -> None:
    """Retrieve the candidates of every question and print the figures of each variant."""
    parser = arguments(__doc__)
    parser.add_argument("--draws", type=int, default=300)
    options = parser.parse_args()
    probes = list(gather(options.bench, options.store, options.gold, options.embed))
    base = marks(probes, by_weights(WEIGHTS))
    for name, order in variants().items():
        _print_row(name, probes, marks(probes, order), base)
    if options.draws:
        _print_draws(probes, options.draws, base)


def gather(bench: Path, store: Path, gold: Path, embed: str) -> Iterator[Probe]:
    """Yield every question of every set with its candidates."""
    with open_library(None, sample_articles(), embed) as library:
        for item in load_items(gold):
            if item.relevant and not item.history:
                yield _probe(library, "gold", item.question, item.as_of, item.relevant)
    with open_library(store, None, embed) as library:
        linked = list(items(bench, "realtimeqa_goldlink"))
        for row in linked:
            known = frozenset(row["meta"]["gold_doc_ids"])
            yield _probe(library, "goldlink", row["question"], row["asof"], known)
            yield _probe(library, "goldlink undated", row["question"], None, known)
        ids = {row["id"] for row in linked}
        for row in items(bench, "realtimeqa_silver"):
            if row["id"] not in ids:
                known = frozenset(row["meta"]["gold_doc_ids"])
                yield _probe(library, "silver", row["question"], row["asof"], known)


def _probe(library: Library, name: str, question: str, as_of: str | None, known: frozenset[str]) -> Probe:
    found = library.retriever.look(question, SearchBounds(day_asked(as_of)))
    return Probe(name, found, frozenset(library.catalog.pks("default", sorted(known))))


def by_weights(weights: Weights) -> Order:
    """Return the order of the service with other weights."""
    return lambda found: list(score(found.words, found.near, found.not_after, found.window, weights))


def variants() -> dict[str, Order]:
    """Return every order that is compared."""
    known: dict[str, Order] = {"the service": by_weights(WEIGHTS)}
    for name in ("words", "meaning", "lead", "recency", "recency_asked"):
        for factor in (0.0, 0.5, 2.0):
            changed = {**_named(WEIGHTS), name: factor * getattr(WEIGHTS, name)}
            known[f"{name} x {factor:g}"] = by_weights(Weights(**changed))
    known["stretched to 0..1, recency 0.4"] = lambda found: _timed(found, _stretched(found), 0.4)
    known["reciprocal ranks, recency 0.01"] = lambda found: _timed(found, _reciprocal(found), 0.01)
    return known


def _named(weights: Weights) -> dict[str, float]:
    return dict(zip(Weights.__slots__, astuple(weights), strict=True))


def _stretched(found: LegHits) -> dict[Place, float]:
    total: dict[Place, float] = {}
    for leg in (found.words, found.near):
        low, high = (leg[-1].score, leg[0].score) if leg else (0.0, 0.0)
        for candidate in leg:
            total[candidate.place] = total.get(candidate.place, 0.0) + 0.5 * (candidate.score - low) / (
                (high - low) or 1.0
            )
    return total


def _reciprocal(found: LegHits) -> dict[Place, float]:
    total: dict[Place, float] = {}
    for leg in (found.words, found.near):
        for rank, candidate in enumerate(leg, start=1):
            total[candidate.place] = total.get(candidate.place, 0.0) + 1 / (60 + rank)
    return total


def _timed(found: LegHits, match: dict[Place, float], weight: float) -> list[Place]:
    every: tuple[Candidate, ...] = (*found.words, *found.near)
    prior = recency({candidate.place: candidate.day for candidate in every}, found.not_after, found.window)
    return sorted(match, key=lambda place: (-match[place] - weight * prior[place], place))


def marks(probes: Sequence[Probe], order: Order) -> Array:
    """Return the reciprocal rank of the first right article of each question, 0 beyond the tenth."""
    return np.array([_mark(order(probe.found), probe.right) for probe in probes])


def _mark(places: Sequence[Place], right: frozenset[int]) -> float:
    seen: dict[int, None] = {}
    for article, _, _ in places:
        if article in right:
            return 1 / (len(seen) + 1)
        seen[article] = None
        if len(seen) == DEPTH:
            break
    return 0.0


def _print_row(variant: str, probes: Sequence[Probe], new: Array, base: Array) -> None:
    row = []
    for name in SETS:
        of_set = np.array([probe.set == name for probe in probes])
        low, high = bootstrap_mean((new - base)[of_set])
        first = float((new[of_set] == 1.0).mean())
        row.append(f"{name} {first:.3f} {new[of_set].mean():.3f} [{low:+.3f}, {high:+.3f}]")
    print(f"{variant:32s} {'; '.join(row)}", flush=True)


def _print_draws(probes: Sequence[Probe], draws: int, base: Array) -> None:
    dice = np.random.default_rng(0)
    low, high = np.array(astuple(_LOWEST)), np.array(astuple(_HIGHEST))
    drawn: Array = low + dice.random((draws, len(low))) * (high - low)
    table = np.stack([marks(probes, by_weights(Weights(*row))) for row in drawn.tolist()])
    folds = dice.integers(0, FOLDS, len(probes))
    print("mean of the best:", ", ".join(f"{k} {v:.2f}" for k, v in _named(_best(probes, drawn, table)).items()))
    chosen = np.zeros(len(probes))
    for fold in range(FOLDS):
        weights = _best(
            [probe for probe, row_fold in zip(probes, folds, strict=True) if row_fold != fold],
            drawn,
            table[:, folds != fold],
        )
        held = [probe for probe, row_fold in zip(probes, folds, strict=True) if row_fold == fold]
        chosen[folds == fold] = marks(held, by_weights(weights))
    _print_row("chosen on the other four fifths", probes, chosen, base)


def _best(probes: Sequence[Probe], drawn: Array, table: Array) -> Weights:
    """Return the mean of the draws with the best mean over the sets."""
    means = [table[:, np.array([probe.set == name for probe in probes])].mean(axis=1) for name in FITTED]
    best = np.argsort(-np.mean(means, axis=0), kind="stable")[:BEST]
    return Weights(*drawn[best].mean(axis=0).tolist())


if __name__ == "__main__":
    main()
