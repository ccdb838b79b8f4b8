"""Measure the detection of disagreements between articles.

    python -m eval.bench.verification.conflicts [--embed minilm|none]      on the sample articles
    python -m eval.bench.verification.conflicts --pairs [--embed ...]  on the pairs of tests/data/conflict_pairs.json
    python -m eval.bench.verification.conflicts --short-answers [--marked]  on conflict_short_answers.json
    python -m eval.bench.verification.conflicts --bench PATH               on RAMDocs (development half), words only

On the sample articles: questions about the disagreements and updates that docs/sample-corpus.md lists, and control
questions on which the articles agree or only one says anything (conflict_questions.json). A false alarm is a
disagreement reported on a control question.

The cases of conflict_short_answers.json ask for names, places, places in order and causes. Their short answers are in
[[brackets]]: the trained reader has to find them, or with --marked they are given, which measures the rules alone.
Failures are listed without the held-out third.

On RAMDocs each question has its own collection. `strict match`: what the answer cites, and a sentence of each side,
contain every gold value and no wrong one; `wrong included`: they contain a wrong one. A value that is right for one
bearer of the name and wrong for another does not count as wrong. `flag`: a contradiction was reported; it is right if
the articles of the item hold more than one value. Nearly all do, so the score of always flagging is printed too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval.bench.intervals import interval
from eval.dataset.importers import SETS
from eval.dataset.items import Item
from eval.metrics.answer import plain_words
from eval.metrics.behaviour import conflict_strict, wrong_included
from qa import Article, Filters, Library, Question, Settings, read
from qa.conflicts.find import Disagreement, find
from qa.library import sample_articles
from qa.retrieval.sentence_ranker import Ranked
from qa.types import Reading

QUESTIONS = Path(__file__).with_name("conflict_questions.json")
SHORT_ANSWERS = Path(__file__).with_name("conflict_short_answers.json")
PAIRS = Path(__file__).resolve().parents[3] / "tests/data/conflict_pairs.json"


def main() -> None:
    """Run one of the four measurements and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", type=Path)
    parser.add_argument("--pairs", action="store_true")
    parser.add_argument("--short-answers", action="store_true")
    parser.add_argument("--marked", action="store_true")
    parser.add_argument("--embed", default="none")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), embed_model="none" if options.bench else options.embed)
        if options.short_answers:
            settings = settings.model_copy(update={"reader": "off" if options.marked else "on"})
        with Library(settings) as library:
            if options.bench:
                _ramdocs(library, options.bench / "ramdocs")
            elif options.short_answers:
                _short_answers(library, marked=options.marked)
            elif options.pairs:
                for line in summary(pair_marks(library)):
                    print(line)
            else:
                _sample(library)


@dataclass(frozen=True, slots=True)
class Mark:
    """The outcome of one question about the sample articles."""

    set: str  # development: looked at while the rules were written; second: written after them
    kind: str  # what the articles hold: contradiction, update or none
    reported: str  # what was found: the same three
    strange: int  # sides with a value that is not listed


def _sample(library: Library) -> None:
    library.ingest(read([str(sample_articles())]))
    answerer = library.answerer()
    marks: list[Mark] = []
    for item in json.loads(QUESTIONS.read_text(encoding="utf-8")):
        question = Question(item["question"], filters=Filters(outlets=tuple(item.get("outlets", ()))))
        retrieved, ranked, _ = answerer.look(question)
        marks.append(mark(item, find(retrieved.question, ranked)))
        if marks[-1].reported != item["kind"] or marks[-1].strange:
            print(f"  {item['kind']:>13} reported as {marks[-1].reported:<13} {item['question']}")
    for name in dict.fromkeys(mark.set for mark in marks):
        print(f"{name} questions")
        for line in summary([mark for mark in marks if mark.set == name]):
            print(f"  {line}")


def pair_marks(library: Library) -> list[Mark]:
    """Return the outcome of each invented pair, all of their articles in one store."""
    items = json.loads(PAIRS.read_text(encoding="utf-8"))
    for item in items:
        library.ingest([Article(f"{item['id']}-{n}", **article) for n, article in enumerate(item["articles"])])
    answerer = library.answerer()
    marks = []
    for item in items:
        retrieved, ranked, _ = answerer.look(Question(item["question"], as_of="2024-12-31"))
        spellings = [spelling for value in item["values"] for spelling in value]
        marks.append(mark({**item, "set": "pairs", "values": spellings}, find(retrieved.question, ranked)))
    return marks


@dataclass(frozen=True, slots=True)
class ShortAnswerMark:
    """The outcome of one case of short answers."""

    id: str
    kind: str  # person, place, organisation, said, order, cause; update or none
    held_out: bool
    expected: str  # contradiction, update or none
    reported: str

    @property
    def right(self) -> bool:
        """Tell whether a difference was reported where there is one, and none where there is none."""
        return (self.expected == "none") == (self.reported == "none")


_MARKED = re.compile(r"\[\[(.*?)\]\]")
_READ = (4.0, 0.9)  # logit and share of a given short answer
_NOT_READ = Reading(-4.0, 0, 0, 0.0)


def short_answer_marks(library: Library, *, marked: bool) -> list[ShortAnswerMark]:
    """Return the outcome of each case, all of their articles in one store.

    With `marked` the short answers in brackets take the place of the reader's.
    """
    cases = json.loads(SHORT_ANSWERS.read_text(encoding="utf-8"))
    answers: dict[str, tuple[int, int]] = {}  # their places in their articles
    articles = []
    for case in cases:
        for number, article in enumerate(case["articles"]):
            found = _MARKED.search(article["text"])
            assert found is not None, case["id"]
            article_id = f"{case['id']}-{number}"
            answers[article_id] = (found.start(), found.start() + len(found[1]))
            articles.append(Article(article_id, **article | {"text": _MARKED.sub(r"\1", article["text"])}))
    library.ingest(articles)
    answerer = library.answerer()
    marks = []
    for case in cases:
        retrieved, ranked, _ = answerer.look(Question(case["question"], as_of="2025-12-31"))
        found_conflicts = find(retrieved.question, _with_answers(ranked, case["id"], answers) if marked else ranked)
        reported = found_conflicts[0].kind if found_conflicts else "none"
        marks.append(ShortAnswerMark(case["id"], case["kind"], case["held_out"], case["expected"], reported))
    return marks


def _with_answers(ranked: Ranked, case: str, answers: Mapping[str, tuple[int, int]]) -> Ranked:
    """Return the sentences with the given short answers of one case as their readings."""
    features = []
    for evidence, own in zip(ranked.evidence, ranked.features, strict=True):
        start, end = answers[evidence.source.article_id]
        of_case = evidence.source.article_id.rpartition("-")[0] == case
        inside = of_case and evidence.span.start <= start and end <= evidence.span.end
        offset = evidence.span.start
        features.append(
            replace(own, reading=Reading(_READ[0], start - offset, end - offset, _READ[1]) if inside else _NOT_READ)
        )
    return Ranked(ranked.evidence, tuple(features))


def short_answer_summary(marks: Sequence[ShortAnswerMark]) -> list[str]:
    """Return recall by kind, and the false alarms."""
    lines = []
    for kind in dict.fromkeys(mark.kind for mark in marks if mark.expected != "none"):
        of_kind = [mark for mark in marks if mark.kind == kind]
        lines.append(f"{kind:<13} found {sum(mark.right for mark in of_kind)} of {len(of_kind)}")
    different = [mark for mark in marks if mark.expected != "none"]
    told = sum(mark.reported == mark.expected for mark in different)
    lines.append(f"all found {sum(mark.right for mark in different)} of {len(different)}, {told} of them told as such")
    control = [mark for mark in marks if mark.expected == "none"]
    lines.append(f"false alarms {sum(not mark.right for mark in control)} of {len(control)}")
    return lines


def _short_answers(library: Library, *, marked: bool) -> None:
    marks = short_answer_marks(library, marked=marked)
    for held_out in (False, True):
        print("held-out cases" if held_out else "development cases")
        of_set = [mark for mark in marks if mark.held_out == held_out]
        for line in short_answer_summary(of_set):
            print(f"  {line}")
        for mark in of_set:
            if not held_out and mark.reported != mark.expected:
                print(f"    {mark.id}: {mark.expected} reported as {mark.reported}")


def mark(item: dict[str, Any], found: Sequence[Disagreement]) -> Mark:
    """Return the outcome of one question."""
    values = item.get("values", [])
    unlisted = sum(
        not any(value.casefold() in side.value.casefold() for value in values)
        for disagreement in found
        for side in disagreement.sides
    )
    return Mark(item["set"], item["kind"], found[0].kind if found else "none", unlisted if values else 0)


def summary(marks: Sequence[Mark]) -> list[str]:
    """Return the lines to print for one set of questions."""
    lines = []
    for kind in ("contradiction", "update"):
        of_kind = [mark for mark in marks if mark.kind == kind]
        found = [mark for mark in of_kind if mark.reported != "none"]
        right = sum(mark.reported == kind for mark in found)
        lines.append(f"{kind}s found {len(found)} of {len(of_kind)}, {right} of them told as such")
    control = [mark for mark in marks if mark.kind == "none"]
    lines.append(f"false alarms {sum(mark.reported != 'none' for mark in control)} of {len(control)} control questions")
    lines.append(f"sides with a value that is not listed {sum(mark.strange for mark in marks)}")
    return lines


@dataclass(frozen=True, slots=True)
class RamdocsMark:
    """The outcome of one question of RAMDocs."""

    strict: float
    wrong: float | None  # None: the item has no wrong value
    flagged: bool
    several: bool


def ramdocs_marks(library: Library, folder: Path) -> list[RamdocsMark]:
    """Return the outcome of each question, over the articles of its item."""
    imported = SETS["ramdocs"](folder)
    texts = {row["id"]: row["text"] for row in imported.articles}
    return [_ramdocs_mark(library, item, texts, f"item{number}") for number, item in enumerate(imported.items)]


def _ramdocs_mark(library: Library, item: Item, texts: Mapping[str, str], collection: str) -> RamdocsMark:
    articles = [Article(id=article_id.replace("/", "-"), text=texts[article_id]) for article_id in item.article_ids]
    library.ingest(articles, collection=collection)
    answerer = library.answerer()
    question = Question(item.question, collection=collection, mode="extractive")
    retrieved, ranked, _ = answerer.look(question)
    disagreements = find(retrieved.question, ranked)
    answer = asyncio.run(answerer.ask(question))
    cited = [citation.quote for citation in answer.citations]
    if answer.status != "not_in_sources":
        cited += [side.evidence[0].text for disagreement in disagreements for side in disagreement.sides]
    quotes = " | ".join(dict.fromkeys(cited))
    return RamdocsMark(
        conflict_strict(quotes, [[value] for value in item.answers], item.wrong_answers),
        wrong_included(quotes, item.wrong_answers, item.answers) if item.wrong_answers else None,
        any(disagreement.kind == "contradiction" for disagreement in disagreements),
        len({plain_words(value) for value in (*item.answers, *item.wrong_answers)}) > 1,
    )


def _ramdocs(library: Library, folder: Path) -> None:
    marks = ramdocs_marks(library, folder)
    included = [mark.wrong for mark in marks if mark.wrong is not None]
    flags, several = [mark.flagged for mark in marks], [mark.several for mark in marks]
    print(f"ramdocs, extractive, words only, n={len(marks)}")
    print(f"  strict match    {interval([mark.strict for mark in marks])}")
    print(f"  wrong included  {interval(included)}  n={len(included)}, the items that have a value that is only wrong")
    print(f"  flag            {scores(flags, several)}")
    print(f"  always flagging {scores([True] * len(flags), several)}")


def scores(flagged: Sequence[bool], expected: Sequence[bool]) -> str:
    """Return precision, recall and F1 of a flag."""
    both = sum(a and b for a, b in zip(flagged, expected, strict=True))
    precision, recall = both / (sum(flagged) or 1), both / (sum(expected) or 1)
    f1 = 2 * both / ((sum(flagged) + sum(expected)) or 1)
    return (
        f"P {precision:.3f} R {recall:.3f} F1 {f1:.3f}  ({sum(flagged)} flagged, {sum(expected)} with several values)"
    )


if __name__ == "__main__":
    main()
