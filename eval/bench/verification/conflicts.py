"""Measure how disagreements between articles are found.

    python -m eval.bench.verification.conflicts [--embed minilm|none]      on the sample articles
    python -m eval.bench.verification.conflicts --pairs [--embed ...]  on the pairs of tests/data/conflict_pairs.json
    python -m eval.bench.verification.conflicts --bench PATH               on RAMDocs (development half), words only

On the sample articles: questions about the disagreements and updates that docs/sample-corpus.md lists, and control
questions on which the articles agree or only one speaks (conflict_questions.json). A false alarm is a disagreement
reported on a control question.

On RAMDocs each question has a collection of its own. `strict match`: every gold value stands in what the answer cites,
with one sentence for each side, and no wrong one; `wrong included`: a wrong one does. A value that is right of one
bearer of the name and wrong of another is not counted as wrong. `flag`: a contradiction was reported where the articles
of the item hold more than one value; nearly all of them do, so the figure of always saying so is printed too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.bench.tuning.realtimeqa import interval
from eval.dataset.importers import SETS
from eval.dataset.items import Item
from eval.metrics.answer import plain_words
from eval.metrics.behaviour import conflict_strict, wrong_included
from qa import Article, Filters, Library, Question, Settings, read
from qa.conflicts.find import Disagreement, find
from qa.library import sample_articles

QUESTIONS = Path(__file__).with_name("conflict_questions.json")
PAIRS = Path(__file__).resolve().parents[3] / "tests/data/conflict_pairs.json"


def main() -> None:
    """Run one of the two measurements and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path)
    parser.add_argument("--pairs", action="store_true")
    parser.add_argument("--embed", default="none")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), embed_model="none" if options.bench else options.embed)
        with Library(settings) as library:
            if options.bench:
                _ramdocs(library, options.bench / "ramdocs")
            elif options.pairs:
                for line in summary(pair_marks(library)):
                    print(line)
            else:
                _sample(library)


@dataclass(frozen=True, slots=True)
class Mark:
    """How one question about the sample articles went."""

    set: str  # development: looked at while the rules were written; second: written after them
    kind: str  # contradiction, update or none: what the articles hold
    reported: str  # the same, as found
    strange: int  # sides whose value is none of those listed


def _sample(library: Library) -> None:
    library.ingest(read([str(sample_articles())]))
    answerer = library.answerer()
    marks: list[Mark] = []
    for item in json.loads(QUESTIONS.read_text(encoding="utf-8")):
        asked = Question(item["question"], filters=Filters(outlets=tuple(item.get("outlets", ()))))
        retrieved, ranked, _ = answerer.look(asked)
        marks.append(mark(item, find(retrieved.question, ranked)))
        if marks[-1].reported != item["kind"] or marks[-1].strange:
            print(f"  {item['kind']:>13} reported as {marks[-1].reported:<13} {item['question']}")
    for name in dict.fromkeys(one.set for one in marks):
        print(f"{name} questions")
        for line in summary([one for one in marks if one.set == name]):
            print(f"  {line}")


def pair_marks(library: Library) -> list[Mark]:
    """Return how each invented pair went, all of their articles in one store."""
    items = json.loads(PAIRS.read_text(encoding="utf-8"))
    for item in items:
        library.ingest([Article(f"{item['id']}-{n}", **one) for n, one in enumerate(item["articles"])])
    answerer = library.answerer()
    marks = []
    for item in items:
        retrieved, ranked, _ = answerer.look(Question(item["question"], as_of="2024-12-31"))
        written = [spelling for value in item["values"] for spelling in value]
        marks.append(mark({**item, "set": "pairs", "values": written}, find(retrieved.question, ranked)))
    return marks


def mark(item: dict[str, Any], found: Sequence[Disagreement]) -> Mark:
    """Return how one question went."""
    values = item.get("values", [])
    strange = sum(
        not any(value.casefold() in side.value.casefold() for value in values) for one in found for side in one.sides
    )
    return Mark(item["set"], item["kind"], found[0].kind if found else "none", strange if values else 0)


def summary(marks: Sequence[Mark]) -> list[str]:
    """Return the lines to print for one set of questions."""
    lines = []
    for kind in ("contradiction", "update"):
        asked = [one for one in marks if one.kind == kind]
        found = [one for one in asked if one.reported != "none"]
        right = sum(one.reported == kind for one in found)
        lines.append(f"{kind}s found {len(found)} of {len(asked)}, {right} of them told as such")
    control = [one for one in marks if one.kind == "none"]
    lines.append(f"false alarms {sum(one.reported != 'none' for one in control)} of {len(control)} control questions")
    lines.append(f"sides with a value that is not listed {sum(one.strange for one in marks)}")
    return lines


@dataclass(frozen=True, slots=True)
class RamdocsMark:
    """How one question of RAMDocs went."""

    strict: float
    wrong: float | None  # None: the item has no wrong value
    flagged: bool
    several: bool


def ramdocs_marks(library: Library, folder: Path) -> list[RamdocsMark]:
    """Return how each question went, over the articles of its item."""
    imported = SETS["ramdocs"](folder)
    texts = {row["id"]: row["text"] for row in imported.articles}
    return [_ramdocs_mark(library, item, texts, f"item{number}") for number, item in enumerate(imported.items)]


def _ramdocs_mark(library: Library, item: Item, texts: Mapping[str, str], collection: str) -> RamdocsMark:
    articles = [Article(id=one.replace("/", "-"), text=texts[one]) for one in item.article_ids]
    library.ingest(articles, collection=collection)
    answerer = library.answerer()
    question = Question(item.question, collection=collection, mode="extractive")
    retrieved, ranked, _ = answerer.look(question)
    found = find(retrieved.question, ranked)
    answer = asyncio.run(answerer.ask(question))
    cited = [one.quote for one in answer.citations]
    if answer.status != "not_in_sources":
        cited += [side.evidence[0].text for one in found for side in one.sides]
    said = " | ".join(dict.fromkeys(cited))
    return RamdocsMark(
        conflict_strict(said, [[one] for one in item.answers], item.wrong_answers),
        wrong_included(said, item.wrong_answers, item.answers) if item.wrong_answers else None,
        any(one.kind == "contradiction" for one in found),
        len({plain_words(one) for one in (*item.answers, *item.wrong_answers)}) > 1,
    )


def _ramdocs(library: Library, folder: Path) -> None:
    marks = ramdocs_marks(library, folder)
    included = [one.wrong for one in marks if one.wrong is not None]
    flags, several = [one.flagged for one in marks], [one.several for one in marks]
    print(f"ramdocs, extractive, words only, n={len(marks)}")
    print(f"  strict match    {interval([one.strict for one in marks])}")
    print(f"  wrong included  {interval(included)}  n={len(included)}, the items that have a value that is only wrong")
    print(f"  flag            {scores(flags, several)}")
    print(f"  always flagging {scores([True] * len(flags), several)}")


def scores(said: Sequence[bool], true: Sequence[bool]) -> str:
    """Return precision, recall and F1 of a flag."""
    both = sum(a and b for a, b in zip(said, true, strict=True))
    precision, recall = both / (sum(said) or 1), both / (sum(true) or 1)
    f1 = 2 * both / ((sum(said) + sum(true)) or 1)
    return f"P {precision:.3f} R {recall:.3f} F1 {f1:.3f}  ({sum(said)} flagged, {sum(true)} with several values)"


if __name__ == "__main__":
    main()
