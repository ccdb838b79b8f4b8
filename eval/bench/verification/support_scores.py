"""Measure the support score against human judgements: WiCE claims and QAGS summary sentences.

    python -m eval.bench.verification.support_scores --bench PATH [--embed minilm|none] [--refit]

A claim cites the few sentences of its article that cover it best. Prints AUROC and balanced accuracy of the shipped
score, whose weights were fitted on these two sets; intervals are 95 % bootstrap over items. `--refit` adds five-fold
cross-validation, weights and threshold fitted on the other folds, and the weights fitted on all items. Then come the
verdicts of the check by human judgement.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.dataset.importers import lines
from qa import Embedder, Evidence, MiniLM, Span, split_sentences
from qa.text.english import FILLERS
from qa.text.stemming import stem_set
from qa.types import Source
from qa.verification.support_score import features, score
from qa.verification.verify import check

Floats = NDArray[np.float64]
_CITED, _LOOKED = 4, 12
_FOLDS, _RESAMPLES = 5, 2_000
_BOUND = 0.5  # the score from which qa.verification.verify.check calls a paraphrase partial


def claims(bench: Path, name: str) -> Iterator[tuple[str, str, str | None, bool]]:
    """Yield each claim with its article's text and title, and whether people found it supported."""
    if name == "wice":
        docs = {row["id"]: row for row in map(json.loads, lines(bench / "wice" / "docs.jsonl.gz"))}
        for row in map(json.loads, lines(bench / "wice" / "items.jsonl")):
            doc = docs[row["closed_docs"][0]]
            yield row["question"], doc["text"], doc["title"], row["meta"]["label"] == "supported"
        return
    for row in map(json.loads, lines(bench / "qags_cnndm" / "mturk_cnndm.jsonl")):
        for sentence in row["summary_sentences"]:
            yes = [reply["response"] == "yes" for reply in sentence["responses"]]
            yield sentence["sentence"], row["article"], None, sum(yes) * 2 > len(yes)


def judgements(bench: Path, name: str) -> list[str]:
    """Return the human judgement of each claim, in the order of `claims`."""
    if name == "wice":
        return [str(json.loads(line)["meta"]["label"]) for line in lines(bench / "wice" / "items.jsonl")]
    rows = map(json.loads, lines(bench / "qags_cnndm" / "mturk_cnndm.jsonl"))
    return [
        f"{sum(reply['response'] == 'yes' for reply in sentence['responses'])} of 3 say yes"
        for row in rows
        for sentence in row["summary_sentences"]
    ]


def count_verdicts(bench: Path, name: str, embedder: Embedder | None) -> Counter[tuple[str, str]]:
    """Count the verdicts of the check by human judgement."""
    counts: Counter[tuple[str, str]] = Counter()
    for (claim, body, title, _), judgement in zip(claims(bench, name), judgements(bench, name), strict=True):
        cited = choose(claim, body, title, embedder)
        counts[judgement, check(claim, cited, score=score(claim, cited, embedder))[0]] += 1
    return counts


def choose(claim: str, article: str, title: str | None, embedder: Embedder | None) -> list[Evidence]:
    """Return the sentences of the article that together cover the claim best, at most four."""
    spans = split_sentences(article)[:400]
    texts = [span.slice(article) for span in spans]
    claim_stems = stem_set(claim) - FILLERS
    stems = [stem_set(text) - FILLERS for text in texts]
    top = sorted(range(len(texts)), key=lambda at: -len(claim_stems & stems[at]))[:_LOOKED]
    similarity = dict.fromkeys(top, 0.0)
    if embedder is not None and top:
        vectors = embedder.embed_texts([claim, *(texts[at] for at in top)])
        similarity = {at: float(vectors[0] @ vector) for at, vector in zip(top, vectors[1:], strict=True)}
    chosen: list[int] = []
    covered: set[str] = set()
    while len(chosen) < _CITED and len(chosen) < len(top):
        rest = [at for at in top if at not in chosen]
        best = max(
            rest,
            key=lambda at: (
                (len((claim_stems - covered) & stems[at]) + 0.2 * len(claim_stems & stems[at]))
                / max(1, len(claim_stems))
                + 0.3 * similarity[at]
            ),
        )
        if chosen and not (claim_stems - covered) & stems[best]:
            break
        chosen.append(best)
        covered |= claim_stems & stems[best]
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
    coefficients = np.zeros(values.shape[1])
    ridge = np.diag([*np.ones(values.shape[1] - 1), 1e-6])
    for _ in range(30):
        probability = 1 / (1 + np.exp(-values @ coefficients))
        slope = values.T @ (weights * (probability - marks)) + ridge @ coefficients
        coefficients -= np.linalg.solve(
            (values.T * (weights * probability * (1 - probability))) @ values + ridge, slope
        )
    return coefficients


def auroc(scores: Floats, marks: Floats) -> float:
    """Return how often a supported claim scores higher than one that is not; a tie is a half."""
    good, bad = scores[marks == 1], scores[marks == 0]
    return float(np.mean((good[:, None] > bad) + 0.5 * (good[:, None] == bad)))


def balanced(scores: Floats, marks: Floats, bound: float) -> float:
    """Return balanced accuracy: the mean of the accuracies on supported and on other claims."""
    return float((np.mean(scores[marks == 1] >= bound) + np.mean(scores[marks == 0] < bound)) / 2)


def cross_validate(sets: Sequence[tuple[Floats, Floats]], seed: int = 0) -> list[tuple[Floats, Floats]]:
    """Return for each set the scores of its items and whether they reach the threshold, fitted on the other folds."""
    rng = np.random.default_rng(seed)
    folds = [rng.integers(0, _FOLDS, len(marks)) for _, marks in sets]
    results = [(np.zeros(len(marks)), np.zeros(len(marks))) for _, marks in sets]
    for fold in range(_FOLDS):
        values = np.concatenate(
            [features_of_set[at != fold] for (features_of_set, _), at in zip(sets, folds, strict=True)]
        )
        marks = np.concatenate([set_marks[at != fold] for (_, set_marks), at in zip(sets, folds, strict=True)])
        weights = np.concatenate([np.full((at != fold).sum(), 500 / len(at)) for at in folds])
        coefficients = fit(values, marks, weights)
        for (features_of_set, set_marks), at, (scores, sides) in zip(sets, folds, results, strict=True):
            mine = np.c_[features_of_set, np.ones(len(features_of_set))] @ coefficients
            bounds = np.quantile(mine[at != fold], np.linspace(0.05, 0.95, 91))
            bound = max(bounds, key=lambda bound: balanced(mine[at != fold], set_marks[at != fold], bound))
            scores[at == fold] = mine[at == fold]
            sides[at == fold] = mine[at == fold] >= bound
    return results


def interval(scores: Floats, marks: Floats) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the AUROC."""
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, len(marks), len(marks)) for _ in range(_RESAMPLES)]
    low, high = np.percentile([auroc(scores[at], marks[at]) for at in drawn], [2.5, 97.5])
    return float(low), float(high)


@dataclass(frozen=True, slots=True)
class ScoredClaims:
    """The claims of a set: their scores by the shipped weights, their labels, and their features."""

    scores: Floats
    marks: Floats  # 1 for each claim that people found supported
    values: Floats | None  # the features of each claim, if requested

    @property
    def examples(self) -> tuple[Floats, Floats]:
        """Return the features and the labels, to fit weights on."""
        if self.values is None:
            raise ValueError("measured without features")
        return self.values, self.marks


def score_claims(
    bench: Path, name: str, embedder: Embedder | None, limit: int | None = None, with_features: bool = False
) -> ScoredClaims:
    """Score each claim of a set as the service does; with `with_features`, also keep its features."""
    scores, marks, values = [], [], []
    for claim, body, title, label in islice(claims(bench, name), limit):
        cited = choose(claim, body, title, embedder)
        scores.append(score(claim, cited, embedder))
        marks.append(float(label))
        if with_features:
            values.append(astuple(features(claim, cited, embedder))[: 6 if embedder else 4])
    return ScoredClaims(np.array(scores), np.array(marks), np.array(values) if with_features else None)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--embed", choices=("minilm", "none"), default="minilm")
    parser.add_argument("--refit", action="store_true", help="also fit weights anew, and say what on")
    options = parser.parse_args()
    embedder = MiniLM() if options.embed == "minilm" else None
    scored = {name: score_claims(options.bench, name, embedder, None, options.refit) for name in ("wice", "qags_cnndm")}
    print("| set | n | weights | AUROC | balanced accuracy |\n|---|---|---|---|---|")
    for name, claim_set in scored.items():
        _print_row(
            name, "as shipped", claim_set.scores, claim_set.marks, balanced(claim_set.scores, claim_set.marks, _BOUND)
        )
    if options.refit:
        _refit(scored)
    print("\n| set | people say | supported | partial | unsupported |\n|---|---|---|---|---|")
    for name in scored:
        verdicts = count_verdicts(options.bench, name, embedder)
        for judgement in sorted({judgement for judgement, _ in verdicts}):
            counts = [verdicts[judgement, verdict] for verdict in ("supported", "partial", "unsupported")]
            print(f"| {name} | {judgement} | {counts[0]} | {counts[1]} | {counts[2]} |")


def _print_row(name: str, weights: str, scores: Floats, marks: Floats, accuracy: float) -> None:
    low, high = interval(scores, marks)
    print(
        f"| {name} | {len(marks)} | {weights} | {auroc(scores, marks):.3f} [{low:.3f}, {high:.3f}] | {accuracy:.3f} |"
    )


def _refit(scored: Mapping[str, ScoredClaims]) -> None:
    sets = [claim_set.examples for claim_set in scored.values()]
    results = cross_validate(sets)
    for (name, claim_set), (scores, sides) in zip(scored.items(), results, strict=True):
        _print_row(
            name, f"fitted on {refitted_on(scored)}", scores, claim_set.marks, balanced(sides, claim_set.marks, 0.5)
        )
    for name, claim_set in scored.items():
        ((scores, sides),) = cross_validate([claim_set.examples])
        _print_row(
            name, f"fitted on {refitted_on([name])}", scores, claim_set.marks, balanced(sides, claim_set.marks, 0.5)
        )
    every = np.concatenate([values for values, _ in sets]), np.concatenate([marks for _, marks in sets])
    weights = np.concatenate([np.full(len(marks), 500 / len(marks)) for _, marks in sets])
    print(f"weights fitted on all of {' and '.join(scored)}:", fit(*every, weights).round(2).tolist())


def refitted_on(names: Iterable[str]) -> str:
    """Return a description of what `cross_validate` fits the weights of an item on."""
    return f"the other {_FOLDS - 1} of {_FOLDS} folds of {' and '.join(names)}"


if __name__ == "__main__":
    main()
