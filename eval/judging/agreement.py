"""Measure how far a judge agrees with people: WiCE claims and QAGS summary sentences, read from a path.

People's labels hold for what the judge is shown. WiCE: the sentences that people marked, filled up with the others that
come nearest to the claim, always as many, so that their number tells nothing. QAGS: the whole article.
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
from eval.models.model_calls import Call, work_through
from eval.runs.files import write_text
from qa import QaError, split_sentences

SetName = Literal["wice", "qags_cnndm"]
LEVELS: tuple[Level, ...] = ("unsupported", "partial", "supported")
SHOWN = 6  # sentences of a WiCE article; five of its 349 claims have as many marked, or more
RESAMPLES = 5_000
SEED = 20230322
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A claim that people judged, with what the judge is shown."""

    cluster: str
    claim: str
    passages: tuple[Passage, ...]
    supported: bool


def load_labelled(name: SetName, folder: Path) -> list[Labelled]:
    """Read a set. Raises QaError where its files are not there or not of its form."""
    try:
        return list(_wice(folder) if name == "wice" else _qags(folder))
    except (OSError, ValueError, KeyError, IndexError, TypeError) as exc:
        raise QaError(f"{folder}: not the set {name}: {type(exc).__name__}: {exc}") from None


def _wice(folder: Path) -> Iterator[Labelled]:
    with gzip.open(folder / "docs.jsonl.gz", "rt", encoding="utf-8") as lines:
        docs = {row["id"]: row for row in map(json.loads, lines)}
    for line in (folder / "items.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        doc = docs[row["closed_docs"][0]]
        marked = [(one["start"], one["text"]) for one in row["gold"]]
        chosen = _fill_up(row["question"], doc["text"], marked)
        shown = (Passage(doc["id"], start, words, doc["title"]) for start, words in chosen)
        yield Labelled(doc["id"], row["question"], tuple(shown), row["meta"]["label"] == "supported")


def _fill_up(claim: str, text: str, marked: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return the marked sentences and the nearest others, in the order of the text."""
    own = set(plain_words(claim).split())
    others = [(span.start, span.slice(text)) for span in split_sentences(text)]
    taken = [(start, start + len(words)) for start, words in marked]
    free = [one for one in others if all(one[0] + len(one[1]) <= start or end <= one[0] for start, end in taken)]
    free.sort(key=lambda one: (-len(own & set(plain_words(one[1]).split())), one[0]))
    return sorted([*marked, *free[: max(0, SHOWN - len(marked))]])


def _qags(folder: Path) -> Iterator[Labelled]:
    for number, line in enumerate((folder / "mturk_cnndm.jsonl").read_text("utf-8").splitlines()):
        row = json.loads(line)
        for one in row["summary_sentences"]:
            yes = sum(reply["response"] == "yes" for reply in one["responses"])
            passage = Passage(f"article-{number}", 0, row["article"])
            yield Labelled(passage.article_id, one["sentence"], (passage,), yes * 2 > len(one["responses"]))


def calls_of(judge: Judge, labelled: Sequence[Labelled]) -> list[Call]:
    """Return the calls that judge the claims."""
    return [judge.call(one.claim, one.passages) for one in labelled]


async def measure_agreement(
    name: SetName, labelled: Sequence[Labelled], judge: Judge, *, workers: int, console: Console
) -> dict[str, Any]:
    """Judge every claim and return the entry of the set. Raises ServerAway."""
    verdicts: dict[int, Verdict] = {}

    async def work(numbered: tuple[int, Labelled]) -> None:
        place, one = numbered
        verdicts[place] = await judge.verdict(one.claim, one.passages)

    await work_through(enumerate(labelled), work, label=f"judging {name}", workers=workers, console=console)
    pairs = [(one, verdicts[place]) for place, one in enumerate(labelled)]
    return {"set": name, **judge.identity, **agreement(pairs)}


def agreement(pairs: Sequence[tuple[Labelled, Verdict]]) -> dict[str, Any]:
    """Return how verdicts agree with labels, with 95 % intervals over resampled articles. Pure and seeded."""
    tables: dict[str, Floats] = {}
    for one, verdict in pairs:
        if verdict.level is not None:
            table = tables.setdefault(one.cluster, np.zeros((2, len(LEVELS))))
            table[int(one.supported), LEVELS.index(verdict.level)] += 1
    stack = np.array([tables[name] for name in sorted(tables)]).reshape(-1, 2, len(LEVELS))
    whole = stack.sum(axis=0)
    draws = _resample(stack)
    metrics = {name: _figure(measure(whole[None]), measure(draws)) for name, measure in MEASURES.items()}
    return {
        "n": len(pairs),
        "scored": int(whole.sum()),
        "clusters": len(tables),
        "unscored": dict(Counter(verdict.unscored for _, verdict in pairs if verdict.unscored)),
        "metrics": metrics,
        "table": {
            label: dict(zip(LEVELS, map(int, whole[row]), strict=True))
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
    known = draws[np.isfinite(draws)]
    if not np.isfinite(value[0]) or len(known) < len(draws) / 2:
        return {"value": float(value[0]) if np.isfinite(value[0]) else None, "low": None, "high": None}
    low, high = np.percentile(known, [2.5, 97.5])
    return {"value": float(value[0]), "low": float(low), "high": float(high)}


def _divide(above: Floats, below: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.where(below > 0, above / below, np.nan)
    return found


# Tables are stacked: (table, not supported or supported by people, level). Supported is what the judge calls so.


def accuracy(tables: Floats) -> Floats:
    """Return the share of claims told right."""
    return _divide(tables[:, 1, 2] + tables[:, 0, :2].sum(axis=1), tables.sum(axis=(1, 2)))


def balanced_accuracy(tables: Floats) -> Floats:
    """Return the mean of the shares of supported and of other claims told right."""
    good = _divide(tables[:, 1, 2], tables[:, 1].sum(axis=1))
    return (good + _divide(tables[:, 0, :2].sum(axis=1), tables[:, 0].sum(axis=1))) / 2


def auroc(tables: Floats) -> Floats:
    """Return how often a supported claim has the higher level of a pair; a tie is a half."""
    bad, good = tables[:, 0], tables[:, 1]
    below = np.cumsum(bad, axis=1) - bad
    pairs = bad.sum(axis=1) * good.sum(axis=1)
    return _divide((good * (below + bad / 2)).sum(axis=1), pairs)


def kappa(tables: Floats) -> Floats:
    """Return Cohen's kappa of supported or not: agreement beyond what the two shares give by chance."""
    total = tables.sum(axis=(1, 2))
    people, judge = _divide(tables[:, 1].sum(axis=1), total), _divide(tables[:, :, 2].sum(axis=1), total)
    chance = people * judge + (1 - people) * (1 - judge)
    return _divide(accuracy(tables) - chance, 1 - chance)


MEASURES = {"accuracy": accuracy, "balanced_accuracy": balanced_accuracy, "auroc": auroc, "kappa": kappa}


def read_agreement(path: Path) -> list[dict[str, Any]]:
    """Return the entries of a file of agreements. Raises QaError for another file."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["judge_agreement"]
        if not all(isinstance(one, dict) and one["set"] and one["metrics"] for one in entries):
            raise ValueError("an entry without its set or metrics")
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise QaError(f"{path}: no judge agreements: {type(exc).__name__}: {exc}") from None
    return list(entries)


def add_agreement(path: Path, entry: Mapping[str, Any]) -> None:
    """Put an entry into a file of agreements, in the place of the one of the same set and judge."""
    names = ("set", *IDENTITY)
    earlier = read_agreement(path) if path.exists() else []
    kept = [one for one in earlier if any(one.get(name) != entry[name] for name in names)]
    write_text(path, json.dumps({"judge_agreement": [*kept, entry]}, ensure_ascii=False, indent=1) + "\n")


def agreement_table(entry: Mapping[str, Any]) -> str:
    """Return an entry as lines for a terminal."""
    unscored = ", ".join(f"{count} {reason}" for reason, count in entry["unscored"].items()) or "0"
    lines = [f"{entry['set']}: n {entry['n']}, {entry['clusters']} articles; unscored: {unscored}"]
    for name, one in entry["metrics"].items():
        value = "-" if one["value"] is None else f"{one['value']:.3f}"
        interval = "-" if one["low"] is None else f"[{one['low']:.3f}, {one['high']:.3f}]"
        lines.append(f"{name:18} {value:>6}  {interval}")
    lines += [
        f"{label}: {', '.join(f'{n} {level}' for level, n in row.items())}" for label, row in entry["table"].items()
    ]
    return "\n".join(lines)
