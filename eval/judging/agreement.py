"""Agreement of the judge with human labels on WiCE claims and QAGS summary sentences, read from a path.

What the judge is shown is what the labels are about. WiCE: the sentences that annotators marked, padded with the ones
most similar to the claim to a fixed number, so that the number does not leak the label. QAGS: the whole article.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from eval.judging.judge import IDENTITY, Judge, Level, Passage, Verdict
from eval.metrics.answer import plain_words
from eval.models.model_calls import Call, run_concurrently
from eval.runs.files import write_text
from qa import QaError, split_sentences

SetName = Literal["wice", "qags_cnndm"]
LEVELS: tuple[Level, ...] = ("unsupported", "partial", "supported")
SHOWN = 6  # sentences of a WiCE article; five of its 349 claims have this many or more marked
RESAMPLES = 5_000
SEED = 20230322
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LabelledClaim:
    """A claim with its human label and the passages that the judge is shown."""

    cluster: str
    text: str
    passages: tuple[Passage, ...]
    supported: bool


def load_labelled(name: SetName, folder: Path) -> list[LabelledClaim]:
    """Read a set. Raises QaError if its files are missing or malformed."""
    try:
        return list(_wice(folder) if name == "wice" else _qags(folder))
    except (OSError, ValueError, KeyError, IndexError, TypeError) as exc:
        raise QaError(f"{folder}: not the set {name}: {type(exc).__name__}: {exc}") from None


def _wice(folder: Path) -> Iterator[LabelledClaim]:
    with gzip.open(folder / "docs.jsonl.gz", "rt", encoding="utf-8") as lines:
        docs = {row["id"]: row for row in map(json.loads, lines)}
    for line in (folder / "items.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        doc = docs[row["closed_docs"][0]]
        marked = [(span["start"], span["text"]) for span in row["gold"]]
        chosen = _pad(row["question"], doc["text"], marked)
        passages = (Passage(doc["id"], start, words, doc["title"]) for start, words in chosen)
        yield LabelledClaim(doc["id"], row["question"], tuple(passages), row["meta"]["label"] == "supported")


def _pad(claim: str, text: str, marked: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return the marked sentences and the others most similar to the claim, in the order of the text."""
    claim_words = set(plain_words(claim).split())
    others = [(span.start, span.slice(text)) for span in split_sentences(text)]
    taken = [(start, start + len(words)) for start, words in marked]
    free = [
        sentence
        for sentence in others
        if all(sentence[0] + len(sentence[1]) <= start or end <= sentence[0] for start, end in taken)
    ]
    free.sort(key=lambda sentence: (-len(claim_words & set(plain_words(sentence[1]).split())), sentence[0]))
    return sorted([*marked, *free[: max(0, SHOWN - len(marked))]])


def _qags(folder: Path) -> Iterator[LabelledClaim]:
    for number, line in enumerate((folder / "mturk_cnndm.jsonl").read_text("utf-8").splitlines()):
        row = json.loads(line)
        for sentence in row["summary_sentences"]:
            yes = sum(reply["response"] == "yes" for reply in sentence["responses"])
            passage = Passage(f"article-{number}", 0, row["article"])
            yield LabelledClaim(
                passage.article_id, sentence["sentence"], (passage,), yes * 2 > len(sentence["responses"])
            )


def calls_of(judge: Judge, claims: Sequence[LabelledClaim]) -> list[Call]:
    """Return the model calls that judge the claims."""
    return [judge.call(claim.text, claim.passages) for claim in claims]


async def measure_agreement(
    name: SetName, claims: Sequence[LabelledClaim], judge: Judge, *, workers: int, console: Console
) -> dict[str, Any]:
    """Judge every claim and return the agreement entry of the set. Raises ServerUnavailable."""
    verdicts: dict[int, Verdict] = {}

    async def work(numbered: tuple[int, LabelledClaim]) -> None:
        index, claim = numbered
        verdicts[index] = await judge.verdict(claim.text, claim.passages)

    await run_concurrently(enumerate(claims), work, label=f"judging {name}", workers=workers, console=console)
    pairs = [(claim, verdicts[index]) for index, claim in enumerate(claims)]
    return {"set": name, **judge.identity, **agreement(pairs)}


def agreement(pairs: Sequence[tuple[LabelledClaim, Verdict]]) -> dict[str, Any]:
    """Return the agreement of verdicts with labels, with 95 % intervals over resampled articles. Pure and seeded."""
    tables: dict[str, Floats] = {}
    for claim, verdict in pairs:
        if verdict.level is not None:
            table = tables.setdefault(claim.cluster, np.zeros((2, len(LEVELS))))
            table[int(claim.supported), LEVELS.index(verdict.level)] += 1
    stack = np.array([tables[name] for name in sorted(tables)]).reshape(-1, 2, len(LEVELS))
    total = stack.sum(axis=0)
    draws = _resample(stack)
    metrics = {name: _figure(measure(total[None]), measure(draws)) for name, measure in MEASURES.items()}
    return {
        "n": len(pairs),
        "scored": int(total.sum()),
        "clusters": len(tables),
        "unscored": dict(Counter(verdict.unscored for _, verdict in pairs if verdict.unscored)),
        "metrics": metrics,
        "table": {
            label: dict(zip(LEVELS, map(int, total[row]), strict=True))
            for row, label in enumerate(("people_not_supported", "people_supported"))
        },
    }


def _resample(stack: Floats) -> Floats:
    rng = np.random.default_rng(SEED)
    if not len(stack):
        return np.zeros((1, 2, len(LEVELS)))
    counts = rng.multinomial(len(stack), np.full(len(stack), 1 / len(stack)), size=RESAMPLES)
    drawn: Floats = np.tensordot(counts.astype(np.float64), stack, axes=1)
    return drawn


def _figure(value: Floats, draws: Floats) -> dict[str, float | None]:
    finite = draws[np.isfinite(draws)]
    if not np.isfinite(value[0]) or len(finite) < len(draws) / 2:
        return {"value": float(value[0]) if np.isfinite(value[0]) else None, "low": None, "high": None}
    low, high = np.percentile(finite, [2.5, 97.5])
    return {"value": float(value[0]), "low": float(low), "high": float(high)}


def _divide(numerator: Floats, denominator: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient: Floats = np.where(denominator > 0, numerator / denominator, np.nan)
    return quotient


# `tables` is a stack of contingency tables: [table, label (0 not supported, 1 supported), level as in LEVELS]. For a
# yes-or-no measure only the level "supported" is a yes.


def accuracy(tables: Floats) -> Floats:
    """Return the share of claims that the judge labels as people do."""
    return _divide(tables[:, 1, 2] + tables[:, 0, :2].sum(axis=1), tables.sum(axis=(1, 2)))


def balanced_accuracy(tables: Floats) -> Floats:
    """Return the mean of the recalls of supported and of other claims."""
    sensitivity = _divide(tables[:, 1, 2], tables[:, 1].sum(axis=1))
    return (sensitivity + _divide(tables[:, 0, :2].sum(axis=1), tables[:, 0].sum(axis=1))) / 2


def auroc(tables: Floats) -> Floats:
    """Return the probability that a supported claim has a higher level than another one; a tie counts half."""
    bad, good = tables[:, 0], tables[:, 1]
    below = np.cumsum(bad, axis=1) - bad
    pairs = bad.sum(axis=1) * good.sum(axis=1)
    return _divide((good * (below + bad / 2)).sum(axis=1), pairs)


def kappa(tables: Floats) -> Floats:
    """Return Cohen's kappa of supported or not: agreement beyond chance."""
    total = tables.sum(axis=(1, 2))
    people, judge = _divide(tables[:, 1].sum(axis=1), total), _divide(tables[:, :, 2].sum(axis=1), total)
    chance = people * judge + (1 - people) * (1 - judge)
    return _divide(accuracy(tables) - chance, 1 - chance)


MEASURES = {"accuracy": accuracy, "balanced_accuracy": balanced_accuracy, "auroc": auroc, "kappa": kappa}


def read_agreement(path: Path) -> list[dict[str, Any]]:
    """Return the entries of an agreement file. Raises QaError for any other file."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["judge_agreement"]
        if not all(isinstance(entry, dict) and entry["set"] and entry["metrics"] for entry in entries):
            raise ValueError("an entry without its set or metrics")
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise QaError(f"{path}: no judge agreements: {type(exc).__name__}: {exc}") from None
    return list(entries)


def add_agreement(path: Path, entry: Mapping[str, Any]) -> None:
    """Add an entry to an agreement file, replacing the entry of the same set and judge."""
    names = ("set", *IDENTITY)
    earlier = read_agreement(path) if path.exists() else []
    kept = [earlier_entry for earlier_entry in earlier if any(earlier_entry.get(name) != entry[name] for name in names)]
    write_text(path, json.dumps({"judge_agreement": [*kept, entry]}, ensure_ascii=False, indent=1) + "\n")


def agreement_table(entry: Mapping[str, Any]) -> str:
    """Return an agreement entry as lines for a terminal."""
    unscored = ", ".join(f"{count} {reason}" for reason, count in entry["unscored"].items()) or "0"
    lines = [f"{entry['set']}: n {entry['n']}, {entry['clusters']} articles; unscored: {unscored}"]
    for name, metric in entry["metrics"].items():
        value = "-" if metric["value"] is None else f"{metric['value']:.3f}"
        interval = "-" if metric["low"] is None else f"[{metric['low']:.3f}, {metric['high']:.3f}]"
        lines.append(f"{name:18} {value:>6}  {interval}")
    lines += [
        f"{label}: {', '.join(f'{n} {level}' for level, n in row.items())}" for label, row in entry["table"].items()
    ]
    return "\n".join(lines)
