"""What a report shows of each question: what was answered, what went wrong, and the articles with their marks. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eval.dataset.format import GoldSpan
from eval.dataset.items import Item
from eval.report.marking import Excerpt, Kind, Mark, Piece, cut, excerpts
from eval.runs.run import Run

Row = Mapping[str, Any]

FAILURES: Mapping[str, str] = {
    "error": "error",
    "wrong_refusal": "wrong refusal",
    "false_answer": "answered though unanswerable",
    "invalid_citation": "citation invalid",
    "citation_misses": "citation misses gold",
    "wrong_answer": "answer wrong",
    "conflict_missed": "conflict missed",
    "conflict_invented": "conflict where there is none",
    "late": "cites what came later",
    "attacked": "attack succeeded",
}
# What a page reads of an answer; an older server may say less.
_SHAPES: Mapping[str, Row] = {
    "statements": {"text": "", "support": "", "reasons": ()},
    "citations": {"title": None, "outlet": None, "published_at": None, "url": None},
    "conflicts": {"about": "", "kind": "", "values": ()},
    "dates": {"phrase": "", "resolved": None, "basis": ""},
    "rejected": {"reason": "", "text": ""},
}


@dataclass(frozen=True, slots=True)
class Source:
    """An article as the report keeps it, once."""

    number: int
    row: Row
    pieces: tuple[Piece, ...] = ()


@dataclass(frozen=True, slots=True)
class Exhibit:
    """What one question touches in one article."""

    source: Source
    excerpts: list[Excerpt]


@dataclass(frozen=True, slots=True)
class Given:
    """What one run answered to a question."""

    run: str
    failures: list[str]
    answer: Mapping[str, Any]
    error: Mapping[str, str] | None
    faults: Mapping[str, str]
    seconds: float | None
    marks: list[tuple[str, str]]
    unscored: Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Card:
    """One question with all that was answered to it."""

    number: int
    item: Item
    given: list[Given]
    tokens: list[str]  # what the filter of failures looks for
    exhibits: list[Exhibit]
    lost: list[str]  # spans that stand in no article that was kept


@dataclass(slots=True)
class Shelf:
    """Every article once, with all that is marked in it."""

    texts: dict[tuple[str, str], Source] = field(default_factory=dict)
    marks: dict[int, set[Mark]] = field(default_factory=lambda: defaultdict(set))

    def find(self, row: Row) -> Source:
        """Return the article, put up if it is new."""
        key = (row["article_id"], row["sha256"])
        return self.texts.setdefault(key, Source(len(self.texts) + 1, row))

    def sources(self) -> list[Source]:
        """Return all articles with everything that any question marks."""
        return [
            Source(one.number, one.row, cut(one.row["text"], self.marks[one.number])) for one in self.texts.values()
        ]


def failures_of(row: Row) -> list[str]:
    """Return the kinds of failure of one scored item, each by the mark that shows it."""
    if row["error"]:
        return ["error"]
    refused = row["status"] == "not_in_sources"
    answerable = row["slices"]["answerable"] == "answerable"
    answered = answerable and not refused

    def is_marked(name: str, value: float) -> bool:
        above, below = row["marks"].get(name, (0, 0))
        return bool(below and above == value)

    found = {
        "wrong_refusal": answerable and refused,
        "false_answer": not answerable and not refused,
        "invalid_citation": bool(row["faults"]),
        "citation_misses": answered and is_marked("span_hit", 0),
        "wrong_answer": answered and (is_marked("answer_contains", 0) or is_marked("wrong_included", 1)),
        "conflict_missed": is_marked("conflict_flag_recall", 0),
        "conflict_invented": is_marked("conflict_flag_precision", 0),
        "late": is_marked("time_respected", 0),
        "attacked": is_marked("attack_success", 1),
    }
    return [name for name, holds in found.items() if holds]


def build_cards(items: Sequence[Item], runs: Sequence[tuple[str, Run, Sequence[Row]]], shelf: Shelf) -> list[Card]:
    """Return a card for each item, from (name, run, scored rows) of every run."""
    rows = [{row["id"]: row for row in scored} for _, _, scored in runs]
    cards = []
    for number, item in enumerate(items, start=1):
        given = [
            _given(name, run.replies[item.id], by_id[item.id]) for (name, run, _), by_id in zip(runs, rows, strict=True)
        ]
        exhibits, lost = _exhibits(item, given, [run for _, run, _ in runs], shelf)
        cards.append(Card(number, item, given, _tokens(given), exhibits, lost))
    return cards


def _given(name: str, reply: Row, row: Row) -> Given:
    answer = dict(reply.get("answer") or {})
    answer |= {part: [{**shape, **one} for one in answer.get(part) or ()] for part, shape in _SHAPES.items()}
    answer |= {"status": row["status"], "answer": answer.get("answer", "")}
    answer |= {"confidence": answer.get("confidence"), "degraded": answer.get("degraded") or []}
    reasons: dict[str, list[str]] = defaultdict(list)
    for metric, reason in row["unscored"].items():
        reasons[reason].append(metric)
    marks = [(metric, f"{above / below:.3g}") for metric, (above, below) in row["marks"].items() if below]
    return Given(name, failures_of(row), answer, row["error"], row["faults"], reply.get("seconds"), marks, reasons)


def _tokens(given: Sequence[Given]) -> list[str]:
    found = []
    for one in given:
        kinds = ["any", *one.failures] if one.failures else ["none"]
        found += [f"{one.run}:{kind}" for kind in kinds]
    if len(given) == 2:
        before, after = (bool(one.failures) for one in given)
        found += ["mended"] if before and not after else ["broken"] if after and not before else []
    return found


def _exhibits(item: Item, given: Sequence[Given], runs: Sequence[Run], shelf: Shelf) -> tuple[list[Exhibit], list[str]]:
    touched: dict[int, tuple[Source, list[Mark]]] = {}
    lost = []

    def mark(row: Row | None, place: Row, kind: Kind, tag: str) -> None:
        if row is None or not 0 <= place["start"] < place["end"] <= len(row["text"]):
            lost.append(f"{tag}: {place['article_id']} {place['start']}-{place['end']}")
            return
        source = shelf.find(row)
        touched.setdefault(source.number, (source, []))[1].append(Mark(place["start"], place["end"], kind, tag))
        shelf.marks[source.number].add(Mark(place["start"], place["end"], kind))

    for index, span in enumerate(item.gold, start=1):
        mark(_holder(span, runs), span.model_dump(), "gold", f"gold {index}")
    for one, run in zip(given, runs, strict=True):
        for citation in one.answer["citations"]:
            row = run.articles.get((citation["article_id"], citation["version"]))
            mark(row, citation, "cited", f"{one.run if len(given) > 1 else ''}[{citation['number']}]")
    exhibits = [Exhibit(source, excerpts(source.row["text"], marks)) for source, marks in touched.values()]
    return exhibits, lost


def _holder(span: GoldSpan, runs: Sequence[Run]) -> Row | None:
    """Return the article in which the gold span stands."""
    for run in runs:
        for (article_id, _), row in run.articles.items():
            if article_id == span.article_id and row["text"][span.start : span.end] == span.text:
                return row
    return None
