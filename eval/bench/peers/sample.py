"""Draw the articles and questions of the comparison: gold articles, and others by a fixed seed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval.dataset.importers import lines, question_text
from qa import QaError

YEAR = "2022"
SEED = 20220617
SETS = ("goldlink", "silver")


@dataclass(frozen=True, slots=True)
class PeerQuestion:
    """A question with the ids of its gold articles and its gold answers."""

    id: str
    text: str
    as_of: str
    sets: tuple[str, ...]
    gold: tuple[str, ...]
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Draw:
    """The articles and questions that every system gets."""

    articles: tuple[dict[str, Any], ...]
    questions: tuple[PeerQuestion, ...]

    def write(self, articles: Path, questions: Path) -> None:
        """Write both as JSON lines, for the processes of the systems."""
        _write(articles, list(self.articles))
        _write(questions, [asdict(question) for question in self.questions])


def draw(bench: Path, count: int, seed: int = SEED) -> Draw:
    """Return `count` articles of the year, with all gold articles of goldlink, and the questions they can answer."""
    corpus = bench / "realtimeqa_docs" / f"docs_{YEAR}.jsonl.gz"
    try:
        rows = [json.loads(line) for line in lines(corpus)]
        items = {name: _items(bench / f"realtimeqa_{name}" / "items.jsonl") for name in SETS}
        known = frozenset(row["id"] for row in rows)
        needed = {name for question in merge({"goldlink": items["goldlink"]}, known) for name in question.gold}
        chosen = frozenset(needed | set(choose(known - needed, count - len(needed), seed)))
        questions = merge(items, chosen)
    except (OSError, ValueError, KeyError) as exc:
        raise QaError(f"{bench} cannot be read: {type(exc).__name__}: {exc}") from exc
    return Draw(tuple(row for row in rows if row["id"] in chosen), questions)


def choose(names: Iterable[str], count: int, seed: int) -> list[str]:
    """Return `count` of the names, determined by the seed; a larger draw holds the smaller ones."""
    order = sorted(names)
    random.Random(seed).shuffle(order)
    return order[: max(0, count)]


def merge(sets: Mapping[str, Sequence[Mapping[str, Any]]], known: frozenset[str]) -> tuple[PeerQuestion, ...]:
    """Return each question once, with the gold data of all sets; none without a gold article in `known`."""
    merged: dict[str, PeerQuestion] = {}
    for name, items in sets.items():
        for item in items:
            gold = tuple(article_id for article_id in item["meta"]["gold_doc_ids"] if article_id in known)
            if not gold or not item["asof"]:
                continue
            earlier = merged.get(item["id"])
            merged[item["id"]] = PeerQuestion(
                id=item["id"],
                text=question_text(item["question"]),
                as_of=item["asof"],
                sets=(*(earlier.sets if earlier else ()), name),
                gold=tuple(dict.fromkeys((*(earlier.gold if earlier else ()), *gold))),
                answers=tuple(dict.fromkeys((*(earlier.answers if earlier else ()), *item["answers"]))),
            )
    return tuple(merged.values())


def _items(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(path)]


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
