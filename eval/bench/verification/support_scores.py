"""Measure the support score against human judgements: WiCE claims and QAGS summary sentences.

    python -m eval.bench.verification.support_scores --bench PATH [--embed minilm|none] [--refit]

A claim cites the few sentences of its article that cover it best. AUROC and balanced accuracy of the score that ships,
whose weights were fitted on these two sets; intervals are 95 % bootstrap over items. `--refit` adds five-fold
cross-validation, weights and threshold fitted on the other folds, and the weights that all items give. Then come the
verdicts of the check by what people said.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa import Embedder, Evidence, MiniLM, Span, split_sentences
from qa.text.english import FILLERS
from qa.text.stemming import stem_set
from qa.types import Source
from qa.verification.support_score import features, score
from qa.verification.verify import check

Floats = NDArray[np.float64]
_CITED, _LOOKED = 4, 12
_FOLDS, _RESAMPLES = 5, 2_000
_BOUND = 0.5  # a score from which qa.verification.check calls a retelling partial


def claims(bench: Path, name: str) -> Iterator[tuple[str, str, str | None, bool]]:
    """Yield each claim with its article's text and title, and whether people found it supported."""
    if name == "wice":
        with gzip.open(bench / "wice" / "docs.jsonl.gz", "rt", encoding="utf-8") as lines:
            docs = {row["id"]: row for row in map(json.loads, lines)}
        for line in (bench / "wice" / "items.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            doc = docs[row["closed_docs"][0]]
            yield row["question"], doc["text"], doc["title"], row["meta"]["label"] == "supported"
        return
    for line in (bench / "qags_cnndm" / "mturk_cnndm.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        for one in row["summary_sentences"]:
            yes = [reply["response"] == "yes" for reply in one["responses"]]
            yield one["sentence"], row["article"], None, sum(yes) * 2 > len(yes)


def judgements(bench: Path, name: str) -> list[str]:
    """Return what people said of each claim, in the order of `claims`."""
    if name == "wice":
        lines = (bench / "wice" / "items.jsonl").read_text("utf-8").splitlines()
        return [str(json.loads(line)["meta"]["label"]) for line in lines]
    rows = map(json.loads, (bench / "qags_cnndm" / "mturk_cnndm.jsonl").read_text("utf-8").splitlines())
    return [
        f"{sum(reply['response'] == 'yes' for reply in one['responses'])} of 3 say yes"
        for row in rows
        for one in row["summary_sentences"]
    ]


def count_verdicts(bench: Path, name: str, embedder: Embedder | None) -> Counter[tuple[str, str]]:
    """Count the check's verdicts by what people said."""
    found: Counter[tuple[str, str]] = Counter()
    for (claim, body, title, _), said in zip(claims(bench, name), judgements(bench, name), strict=True):
        cited = choose(claim, body, title, embedder)
        found[said, check(claim, cited, score=score(claim, cited, embedder))[0]] += 1
    return found


def choose(claim: str, article: str, title: str | None, embedder: Embedder | None) -> list[Evidence]:
    """Return the sentences of the article that together cover the claim best, at most four."""
    spans = split_sentences(article)[:400]
    texts = [span.slice(article) for span in spans]
    own = stem_set(claim) - FILLERS
    stems = [stem_set(one) - FILLERS for one in texts]
    top = sorted(range(len(texts)), key=lambda at: -len(own & stems[at]))[:_LOOKED]
    near = dict.fromkeys(top, 0.0)
    if embedder is not None and top:
        vectors = embedder.embed_texts([claim, *(texts[at] for at in top)])
        near = {at: float(vectors[0] @ vector) for at, vector in zip(top, vectors[1:], strict=True)}
    chosen: list[int] = []
    found: set[str] = set()
    while len(chosen) < _CITED and len(chosen) < len(top):
        rest = [at for at in top if at not in chosen]
        best = max(
            rest,
            key=lambda at: (
                (len((own - found) & stems[at]) + 0.2 * len(own & stems[at])) / max(1, len(own)) + 0.3 * near[at]
            ),
        )
        if chosen and not (own - found) & stems[best]:
            break
        chosen.append(best)
        found |= own & stems[best]
    source = Source("a", 1, "0" * 64, title, None, None, None)
    return [
        Evidence(
            source,
            spans[at],
            texts[at],
            1.0,
            Span(spans[max(0, at - 1)].start, spans[min(at + 1, len(spans) - 1)].end).slice(article),
        )
        for at in chosen
    ]


def fit(values: Floats, marks: Floats, weights: Floats) -> Floats:
    """Fit a logistic regression with a ridge of one, by Newton's method."""
    values = np.c_[values, np.ones(len(values))]
    found = np.zeros(values.shape[1])
    ridge = np.diag([*np.ones(values.shape[1] - 1), 1e-6])
    for _ in range(30):
        likely = 1 / (1 + np.exp(-values @ found))
        slope = values.T @ (weights * (likely - marks)) + ridge @ found
        found -= np.linalg.solve((values.T * (weights * likely * (1 - likely))) @ values + ridge, slope)
    return found


def auroc(scores: Floats, marks: Floats) -> float:
    """Return how often a supported claim scores higher than one that is not; a tie is a half."""
    good, bad = scores[marks == 1], scores[marks == 0]
    return float(np.mean((good[:, None] > bad) + 0.5 * (good[:, None] == bad)))


def balanced(scores: Floats, marks: Floats, bound: float) -> float:
    """Return the mean of the shares of supported and of other claims that are told right."""
    return float((np.mean(scores[marks == 1] >= bound) + np.mean(scores[marks == 0] < bound)) / 2)


def cross_validate(sets: Sequence[tuple[Floats, Floats]], seed: int = 0) -> list[tuple[Floats, Floats]]:
    """Return for each set the scores of its items and their side of the threshold, from the other folds of all sets."""
    rng = np.random.default_rng(seed)
    folds = [rng.integers(0, _FOLDS, len(marks)) for _, marks in sets]
    out = [(np.zeros(len(marks)), np.zeros(len(marks))) for _, marks in sets]
    for fold in range(_FOLDS):
        values = np.concatenate([one[at != fold] for (one, _), at in zip(sets, folds, strict=True)])
        marks = np.concatenate([one[at != fold] for (_, one), at in zip(sets, folds, strict=True)])
        weights = np.concatenate([np.full((at != fold).sum(), 500 / len(at)) for at in folds])
        found = fit(values, marks, weights)
        for (one, own), at, (scores, sides) in zip(sets, folds, out, strict=True):
            mine = np.c_[one, np.ones(len(one))] @ found
            bounds = np.quantile(mine[at != fold], np.linspace(0.05, 0.95, 91))
            bound = max(bounds, key=lambda bound: balanced(mine[at != fold], own[at != fold], bound))
            scores[at == fold] = mine[at == fold]
            sides[at == fold] = mine[at == fold] >= bound
    return out


def interval(scores: Floats, marks: Floats) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the AUROC."""
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, len(marks), len(marks)) for _ in range(_RESAMPLES)]
    low, high = np.percentile([auroc(scores[at], marks[at]) for at in drawn], [2.5, 97.5])
    return float(low), float(high)


@dataclass(frozen=True, slots=True)
class Measured:
    """The claims of a set: their scores by the weights as shipped, and what weights are fitted on."""

    scores: Floats
    marks: Floats  # 1 for each claim that people found supported
    values: Floats | None  # the features of each claim, where they were asked for

    @property
    def examples(self) -> tuple[Floats, Floats]:
        """Return the features and the marks, to fit weights on."""
        if self.values is None:
            raise ValueError("measured without features")
        return self.values, self.marks


def measured(
    bench: Path, name: str, embedder: Embedder | None, limit: int | None = None, with_features: bool = False
) -> Measured:
    """Score each claim of a set as the service does, and measure its features if asked."""
    scores, marks, values = [], [], []
    for claim, body, title, label in islice(claims(bench, name), limit):
        cited = choose(claim, body, title, embedder)
        scores.append(score(claim, cited, embedder))
        marks.append(float(label))
        if with_features:
            values.append(astuple(features(claim, cited, embedder))[: 6 if embedder else 4])
    return Measured(np.array(scores), np.array(marks), np.array(values) if with_features else None)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--embed", choices=("minilm", "none"), default="minilm")
    parser.add_argument("--refit", action="store_true", help="also fit weights anew, and say what on")
    options = parser.parse_args()
    embedder = MiniLM() if options.embed == "minilm" else None
    found = {name: measured(options.bench, name, embedder, None, options.refit) for name in ("wice", "qags_cnndm")}
    print("| set | n | weights | AUROC | balanced accuracy |\n|---|---|---|---|---|")
    for name, one in found.items():
        _print_row(name, "as shipped", one.scores, one.marks, balanced(one.scores, one.marks, _BOUND))
    if options.refit:
        _refit(found)
    print("\n| set | people say | supported | partial | unsupported |\n|---|---|---|---|---|")
    for name in found:
        verdicts = count_verdicts(options.bench, name, embedder)
        for said in sorted({said for said, _ in verdicts}):
            counts = [verdicts[said, verdict] for verdict in ("supported", "partial", "unsupported")]
            print(f"| {name} | {said} | {counts[0]} | {counts[1]} | {counts[2]} |")


def _print_row(name: str, weights: str, scores: Floats, marks: Floats, told: float) -> None:
    low, high = interval(scores, marks)
    print(f"| {name} | {len(marks)} | {weights} | {auroc(scores, marks):.3f} [{low:.3f}, {high:.3f}] | {told:.3f} |")


def _refit(found: Mapping[str, Measured]) -> None:
    sets = [one.examples for one in found.values()]
    both = cross_validate(sets)
    for (name, one), (scores, sides) in zip(found.items(), both, strict=True):
        _print_row(name, f"fitted on {refitted_on(found)}", scores, one.marks, balanced(sides, one.marks, 0.5))
    for name, one in found.items():
        ((scores, sides),) = cross_validate([one.examples])
        _print_row(name, f"fitted on {refitted_on([name])}", scores, one.marks, balanced(sides, one.marks, 0.5))
    every = np.concatenate([values for values, _ in sets]), np.concatenate([marks for _, marks in sets])
    weights = np.concatenate([np.full(len(marks), 500 / len(marks)) for _, marks in sets])
    print(f"weights fitted on all of {' and '.join(found)}:", fit(*every, weights).round(2).tolist())


def refitted_on(names: Iterable[str]) -> str:
    """Return what `cross_validate` fits the weights of an item on."""
    return f"the other {_FOLDS - 1} of {_FOLDS} folds of {' and '.join(names)}"


if __name__ == "__main__":
    main()
