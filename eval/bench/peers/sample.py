"""Which articles and questions every peer gets: gold articles and others drawn by a fixed seed. Read from a path."""

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
    """A question with the articles that answer it and the strings that do."""

    id: str
    text: str
    as_of: str
    sets: tuple[str, ...]
    gold: tuple[str, ...]
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Draw:
    """The same articles and the same questions for every system."""

    articles: tuple[dict[str, Any], ...]
    questions: tuple[PeerQuestion, ...]

    def write(self, articles: Path, questions: Path) -> None:
        """Write both as lines of JSON, which the processes of the peers read."""
        _write(articles, list(self.articles))
        _write(questions, [asdict(one) for one in self.questions])


def draw(bench: Path, count: int, seed: int = SEED) -> Draw:
    """Return `count` articles of the year, all that goldlink's questions need among them, and what can be asked."""
    corpus = bench / "realtimeqa_docs" / f"docs_{YEAR}.jsonl.gz"
    try:
        rows = [json.loads(line) for line in lines(corpus)]
        items = {name: _items(bench / f"realtimeqa_{name}" / "items.jsonl") for name in SETS}
        known = frozenset(row["id"] for row in rows)
        needed = {name for one in merge({"goldlink": items["goldlink"]}, known) for name in one.gold}
        chosen = frozenset(needed | set(choose(known - needed, count - len(needed), seed)))
        questions = merge(items, chosen)
    except (OSError, ValueError, KeyError) as exc:
        raise QaError(f"{bench} cannot be read: {type(exc).__name__}: {exc}") from exc
    return Draw(tuple(row for row in rows if row["id"] in chosen), questions)


def choose(names: Iterable[str], count: int, seed: int) -> list[str]:
    """Return `count` of the names, the same ones every time; a larger draw holds the smaller ones."""
    order = sorted(names)
    random.Random(seed).shuffle(order)
    return order[: max(0, count)]


def merge(sets: Mapping[str, Sequence[Mapping[str, Any]]], known: frozenset[str]) -> tuple[PeerQuestion, ...]:
    """Return each question once, with what all sets say of it; those without a gold article in `known` are left out."""
    found: dict[str, PeerQuestion] = {}
    for name, items in sets.items():
        for item in items:
            gold = tuple(one for one in item["meta"]["gold_doc_ids"] if one in known)
            if not gold or not item["asof"]:
                continue
            before = found.get(item["id"])
            found[item["id"]] = PeerQuestion(
                id=item["id"],
                text=question_text(item["question"]),
                as_of=item["asof"],
                sets=(*(before.sets if before else ()), name),
                gold=tuple(dict.fromkeys((*(before.gold if before else ()), *gold))),
                answers=tuple(dict.fromkeys((*(before.answers if before else ()), *item["answers"]))),
            )
    return tuple(found.values())


def _items(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(path)]


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
