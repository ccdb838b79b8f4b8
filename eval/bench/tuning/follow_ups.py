"""Measure follow-up questions without a model: the gain from the history, and the cost of an unrelated history.

    python -m eval.bench.tuning.follow_ups --gold eval/gold --articles qa/sample \\
        [--cases tests/data/follow_ups.jsonl] [--embed none]

For the follow-ups of the gold set, and for labelled cases with a sentence to find, prints how often a gold sentence is
cited, how often it is among the best three, and how often nothing is answered: with and without the history. Then the
same for the gold questions that need no history, alone and after a turn about another article.
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
class Probe:
    """A question, and a test of whether a sentence answers it; None if no article does."""

    question: Question
    answers: Callable[[str, int, int, str], bool] | None  # (article id, start, end, text)


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
        sets = {"gold follow-ups": [_of_gold(item) for item in gold if item.history]}
        for split in ("development", "held_out") if options.cases else ():
            sets[f"{split} cases"] = _cases(options.cases, split)
        for name, probes in sets.items():
            print(f"{name}, without history  {_figures(library, [_without(probe) for probe in probes])}")
            print(f"{name}, with history     {_figures(library, probes)}")
        alone = [_of_gold(item) for item in gold if not item.history]
        print(f"gold, no follow-ups, alone           {_figures(library, alone)}")
        print(f"gold, no follow-ups, after another   {_figures(library, _after_another(gold))}")


def _of_gold(item: Item) -> Probe:
    history = tuple(Turn(turn.role, turn.content) for turn in item.history)
    places = [(span.article_id, span.start, span.end) for span in item.gold]

    def answers(article: str, start: int, end: int, words: str) -> bool:
        return any(article == at and start < last and first < end for at, first, last in places)

    return Probe(Question(item.question, history, as_of=item.as_of), answers if item.answerable else None)


def _cases(path: Path, split: str) -> list[Probe]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [_case(row) for row in rows if row["split"] == split and row["sentence"]]


def _case(row: dict[str, Any]) -> Probe:
    def answers(article: str, start: int, end: int, words: str) -> bool:
        return row["sentence"] in words

    return Probe(Question(row["question"], tuple(Turn(**turn) for turn in row["history"])), answers)


def _without(probe: Probe) -> Probe:
    return replace(probe, question=replace(probe.question, history=()))


def _after_another(gold: Sequence[Item]) -> list[Probe]:
    """Return the questions that need no history, each after a question about other articles."""
    probes = []
    alone = [item for item in gold if not item.history]
    for place, item in enumerate(alone):
        own_articles = {span.article_id for span in item.gold}
        others = alone[place + 1 :] + alone[:place]
        before = next(
            other
            for other in others
            if other.answers and other.gold and own_articles.isdisjoint(span.article_id for span in other.gold)
        )
        turns = (Turn("user", before.question), Turn("assistant", f"{before.gold[0].text} [1]"))
        probes.append(replace(probe := _of_gold(item), question=replace(probe.question, history=turns)))
    return probes


def _figures(library: Library, probes: Sequence[Probe]) -> str:
    answerer = library.answerer()
    cited = in_best_three = not_answered = answerable = refused = 0
    for probe in probes:
        answer: Answer = asyncio.run(answerer.ask(probe.question))
        if probe.answers is None:
            refused += answer.status == "not_in_sources"
            continue
        answerable += 1
        best: Sequence[Evidence] = answerer.look(probe.question)[1].evidence[:3]
        in_best_three += any(
            probe.answers(evidence.source.article_id, evidence.span.start, evidence.span.end, evidence.text)
            for evidence in best
        )
        cited += any(
            probe.answers(citation.source.article_id, citation.span.start, citation.span.end, citation.quote)
            for citation in answer.citations
        )
        not_answered += answer.status == "not_in_sources"
    return (
        f"n={answerable}: cited {cited}, in the best three {in_best_three}, not answered {not_answered};"
        f" unanswerable n={len(probes) - answerable}: refused {refused}"
    )


if __name__ == "__main__":
    main()
