"""Judge the statements of a run, write the judgements, and read them back as the support that metrics ask for."""

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
from eval.models.model_calls import Call, work_through
from eval.runs.case import Unscored
from eval.runs.files import write_lines
from eval.runs.run import BadRun, Run

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Claim:
    """One statement of an answer with the citations that it names, each once."""

    item: str
    statement: int
    text: str
    cited: Mapping[int, Passage]

    def passages(self, numbers: Sequence[int]) -> list[Passage]:
        """Return the passages of some of its citations."""
        return [self.cited[number] for number in numbers]


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on a claim by some of its citations."""

    claim: Claim
    citations: tuple[int, ...]
    verdict: Verdict


def claims_of(run: Run) -> list[Claim]:
    """Return every statement of a run that cites something."""
    return [claim for item, reply in run.replies.items() if not reply["error"] for claim in _claims(item, reply)]


def _claims(item: str, reply: Mapping[str, Any]) -> Iterator[Claim]:
    by_number = {one["number"]: _passage(one) for one in reply["answer"]["citations"]}
    for index, one in enumerate(reply["answer"]["statements"]):
        cited = {number: by_number[number] for number in one["citations"] if number in by_number}
        if cited:
            yield Claim(item, index, without_markers(one["text"]), cited)


def _passage(citation: Mapping[str, Any]) -> Passage:
    about = (citation.get(name) for name in ("title", "outlet", "published_at"))
    return Passage(citation["article_id"], citation["start"], citation["quote"], *about)


def calls_of(judge: Judge, claims: Sequence[Claim]) -> tuple[list[Call], list[Call]]:
    """Return the calls that are surely made, and those that the first verdicts may ask for."""
    surely, perhaps = [], []
    for claim in claims:
        every = tuple(claim.cited)
        surely.append(judge.call(claim.text, claim.passages(every)))
        if len(every) > 1:
            for number in every:
                perhaps.append(judge.call(claim.text, claim.passages([number])))
                perhaps.append(judge.call(claim.text, claim.passages(_without(every, number))))
    return surely, perhaps


async def judge_claims(judge: Judge, claims: Sequence[Claim], *, workers: int, console: Console) -> list[Judgement]:
    """Judge every claim, in the order given. Raises ServerAway; what was answered until then is kept."""
    found: dict[int, list[Judgement]] = {}

    async def work(numbered: tuple[int, Claim]) -> None:
        place, claim = numbered
        found[place] = await _judge_claim(judge, claim)

    await work_through(enumerate(claims), work, label="judging", workers=workers, console=console)
    return [one for place in sorted(found) for one in found[place]]


async def _judge_claim(judge: Judge, claim: Claim) -> list[Judgement]:
    """Judge by all citations; where they support it and are several, by each alone, and by the rest without it.

    These are the sets that citation precision asks for: a citation that supports nothing alone, and that the others do
    not need, is useless.
    """

    async def by(numbers: tuple[int, ...]) -> Judgement:
        return Judgement(claim, numbers, await judge.verdict(claim.text, claim.passages(numbers)))

    every = tuple(claim.cited)
    found = {every: await by(every)}
    if len(every) > 1 and found[every].verdict.level in ("supported", "partial"):
        for number in every:
            alone = found[(number,)] = await by((number,))
            rest = _without(every, number)
            if alone.verdict.level == "unsupported" and rest not in found:
                found[rest] = await by(rest)
    return list(found.values())


def _without(numbers: tuple[int, ...], number: int) -> tuple[int, ...]:
    return tuple(one for one in numbers if one != number)


def write_judged(path: Path, run: Path, judge: Judge, judgements: Sequence[Judgement]) -> None:
    """Write all judgements of a run, whole or not at all."""
    head = {"kind": "judging", "format": FORMAT, "run_sha256": _sha256(run), **judge.identity}
    rows = (
        {
            "kind": "judgement",
            "item": one.claim.item,
            "statement": one.claim.statement,
            "text": one.claim.text,
            "citations": list(one.citations),
            "level": one.verdict.level,
            "unscored": one.verdict.unscored,
            "why": one.verdict.why,
            **judge.identity,
        }
        for one in judgements
    )
    write_lines(path, [head, *rows])


def judged_table(judgements: Sequence[Judgement]) -> str:
    """Return how many judgements came to what, for a terminal."""
    counts = Counter(one.verdict.level or f"unscored, {one.verdict.unscored}" for one in judgements)
    said = "; ".join(f"{count} {name}" for name, count in counts.most_common())
    statements = len({(one.claim.item, one.claim.statement) for one in judgements})
    return f"{statements} statements, {len(judgements)} judgements" + (f": {said}" if said else "")


@dataclass(frozen=True, slots=True)
class Judged:
    """The judgements of a run as they were read."""

    identity: dict[str, str]
    rows: dict[tuple[str, int], dict[tuple[int, ...], dict[str, Any]]]
    agreement: tuple[dict[str, Any], ...] = ()  # with people, of the same judge

    def supports(self, item: str, answer: Mapping[str, Any]) -> list[Support]:
        """Return what the judge says for each statement of an item's answer."""
        places = {one["number"]: Place(one["article_id"], one["start"], one["end"]) for one in answer["citations"]}
        return [
            _support({_places(places, numbers): row for numbers, row in self.rows.get((item, index), {}).items()})
            for index in range(len(answer["statements"]))
        ]

    def summary(self) -> dict[str, Any]:
        """Return who judged, how much, and what is unscored."""
        rows = [row for found in self.rows.values() for row in found.values()]
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


def read_judged(path: Path, run: Path, agreement: Sequence[dict[str, Any]] = ()) -> Judged:
    """Read the judgements of a run, and take the agreements of the same judge along.

    Raises BadRun for judgements of another run, and for what cannot be read.
    """
    try:
        head, *rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
        if head.get("kind") != "judging" or head.get("format") != FORMAT:
            raise BadRun(f"{path}: not judgements of format {FORMAT}")
        if head["run_sha256"] != _sha256(run):
            raise BadRun(f"{path}: judgements of another run than {run}")
        found: dict[tuple[str, int], dict[tuple[int, ...], dict[str, Any]]] = {}
        for row in rows:
            if row["level"] not in (*WEIGHTS, None):
                raise BadRun(f"{path}: {row['item']}: no such level: {row['level']!r}")
            found.setdefault((row["item"], row["statement"]), {})[tuple(row["citations"])] = row
        identity = {name: str(head[name]) for name in IDENTITY}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise BadRun(f"{path}: {type(exc).__name__}: {exc}") from None
    own = tuple(one for one in agreement if all(one.get(name) == identity[name] for name in IDENTITY))
    return Judged(identity, found, own)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
