"""An answer as it grows: statements, numbered citations, conflicts, dates, and what a stream sends of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from qa import citations, extractive, time_phrases
from qa.conflicts import Disagreement
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
    """The first event of a stream: the chunks that were found."""

    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer's text; joined, the pieces are the answer."""

    text: str


Event = Looked | Delta | Citation | Answer


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

    def add(self, body: str, cited: Sequence[Evidence], support: Support, reasons: tuple[str, ...]) -> list[Event]:
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
        self.statements.append(
            Statement(start, len(self.text), said, tuple(one.number for one in numbers), support, reasons)
        )
        return [*events, Delta(gap + said)]

    def note_conflicts(self, found: Sequence[Disagreement]) -> list[Event]:
        """Record the disagreements that the answer touches; a side that it does not cite yet is quoted."""
        events: list[Event] = []
        for one in found:
            if not any(self.numbering.number_of(evidence) for side in one.sides for evidence in side.evidence):
                continue
            for side in one.sides:
                if not any(self.numbering.number_of(evidence) for evidence in side.evidence):
                    quoted = extractive.quoted(side.evidence[0])
                    events += self.add(quoted, side.evidence[:1], "supported", ())
            values = tuple(self._value(side.value, side.evidence) for side in one.sides)
            self.conflicts.append(Conflict(one.about, values, one.kind))
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
            for found in time_phrases.resolve(one.quote, one.source.published_at)
        )
