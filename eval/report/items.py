"""The question cards of a report: the answer of each run, its failures, and excerpts of the marked articles. Pure."""

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
# Defaults of the fields that the page reads from an answer, because an older server may not send them.
_DEFAULTS: Mapping[str, Row] = {
    "statements": {"text": "", "support": "", "reasons": ()},
    "citations": {"title": None, "outlet": None, "published_at": None, "url": None},
    "conflicts": {"about": "", "kind": "", "values": ()},
    "dates": {"phrase": "", "resolved": None, "basis": ""},
    "rejected": {"reason": "", "text": ""},
}


@dataclass(frozen=True, slots=True)
class Source:
    """An article of the report."""

    number: int
    row: Row
    pieces: tuple[Piece, ...] = ()


@dataclass(frozen=True, slots=True)
class ArticleExcerpts:
    """The excerpts of one article that one question marks."""

    source: Source
    excerpts: list[Excerpt]


@dataclass(frozen=True, slots=True)
class RunAnswer:
    """The answer of one run to a question."""

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
    """One question with the answers of all runs."""

    number: int
    item: Item
    answers: list[RunAnswer]
    failure_tokens: list[str]  # what the page's failure filter matches
    articles: list[ArticleExcerpts]
    missing: list[str]  # spans whose article or text is not in the run


@dataclass(slots=True)
class MarkedArticles:
    """Every article of the report once, with all marks in it."""

    by_key: dict[tuple[str, str], Source] = field(default_factory=dict)
    marks: dict[int, set[Mark]] = field(default_factory=lambda: defaultdict(set))

    def find(self, row: Row) -> Source:
        """Return the article, added if it is new."""
        key = (row["article_id"], row["sha256"])
        return self.by_key.setdefault(key, Source(len(self.by_key) + 1, row))

    def sources(self) -> list[Source]:
        """Return all articles with the marks of all questions."""
        return [
            Source(source.number, source.row, cut(source.row["text"], self.marks[source.number]))
            for source in self.by_key.values()
        ]


def failures_of(row: Row) -> list[str]:
    """Return the kinds of failure that the marks of a scored item show."""
    if row["error"]:
        return ["error"]
    refused = row["status"] == "not_in_sources"
    answerable = row["slices"]["answerable"] == "answerable"
    answered = answerable and not refused

    def is_marked(name: str, value: float) -> bool:
        numerator, denominator = row["marks"].get(name, (0, 0))
        return bool(denominator and numerator == value)

    failures = {
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
    return [name for name, holds in failures.items() if holds]


def build_cards(
    items: Sequence[Item], runs: Sequence[tuple[str, Run, Sequence[Row]]], articles: MarkedArticles
) -> list[Card]:
    """Return a card for each item, from (name, run, scored rows) of every run; add its marks to the articles."""
    rows = [{row["id"]: row for row in scored_rows} for _, _, scored_rows in runs]
    cards = []
    for number, item in enumerate(items, start=1):
        answers = [
            _run_answer(name, run.replies[item.id], by_id[item.id])
            for (name, run, _), by_id in zip(runs, rows, strict=True)
        ]
        excerpted, missing = _excerpts(item, answers, [run for _, run, _ in runs], articles)
        cards.append(Card(number, item, answers, _failure_tokens(answers), excerpted, missing))
    return cards


def _run_answer(name: str, reply: Row, row: Row) -> RunAnswer:
    answer = dict(reply.get("answer") or {})
    answer |= {part: [{**default, **entry} for entry in answer.get(part) or ()] for part, default in _DEFAULTS.items()}
    answer |= {"status": row["status"], "answer": answer.get("answer", "")}
    answer |= {"confidence": answer.get("confidence"), "degraded": answer.get("degraded") or []}
    reasons: dict[str, list[str]] = defaultdict(list)
    for metric, reason in row["unscored"].items():
        reasons[reason].append(metric)
    marks = [
        (metric, f"{numerator / denominator:.3g}")
        for metric, (numerator, denominator) in row["marks"].items()
        if denominator
    ]
    return RunAnswer(name, failures_of(row), answer, row["error"], row["faults"], reply.get("seconds"), marks, reasons)


def _failure_tokens(answers: Sequence[RunAnswer]) -> list[str]:
    tokens = []
    for answer in answers:
        kinds = ["any", *answer.failures] if answer.failures else ["none"]
        tokens += [f"{answer.run}:{kind}" for kind in kinds]
    if len(answers) == 2:
        before, after = (bool(answer.failures) for answer in answers)
        tokens += ["mended"] if before and not after else ["broken"] if after and not before else []
    return tokens


def _excerpts(
    item: Item, answers: Sequence[RunAnswer], runs: Sequence[Run], articles: MarkedArticles
) -> tuple[list[ArticleExcerpts], list[str]]:
    marked: dict[int, tuple[Source, list[Mark]]] = {}
    missing = []

    def mark(row: Row | None, place: Row, kind: Kind, tag: str) -> None:
        if row is None or not 0 <= place["start"] < place["end"] <= len(row["text"]):
            missing.append(f"{tag}: {place['article_id']} {place['start']}-{place['end']}")
            return
        source = articles.find(row)
        marked.setdefault(source.number, (source, []))[1].append(Mark(place["start"], place["end"], kind, tag))
        articles.marks[source.number].add(Mark(place["start"], place["end"], kind))

    for index, span in enumerate(item.gold, start=1):
        mark(_article_of(span, runs), span.model_dump(), "gold", f"gold {index}")
    for answer, run in zip(answers, runs, strict=True):
        for citation in answer.answer["citations"]:
            row = run.articles.get((citation["article_id"], citation["version"]))
            mark(row, citation, "cited", f"{answer.run if len(answers) > 1 else ''}[{citation['number']}]")
    return [ArticleExcerpts(source, excerpts(source.row["text"], marks)) for source, marks in marked.values()], missing


def _article_of(span: GoldSpan, runs: Sequence[Run]) -> Row | None:
    """Return the article that has the gold span's text at its place."""
    for run in runs:
        for (article_id, _), row in run.articles.items():
            if article_id == span.article_id and row["text"][span.start : span.end] == span.text:
                return row
    return None
