"""Read the hand-written training data: statements with their evidence, and questions with neighbours.

eval/training/README.md says what a row means. A bad row is an error that names its file and line: data that a model
is trained on is not skipped in silence.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from eval.dataset.format import read_rows
from qa import QaError

PAIRS = Path(__file__).parent / "data" / "pairs.jsonl"
QUESTIONS = Path(__file__).parent / "data" / "questions.jsonl"

PairKind = Literal[
    "exchanged_roles", "mixed_people", "dropped_relation", "plan_as_done", "dropped_condition", "dropped_speaker",
    "wrong_number", "dropped_bound", "negation", "comparison", "time", "added_claim", "unit_or_scale", "part_as_whole",
    "kin_or_role", "opposite", "closed_class",
]  # fmt: skip
QuestionKind = Literal[
    "year", "ordinal", "negation", "former_current", "speaker", "place", "person", "quantity", "cause", "comparison",
    "plan_or_done", "unit", "form",
]  # fmt: skip
Row = TypeVar("Row", bound=BaseModel)


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    outlet: str | None
    date: str | None = Field(pattern=r"^\d{4}-\d\d-\d\d$")
    title: str | None


class Pair(_Row):
    """A statement and the evidence that it cites; the rows of a group share the evidence."""

    group: str
    kind: PairKind
    before: str | None
    evidence: str = Field(min_length=20)
    after: str | None
    statement: str = Field(min_length=5)
    covered: bool  # all that it says is in the evidence
    faithful: bool  # nothing of it is changed

    @property
    def is_supported(self) -> bool:
        """Tell whether the evidence says what the statement says."""
        return self.covered and self.faithful


class NeighbourQuestion(_Row):
    """A question on a passage that has sentences which look like the answer and are not."""

    id: str
    kind: QuestionKind
    sentences: tuple[str, ...] = Field(min_length=3)
    question: str = Field(min_length=3)
    answerable: bool
    right: tuple[int, ...]
    answer: str | None  # the shortest exact stretch of the first right sentence
    neighbours: tuple[int, ...] = Field(min_length=1)
    language_of_question: str

    @model_validator(mode="after")
    def _check_places(self) -> Self:
        places = range(len(self.sentences))
        if any(place not in places for place in (*self.right, *self.neighbours)):
            raise ValueError(f"a place is outside of the {len(self.sentences)} sentences")
        if set(self.right) & set(self.neighbours):
            raise ValueError("a sentence is right and a neighbour")
        if self.answerable != bool(self.right) or self.answerable != bool(self.answer):
            raise ValueError("answerable, right and answer contradict each other")
        if self.answer and self.answer not in self.sentences[self.right[0]]:
            raise ValueError(f"the answer {self.answer!r} is not in the first right sentence")
        return self


def load_pairs(path: Path = PAIRS) -> list[Pair]:
    """Return the pairs. Raises QaError for a bad row and for a group without a true and a false statement."""
    pairs = _load(Pair, path)
    groups: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        groups[pair.group].append(pair)
    for name, group in groups.items():
        if len({pair.evidence for pair in group}) != 1:
            raise QaError(f"{path}: group {name} has several evidences")
        if len({pair.statement for pair in group}) != len(group):
            raise QaError(f"{path}: group {name} has a statement twice")
        if {pair.is_supported for pair in group} != {True, False}:
            raise QaError(f"{path}: group {name} needs a true and a false statement")
    return pairs


def load_questions(path: Path = QUESTIONS) -> list[NeighbourQuestion]:
    """Return the questions. Raises QaError for a bad row and for an id that is there twice."""
    questions = _load(NeighbourQuestion, path)
    seen: set[str] = set()
    for question in questions:
        if question.id in seen:
            raise QaError(f"{path}: {question.id} is there twice")
        seen.add(question.id)
    return questions


def _load(kind: type[Row], path: Path) -> list[Row]:
    rows, faults = read_rows(kind, path)
    if faults:
        raise QaError("\n".join(faults))
    return rows
