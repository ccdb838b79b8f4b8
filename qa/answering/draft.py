"""An answer while it is being built: its statements, citations, conflicts and status, and the events of the stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from qa.answering import citations, extractive
from qa.conflicts.find import Disagreement
from qa.query.history import NOT_IN_SOURCES
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
    ShortAnswer,
    Span,
    Statement,
    Status,
    Support,
    Usage,
)


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The first event of a stream: the hits, their sentences, best first, and the mode of the answer."""

    hits: tuple[Hit, ...]
    evidence: tuple[Evidence, ...] = ()
    mode: Literal["extractive", "llm"] = "extractive"


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer's text; joined, the pieces are the answer."""

    text: str


Event = Retrieved | ShortAnswer | Delta | Citation | Answer


@dataclass(frozen=True, slots=True)
class Judged:
    """How well its citations support a statement: the verdict, its reasons and a score."""

    support: Support
    reasons: tuple[str, ...] = ()
    score: float | None = None


VERBATIM = Judged("supported", (), 1.0)  # the words of the source itself


def decide_status(*, has_statements: bool, contradicted: bool, covers_all: bool, complete: bool) -> Status:
    """Return the status of an answer; the first rule that applies decides."""
    if not has_statements:
        return "not_in_sources"
    if contradicted:
        return "conflicting"
    return "answered" if covers_all and complete else "partial"


class Draft:
    """The answer as built so far, changed only by its methods."""

    def __init__(
        self, question: str, texts: Mapping[tuple[str, int], str], mode: Literal["extractive", "llm"] = "extractive"
    ) -> None:
        """Begin an answer to `question`. `texts` are the articles that it may cite, by (id, version)."""
        self.question: Final = question
        self.texts: Final = texts
        self._mode = mode
        self._model: str | None = None
        self._text = ""
        self._statements: list[Statement] = []
        self._numbering = citations.Numbering()
        self._conflicts: list[Conflict] = []
        self._rejected: list[Rejected] = []
        self._degraded: list[str] = []
        self._covers_all = True
        self._complete = True
        self._usage = Usage()
        self._confidence: float | None = None
        self._short: tuple[Evidence, Span] | None = None

    @property
    def mode(self) -> Literal["extractive", "llm"]:
        """Whether sentences of the articles are the answer, or a model writes it."""
        return self._mode

    @property
    def is_empty(self) -> bool:
        """Tell whether the draft has no statement yet."""
        return not self._statements

    def write_with(self, model: str) -> None:
        """Name the model that writes the answer."""
        self._model = model

    def add(
        self, body: str, cited: Sequence[Evidence], judged: Judged = VERBATIM, *, replaced: bool = False
    ) -> list[Event]:
        """Append a statement with its markers and return the events that show it.

        `replaced` says that it is a quote in place of what a model wrote.
        """
        events: list[Event] = []
        cited_as: list[Citation] = []
        for evidence in cited:
            article_text = self.texts[evidence.source.article_id, evidence.source.version]
            citation, is_new = self._numbering.cite(evidence, article_text)
            cited_as.append(citation)
            if is_new:
                events.append(citation)
        statement = f"{citations.without_markers(body)} {citations.markers(cited_as)}"
        gap = " " if self._text else ""
        start = len(self._text) + len(gap)
        self._text += gap + statement
        numbers = tuple(citation.number for citation in cited_as)
        self._statements.append(
            Statement(
                start, len(self._text), statement, numbers, judged.support, judged.reasons, judged.score, replaced
            )
        )
        return [*events, Delta(gap + statement)]

    def reject(self, reason: str, text: str) -> None:
        """Record something that a model wrote and the answer leaves out."""
        self._rejected.append(Rejected(reason, text))

    def spend(self, usage: Usage) -> None:
        """Add the tokens of one model call."""
        self._usage += usage

    def degrade(self, *parts: str) -> None:
        """Record parts of the system that failed or were behind while the answer was made."""
        self._degraded += [part for part in dict.fromkeys(parts) if part not in self._degraded]

    def cover_part(self) -> None:
        """Record that the statements answer only a part of the question."""
        self._covers_all = False

    def cut_short(self) -> None:
        """Record that the model's reply is incomplete."""
        self._complete = False

    def lose_model(self, part: str = "llm") -> None:
        """Record that the model failed, as `part`. Statements already sent stay; without any, quotes are the answer."""
        self.degrade(part)
        if self._statements:
            self.cut_short()
        else:
            self._mode, self._model = "extractive", None
            self._covers_all = self._complete = True

    def rate_confidence(self, confidence: float) -> None:
        """Record how likely it is, 0..1, that the articles answer the question."""
        self._confidence = confidence

    def give_short_answer(self, evidence: Evidence, span: Span) -> None:
        """Record the words of a sentence that answer in short, as a span of the article. The latest call counts."""
        self._short = evidence, span

    @property
    def short_answer(self) -> ShortAnswer | None:
        """The short answer; None where its sentence is not cited, or does not hold its words.

        There is none where the articles contradict each other either: one side in bold would look like the truth.
        """
        if self._short is None or self.status not in ("answered", "partial"):
            return None
        evidence, span = self._short
        number = self._numbering.number_of(evidence)
        if number is None or not evidence.span.start <= span.start < span.end <= evidence.span.end:
            return None
        words = span.slice(self.texts[evidence.source.article_id, evidence.source.version])
        return ShortAnswer(words, number, span.start, span.end)

    @property
    def status(self) -> Status:
        """What the answer would be if it ended now."""
        return decide_status(
            has_statements=bool(self._statements),
            contradicted=any(conflict.kind == "contradiction" for conflict in self._conflicts),
            covers_all=self._covers_all,
            complete=self._complete,
        )

    def first_cited(self) -> tuple[Citation, ...]:
        """Return what the first statement cites."""
        numbers = self._statements[0].citations if self._statements else ()
        return tuple(citation for citation in self._numbering.all() if citation.number in numbers)

    def note_conflicts(self, disagreements: Sequence[Disagreement]) -> list[Event]:
        """Record the disagreements that the answer touches, and quote each side that it does not cite yet.

        In extractive mode a contradiction is part of the answer even if the answer cites none of its sides.
        """
        events: list[Event] = []
        for disagreement in disagreements:
            uncited = [side for side in disagreement.sides if not self._cites_any(side.evidence)]
            cites_none = len(uncited) == len(disagreement.sides)
            if cites_none and not (self._mode == "extractive" and disagreement.kind == "contradiction"):
                continue
            for side in uncited:
                if not self._cites_any(side.evidence):  # two sides may share a sentence
                    events += self.add(extractive.with_attribution(side.evidence[0]), side.evidence[:1])
            values = [self._value(side.value, side.evidence) for side in disagreement.sides]
            values.sort(key=lambda value: value.citations)  # in the order in which the answer cites them
            self._conflicts.append(Conflict(disagreement.about, tuple(values), disagreement.kind))
        return events

    def cited_versions(self) -> set[tuple[str, int]]:
        """Return the articles that are cited, by (id, version)."""
        return {(citation.source.article_id, citation.source.version) for citation in self._numbering.all()}

    def finish(self, answer_id: str, timings_ms: dict[str, int]) -> Answer:
        """Return the whole answer."""
        status = self.status
        return Answer(
            id=answer_id,
            status=status,
            answer=NOT_IN_SOURCES if status == "not_in_sources" else self._text,
            statements=tuple(self._statements),
            citations=self._numbering.all(),
            conflicts=tuple(self._conflicts),
            dates=self._dates(),
            rejected=tuple(self._rejected),
            mode=self._mode,
            model=self._model,
            degraded=tuple(self._degraded),
            complete=self._complete,
            usage=self._usage,
            timings_ms=timings_ms,
            question=self.question,
            confidence=self._confidence,
            short_answer=self.short_answer,
        )

    def _cites_any(self, sentences: Sequence[Evidence]) -> bool:
        return any(map(self._numbering.number_of, sentences))

    def _value(self, value: str, sentences: Sequence[Evidence]) -> ConflictValue:
        cited = [(number, evidence.source) for evidence in sentences if (number := self._numbering.number_of(evidence))]
        return ConflictValue(
            value,
            tuple(number for number, _ in cited),
            tuple(source.outlet or source.title or source.article_id for _, source in cited),
            tuple(source.published_at for _, source in cited),
        )

    def _dates(self) -> tuple[ResolvedDate, ...]:
        """Return the time phrases of the quotes with the dates that they mean on the day of their articles."""
        return tuple(
            ResolvedDate(citation.number, phrase.phrase, phrase.resolved, phrase.basis)
            for citation in self._numbering.all()
            for phrase in phrases.resolve(citation.quote, citation.source.published_at)
        )
