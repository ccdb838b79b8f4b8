"""Result files of the matrix: one for each model and set, checked against a schema, so that anyone can add theirs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eval.dataset.format import Day, Words
from eval.runs.files import write_text
from qa import QaError

FORMAT: Literal[1] = 1
Share = Annotated[float, Field(ge=0, le=1)]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Figure(_Row):
    """A metric over `n` marks with its 95 % interval; all None if nothing could be marked."""

    value: Share | None
    low: Share | None
    high: Share | None
    n: Annotated[int, Field(ge=0)]


class View(_Row):
    """The figures of one view of the replies: checked, or as the model wrote them."""

    right: Figure
    span_f1: Figure
    refused_rightly: Figure
    refused_wrongly: Figure
    false_pass: Figure


class Checked(View):
    """The figures of the checked answers, which alone can take a statement away, replace it or do without the model."""

    false_strip: Figure
    replaced: Figure
    fell_back: Figure


class Spending(_Row):
    """What the answers took: tokens and cost of a question on average, seconds from question to answer."""

    prompt_tokens: Annotated[float, Field(ge=0)] | None  # None where the server counts no tokens
    completion_tokens: Annotated[float, Field(ge=0)] | None
    seconds_p50: Annotated[float, Field(ge=0)]
    seconds_p95: Annotated[float, Field(ge=0)]
    cost: Annotated[float, Field(ge=0)] | None
    per_million_in: Annotated[float, Field(ge=0)] | None
    per_million_out: Annotated[float, Field(ge=0)] | None


class Manifest(_Row):
    """What made a result: code, data, prompts, settings without secrets and local paths, and machine."""

    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{7,64}$")] | None
    code_sha256: Hash
    prompts_sha256: Hash
    gold_sha256: Hash
    corpus_sha256: Hash
    articles: Annotated[int, Field(ge=1)]
    settings: dict[str, Any]
    top_k: int
    workers: int
    machine: str
    cpu_count: int | None
    python: str


class Result(_Row):
    """One model on one set."""

    format: Literal[1]
    model: Words
    server: Words  # program, version and context length, as whoever ran it says; else the host
    set: Words
    date: Day
    n: Annotated[int, Field(ge=1)]
    of: Annotated[int, Field(ge=1)]  # questions in the whole set; `n` of them, evenly spread, were asked
    failed: Annotated[int, Field(ge=0)]  # questions that the server did not answer; they count as wrong
    checked: Checked
    as_written: View
    spending: Spending
    manifest: Manifest

    @property
    def file_name(self) -> str:
        """Return the name of its file, which a later run of the same model, server and set replaces."""
        return "--".join(_UNSAFE.sub("-", part).strip("-.") for part in (self.model, self.set, self.server)) + ".json"


def write_result(folder: Path, result: Result) -> Path:
    """Write a result into a folder and return its path."""
    path = folder / result.file_name
    write_text(path, result.model_dump_json(indent=1) + "\n")
    return path


def load_results(folder: Path) -> list[Result]:
    """Read every result of a folder, by set and model. Raises QaError that lists every fault of every file."""
    results: list[Result] = []
    faults: list[str] = []
    for path in sorted(folder.glob("*.json")):
        try:
            results.append(Result.model_validate_json(path.read_bytes()))
        except (OSError, ValidationError) as exc:
            faults += _faults(path, exc)
    if not results and not faults:
        faults.append(f"{folder}: no result files")
    if faults:
        raise QaError("\n".join(faults))
    return sorted(results, key=lambda result: (result.set, result.model.lower(), result.server))


def _faults(path: Path, exc: OSError | ValidationError) -> Sequence[str]:
    if isinstance(exc, OSError):
        return [f"{path}: {exc}"]
    return [f"{path}: {'.'.join(map(str, error['loc']))}: {error['msg']}" for error in exc.errors()]
