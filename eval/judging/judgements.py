"""Judgements of a run's statements: made with a judge, written to a file, and read back as support for the metrics."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from eval.judging.judge import IDENTITY, WEIGHTS, Judge, Passage, Verdict
from eval.metrics.answer import without_markers
from eval.metrics.span import Place
from eval.metrics.support import Support
from eval.models.model_calls import Call, run_concurrently
from eval.runs.files import write_lines
from eval.runs.run import BadRun, Run
from eval.runs.scored_item import Unscored

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement of an answer with its distinct citations."""

    item: str
    statement: int  # index in the answer
    text: str
    cited: Mapping[int, Passage]

    def passages(self, numbers: Sequence[int]) -> list[Passage]:
        """Return the passages of the given citation numbers."""
        return [self.cited[number] for number in numbers]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on a claim, given some of its citations."""

    claim: Claim
    citations: tuple[int, ...]
    verdict: Verdict


def claims_of(run: Run) -> list[Claim]:
    """Return every statement of a run that cites something."""
    return [claim for item, reply in run.replies.items() if not reply["error"] for claim in _claims(item, reply)]


def _claims(item: str, reply: Mapping[str, Any]) -> Iterator[Claim]:
    by_number = {citation["number"]: _passage(citation) for citation in reply["answer"]["citations"]}
    for index, statement in enumerate(reply["answer"]["statements"]):
        cited = {number: by_number[number] for number in statement["citations"] if number in by_number}
        if cited:
            yield Claim(item, index, without_markers(statement["text"]), cited)


def _passage(citation: Mapping[str, Any]) -> Passage:
    about = (citation.get(name) for name in ("title", "outlet", "published_at"))
    return Passage(citation["article_id"], citation["start"], citation["quote"], *about)


def calls_of(judge: Judge, claims: Sequence[Claim]) -> tuple[list[Call], list[Call]]:
    """Return the calls that are made in any case, and those that depend on the first verdicts."""
    certain, possible = [], []
    for claim in claims:
        numbers = tuple(claim.cited)
        certain.append(judge.call(claim.text, claim.passages(numbers)))
        if len(numbers) > 1:
            for number in numbers:
                possible.append(judge.call(claim.text, claim.passages([number])))
                possible.append(judge.call(claim.text, claim.passages(_without(numbers, number))))
    return certain, possible


async def judge_claims(judge: Judge, claims: Sequence[Claim], *, workers: int, console: Console) -> list[Judgement]:
    """Judge every claim; results keep their order. Raises ServerUnavailable; replies until then stay cached."""
    by_index: dict[int, list[Judgement]] = {}

    async def work(numbered: tuple[int, Claim]) -> None:
        index, claim = numbered
        by_index[index] = await _judge_claim(judge, claim)

    await run_concurrently(enumerate(claims), work, label="judging", workers=workers, console=console)
    return [judgement for index in sorted(by_index) for judgement in by_index[index]]


async def _judge_claim(judge: Judge, claim: Claim) -> list[Judgement]:
    """Judge a claim by all its citations; if several support it, also by each alone and by the others without it.

    Citation precision needs these subsets: a citation is useless if it supports nothing alone and the others do not
    need it.
    """

    async def judge_by(numbers: tuple[int, ...]) -> Judgement:
        return Judgement(claim, numbers, await judge.verdict(claim.text, claim.passages(numbers)))

    all_numbers = tuple(claim.cited)
    by_numbers = {all_numbers: await judge_by(all_numbers)}
    if len(all_numbers) > 1 and by_numbers[all_numbers].verdict.level in ("supported", "partial"):
        for number in all_numbers:
            alone = by_numbers[(number,)] = await judge_by((number,))
            rest = _without(all_numbers, number)
            if alone.verdict.level == "unsupported" and rest not in by_numbers:
                by_numbers[rest] = await judge_by(rest)
    return list(by_numbers.values())


def _without(numbers: tuple[int, ...], number: int) -> tuple[int, ...]:
    return tuple(other for other in numbers if other != number)


def write_judgements(path: Path, run: Path, judge: Judge, judgements: Sequence[Judgement]) -> None:
    """Write all judgements of a run atomically."""
    head = {"kind": "judging", "format": FORMAT, "run_sha256": _sha256(run), **judge.identity}
    rows = (
        {
            "kind": "judgement",
            "item": judgement.claim.item,
            "statement": judgement.claim.statement,
            "text": judgement.claim.text,
            "citations": list(judgement.citations),
            "level": judgement.verdict.level,
            "unscored": judgement.verdict.unscored,
            "why": judgement.verdict.why,
            **judge.identity,
        }
        for judgement in judgements
    )
    write_lines(path, [head, *rows])


def judgement_summary(judgements: Sequence[Judgement]) -> str:
    """Return a line for a terminal: how many statements and judgements, and how many of each level."""
    counts = Counter(judgement.verdict.level or f"unscored, {judgement.verdict.unscored}" for judgement in judgements)
    levels = "; ".join(f"{count} {name}" for name, count in counts.most_common())
    statements = len({(judgement.claim.item, judgement.claim.statement) for judgement in judgements})
    return f"{statements} statements, {len(judgements)} judgements" + (f": {levels}" if levels else "")


@dataclass(frozen=True, slots=True)
class RunJudgements:
    """The judgements of a run, as read from a file."""

    identity: dict[str, str]
    rows: dict[tuple[str, int], dict[tuple[int, ...], dict[str, Any]]]
    agreement: tuple[dict[str, Any], ...] = ()  # of the same judge with human labels

    def supports(self, item: str, answer: Mapping[str, Any]) -> list[Support]:
        """Return the support function of each statement of an item's answer."""
        places = {
            citation["number"]: Place(citation["article_id"], citation["start"], citation["end"])
            for citation in answer["citations"]
        }
        return [
            _support({_places(places, numbers): row for numbers, row in self.rows.get((item, index), {}).items()})
            for index in range(len(answer["statements"]))
        ]

    def summary(self) -> dict[str, Any]:
        """Return the judge's identity, the number of judgements, and the reasons of unscored ones."""
        rows = [row for by_numbers in self.rows.values() for row in by_numbers.values()]
        reasons = Counter(row["unscored"] for row in rows if row["unscored"])
        return {**self.identity, "judgements": len(rows), "unscored": dict(reasons)}


def _places(places: Mapping[int, Place], numbers: tuple[int, ...]) -> frozenset[Place]:
    return frozenset(places[number] for number in numbers)


def _support(rows: Mapping[frozenset[Place], Mapping[str, Any]]) -> Support:
    def support(cited: Sequence[Place]) -> float:
        row = rows.get(frozenset(cited))
        if row is None or row["level"] is None:
            raise Unscored("not judged" if row is None else row["unscored"])
        return WEIGHTS[row["level"]]

    return support


def read_judgements(path: Path, run: Path, agreement: Sequence[dict[str, Any]] = ()) -> RunJudgements:
    """Read the judgements of a run, with those agreement entries that are of the same judge.

    Raises BadRun for judgements of another run and for a file that cannot be read.
    """
    try:
        head, *rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
        if head.get("kind") != "judging" or head.get("format") != FORMAT:
            raise BadRun(f"{path}: not judgements of format {FORMAT}")
        if head["run_sha256"] != _sha256(run):
            raise BadRun(f"{path}: judgements of another run than {run}")
        by_statement: dict[tuple[str, int], dict[tuple[int, ...], dict[str, Any]]] = {}
        for row in rows:
            if row["level"] not in (*WEIGHTS, None):
                raise BadRun(f"{path}: {row['item']}: no such level: {row['level']!r}")
            by_statement.setdefault((row["item"], row["statement"]), {})[tuple(row["citations"])] = row
        identity = {name: str(head[name]) for name in IDENTITY}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise BadRun(f"{path}: {type(exc).__name__}: {exc}") from None
    own = tuple(entry for entry in agreement if all(entry.get(name) == identity[name] for name in IDENTITY))
    return RunJudgements(identity, by_statement, own)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
