"""Draft rows: gold questions that a person has still to decide on. One JSON object a line, as docs/judge.md describes.

A draft row is a gold row with the field `draft`. Whatever proposes questions (a model, a reader who was not content)
writes such rows; only `eval review` turns them into gold.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from eval.dataset.format import GoldQuestion, GoldSpan, Words
from eval.runs.files import write_lines, write_text
from qa import QaError

# `accepting` stands between the decision and the line in the gold file: an interruption there loses and doubles none.
Decision = Literal["proposed", "accepting", "accepted", "rejected"]

_LEFT_OUT = {"gold_sets", "history", "nuggets"}  # when empty


class DraftNote(BaseModel):
    """What stands beside a proposed question: who proposed it, what is odd about it, what was decided."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Decision
    flags: tuple[str, ...] = ()
    model: str | None = None
    prompt_hash: str | None = None
    near: tuple[GoldSpan, ...] = ()  # where an unanswerable question may be answered after all: for the reviewer
    edited: bool = False
    gold_id: Words | None = None  # under which it was accepted


class DraftQuestion(GoldQuestion):
    """A gold question with its note."""

    draft: DraftNote

    def decided(self, status: Decision, gold_id: str | None = None) -> DraftQuestion:
        """Return it with a decision."""
        note = self.draft.model_copy(update={"status": status, "gold_id": gold_id})
        return self.model_copy(update={"draft": note})

    def gold_question(self, gold_id: str) -> GoldQuestion:
        """Return it as a gold question of its own id. Raises ValidationError for what the format does not hold."""
        return GoldQuestion.model_validate(self.model_dump(exclude={"draft"}) | {"id": gold_id})


def load_drafts(path: Path) -> list[DraftQuestion]:
    """Read a draft file. Raises QaError with all bad lines at once."""
    try:
        lines = path.read_bytes().decode("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as exc:
        raise QaError(f"{path}: {exc}") from None
    drafts: list[DraftQuestion] = []
    faults: list[str] = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                drafts.append(DraftQuestion.model_validate_json(line))
            except ValidationError as exc:
                places = ((".".join(map(str, error["loc"])), error["msg"]) for error in exc.errors())
                faults += [f"{path}:{number}: {place}: {message}" for place, message in places]
    ids = [one.id for one in drafts]
    faults += [f"{path}: the id {one} stands twice" for one in sorted({one for one in ids if ids.count(one) > 1})]
    if faults:
        raise QaError("\n".join(faults))
    return drafts


def write_drafts(path: Path, drafts: Iterable[DraftQuestion]) -> None:
    """Write drafts, whole or not at all."""
    write_lines(path, (one.model_dump(mode="json") for one in drafts))


def append_gold(path: Path, question: GoldQuestion) -> None:
    """Add a question to a gold file, whole or not at all; the lines before it stay as they are."""
    row = question.model_dump(mode="json")
    row = {name: value for name, value in row.items() if value or name not in _LEFT_OUT}
    earlier = path.read_bytes().decode("utf-8") if path.exists() else ""
    line_end = "" if not earlier or earlier.endswith("\n") else "\n"
    write_text(path, f"{earlier}{line_end}{json.dumps(row, ensure_ascii=False)}\n")


def next_id(category: str, taken: Sequence[str]) -> str:
    """Return the next id of a category: one more than the highest, so that an id is never given again."""
    head = f"{category}-"
    numbers = [int(one[len(head) :]) for one in taken if one.startswith(head) and one[len(head) :].isdecimal()]
    return f"{head}{max(numbers, default=0) + 1:02}"
