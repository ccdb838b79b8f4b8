"""Measure follow-ups without a model: what the history brings, and what a history of something else costs.

    python -m eval.bench.tuning.follow_ups --gold eval/gold --articles qa/sample \\
        [--cases tests/data/follow_ups.jsonl] [--embed none]

Prints for the gold set's follow-ups, and for labelled cases with a sentence to be found, how often a gold sentence is
cited, stands in the best three, and how often nothing is answered: with the history and without it. Then the same for
the gold questions that need no history, alone and after a turn about another article.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval.dataset.items import Item, load_items
from qa import Answer, Evidence, Library, Question, Settings, Turn, read


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and what tells a sentence that answers it; None when no article does."""

    question: Question
    answers: Callable[[str, int, int, str], bool] | None  # article, first and last place, words


def main() -> None:
    """Run the measurements and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gold", type=Path, required=True)
    parser.add_argument("--articles", type=Path, required=True)
    parser.add_argument("--cases", type=Path)
    parser.add_argument("--embed", default="minilm")
    options = parser.parse_args()
    gold = load_items(options.gold)
    with (
        tempfile.TemporaryDirectory() as folder,
        Library(Settings(data_dir=Path(folder), embed_model=options.embed)) as library,
    ):
        library.ingest(read([str(options.articles)]))
        sets = {"gold follow-ups": [_of_gold(one) for one in gold if one.history]}
        for split in ("development", "held_out") if options.cases else ():
            sets[f"{split} cases"] = _cases(options.cases, split)
        for name, asked in sets.items():
            print(f"{name}, without history  {_measured(library, [_without(one) for one in asked])}")
            print(f"{name}, with history     {_measured(library, asked)}")
        alone = [_of_gold(one) for one in gold if not one.history]
        print(f"gold, no follow-ups, alone           {_measured(library, alone)}")
        print(f"gold, no follow-ups, after another   {_measured(library, _after_another(gold))}")


def _of_gold(one: Item) -> Asked:
    history = tuple(Turn(turn.role, turn.content) for turn in one.history)
    places = [(span.article_id, span.start, span.end) for span in one.gold]

    def answers(article: str, start: int, end: int, words: str) -> bool:
        return any(article == at and start < last and first < end for at, first, last in places)

    return Asked(Question(one.question, history, as_of=one.as_of), answers if one.answerable else None)


def _cases(path: Path, split: str) -> list[Asked]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [_case(row) for row in rows if row["split"] == split and row["sentence"]]


def _case(row: dict[str, Any]) -> Asked:
    def answers(article: str, start: int, end: int, words: str) -> bool:
        return row["sentence"] in words

    return Asked(Question(row["question"], tuple(Turn(**turn) for turn in row["history"])), answers)


def _without(one: Asked) -> Asked:
    return replace(one, question=replace(one.question, history=()))


def _after_another(gold: Sequence[Item]) -> list[Asked]:
    """Return the questions that need no history, each after one about other articles than its own."""
    found = []
    alone = [one for one in gold if not one.history]
    for place, one in enumerate(alone):
        mine = {span.article_id for span in one.gold}
        others = alone[place + 1 :] + alone[:place]
        before = next(x for x in others if x.answers and x.gold and mine.isdisjoint(span.article_id for span in x.gold))
        turns = (Turn("user", before.question), Turn("assistant", f"{before.gold[0].text} [1]"))
        found.append(replace(asked := _of_gold(one), question=replace(asked.question, history=turns)))
    return found


def _measured(library: Library, items: Sequence[Asked]) -> str:
    answerer = library.answerer()
    cited = three = silent = answerable = refused = 0
    for one in items:
        answer: Answer = asyncio.run(answerer.ask(one.question))
        if one.answers is None:
            refused += answer.status == "not_in_sources"
            continue
        answerable += 1
        best: Sequence[Evidence] = answerer.look(one.question)[1].evidence[:3]
        three += any(one.answers(e.source.article_id, e.span.start, e.span.end, e.text) for e in best)
        cited += any(one.answers(c.source.article_id, c.span.start, c.span.end, c.quote) for c in answer.citations)
        silent += answer.status == "not_in_sources"
    return (
        f"n={answerable}: cited {cited}, in the best three {three}, not answered {silent};"
        f" unanswerable n={len(items) - answerable}: refused {refused}"
    )


if __name__ == "__main__":
    main()
