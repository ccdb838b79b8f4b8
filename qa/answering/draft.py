"""An answer as it grows: statements, numbered citations, conflicts, dates, and what a stream sends of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from qa import tracing
from qa.answering import citations, extractive
from qa.conflicts.find import Disagreement
from qa.temporal import phrases
from qa.types import (
    Answer,
    Citation,
    Conflict,
    ConflictValue,
    Evidence,
    Hit,
    Rejected,
    ResolvedDate,
    Statement,
    Support,
    Usage,
)


@dataclass(frozen=True, slots=True)
class Looked:
    """The first event of a stream: the chunks that were found, their sentences, the best first, and who will answer."""

    hits: tuple[Hit, ...]
    evidence: tuple[Evidence, ...] = ()
    mode: Literal["extractive", "llm"] = "extractive"


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer's text; joined, the pieces are the answer."""

    text: str


Event = Looked | Delta | Citation | Answer


class Clock:
    """Add up what each stage took."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self._spent = dict.fromkeys(("retrieve", "evidence", "generate", "verify"), 0.0)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time of a block."""
        began = time.monotonic()
        try:
            with tracing.stage(name):
                yield
        finally:
            self.add(name, time.monotonic() - began)

    def add(self, stage: str, seconds: float) -> None:
        """Count what was measured elsewhere."""
        self._spent[stage] = self._spent.get(stage, 0.0) + seconds

    def timings_ms(self) -> dict[str, int]:
        """Return the stages and the total so far, in milliseconds."""
        spent = {name: round(seconds * 1_000) for name, seconds in self._spent.items()}
        return spent | {"total": round((time.monotonic() - self.began) * 1_000)}


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found out about a statement: the verdict, its reasons, and a score of support."""

    support: Support
    reasons: tuple[str, ...] = ()
    score: float | None = None


VERBATIM = Judged("supported", (), 1.0)  # the words of the source itself


@dataclass(slots=True)
class Draft:
    """The answer as far as it has come. `texts` are the articles' texts by (id, version)."""

    texts: dict[tuple[str, int], str]
    degraded: list[str]
    text: str = ""
    statements: list[Statement] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    numbering: citations.Numbering = field(default_factory=citations.Numbering)
    partial: bool = False
    complete: bool = True
    model: str | None = None
    usage: Usage = field(default_factory=Usage)
    question: str = ""  # as it was answered
    confidence: float | None = None

    def add(self, body: str, cited: Sequence[Evidence], judged: Judged = VERBATIM) -> list[Event]:
        """Append a statement with its markers and return what a stream sends for it."""
        events: list[Event] = []
        numbers: list[Citation] = []
        for one in cited:
            citation, new = self.numbering.cite(one, self.texts[one.source.article_id, one.source.version])
            numbers.append(citation)
            if new:
                events.append(citation)
        said = f"{citations.without_markers(body)} {citations.markers(numbers)}"
        gap = " " if self.text else ""
        start = len(self.text) + len(gap)
        self.text += gap + said
        given = tuple(one.number for one in numbers)
        self.statements.append(
            Statement(start, len(self.text), said, given, judged.support, judged.reasons, judged.score)
        )
        return [*events, Delta(gap + said)]

    def note_conflicts(self, found: Sequence[Disagreement], *, quote: bool) -> list[Event]:
        """Record the disagreements that the answer touches; a side that it does not cite yet is quoted.

        With `quote` a contradiction about what is asked is part of the answer, whatever else was found.
        """
        events: list[Event] = []
        for one in found:
            silent = [side for side in one.sides if not any(map(self.numbering.number_of, side.evidence))]
            if len(silent) == len(one.sides) and not (quote and one.kind == "contradiction"):
                continue
            for side in silent:
                if not any(map(self.numbering.number_of, side.evidence)):  # two sides may share a sentence
                    quoted = extractive.quoted(side.evidence[0])
                    events += self.add(quoted, side.evidence[:1])
            values = [self._value(side.value, side.evidence) for side in one.sides]
            values.sort(key=lambda value: value.citations)  # as the reader meets them
            self.conflicts.append(Conflict(one.about, tuple(values), one.kind))
        return events

    def _value(self, value: str, evidence: Sequence[Evidence]) -> ConflictValue:
        cited = [(number, one.source) for one in evidence if (number := self.numbering.number_of(one))]
        return ConflictValue(
            value,
            tuple(number for number, _ in cited),
            tuple(source.outlet or source.title or source.article_id for _, source in cited),
            tuple(source.published_at for _, source in cited),
        )

    def dates(self) -> tuple[ResolvedDate, ...]:
        """Return the time phrases of the citations' quotes, made absolute against their articles' dates."""
        return tuple(
            ResolvedDate(one.number, found.phrase, found.resolved, found.basis)
            for one in self.numbering.all()
            for found in phrases.resolve(one.quote, one.source.published_at)
        )
