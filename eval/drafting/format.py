"""The draft format (JSON Lines): gold questions that wait for a person's decision; docs/judge.md describes the fields.

A draft row is a gold row with the field `draft`. Every source of proposals (a model, a dissatisfied reader) writes such
rows; only `eval review` turns them into gold questions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from eval.dataset.format import GoldQuestion, GoldSpan, Words, read_rows
from eval.runs.files import write_lines, write_text
from qa import QaError

# `accepting` is written before the question is appended to the gold file and `accepted` after it, so that an
# interruption in between neither loses nor duplicates the question.
Decision = Literal["proposed", "accepting", "accepted", "rejected"]

_OMITTED_IF_EMPTY = {"gold_sets", "history", "nuggets"}


class DraftNote(BaseModel):
    """The review record of a proposed question: who proposed it, its flags, and the decision."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Decision
    flags: tuple[str, ...] = ()
    model: str | None = None
    prompt_hash: str | None = None
    near: tuple[GoldSpan, ...] = ()  # sentences that may answer an unanswerable question after all, for the reviewer
    edited: bool = False
    gold_id: Words | None = None  # the id that the accepted question has in the gold file


class DraftQuestion(GoldQuestion):
    """A proposed gold question with its review record."""

    draft: DraftNote

    def decided(self, status: Decision, gold_id: str | None = None) -> DraftQuestion:
        """Return this draft with a decision."""
        note = self.draft.model_copy(update={"status": status, "gold_id": gold_id})
        return self.model_copy(update={"draft": note})

    def gold_question(self, gold_id: str) -> GoldQuestion:
        """Return this draft as a gold question with the given id. Raises ValidationError if the format forbids it."""
        return GoldQuestion.model_validate(self.model_dump(exclude={"draft"}) | {"id": gold_id})


def load_drafts(path: Path) -> list[DraftQuestion]:
    """Read a draft file. Raises QaError listing all bad lines."""
    drafts, faults = read_rows(DraftQuestion, path)
    draft_ids = [draft.id for draft in drafts]
    faults += [
        f"{path}: the id {draft_id} stands twice"
        for draft_id in sorted({draft_id for draft_id in draft_ids if draft_ids.count(draft_id) > 1})
    ]
    if faults:
        raise QaError("\n".join(faults))
    return drafts


def write_drafts(path: Path, drafts: Iterable[DraftQuestion]) -> None:
    """Write drafts atomically."""
    write_lines(path, (draft.model_dump(mode="json") for draft in drafts))


def append_gold(path: Path, question: GoldQuestion) -> None:
    """Append a question to a gold file atomically; the lines before it stay as they are."""
    row = question.model_dump(mode="json")
    row = {name: value for name, value in row.items() if value or name not in _OMITTED_IF_EMPTY}
    earlier = path.read_bytes().decode("utf-8") if path.exists() else ""
    line_end = "" if not earlier or earlier.endswith("\n") else "\n"
    write_text(path, f"{earlier}{line_end}{json.dumps(row, ensure_ascii=False)}\n")


def next_id(category: str, taken: Sequence[str]) -> str:
    """Return the next id of a category: one more than the highest number, so that no id is used twice."""
    head = f"{category}-"
    suffixes = [gold_id[len(head) :] for gold_id in taken if gold_id.startswith(head)]
    numbers = [int(suffix) for suffix in suffixes if suffix.isdecimal()]
    return f"{head}{max(numbers, default=0) + 1:02}"
