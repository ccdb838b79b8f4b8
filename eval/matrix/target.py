"""The library as the target of a matrix run: each reply of the model is kept twice, checked and as the model wrote it.

Both come from one call. The reply is repeated to an answerer that drops nothing (`QA_UNSUPPORTED=mark`), and what even
that one leaves out, sentences without an id, is added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval.dataset.items import Item
from eval.matrix.replay import ModelCall, RecordingModel
from eval.runs.files import write_lines
from eval.runs.run import read_run
from eval.runs.targets import AskOptions, LibraryTarget, Reply, question_of
from qa import Answer, Library, ModelFailed, ModelRefused, ModelUnavailable, QaError, answer_json

REFUSAL = "NOT_IN_SOURCES"  # what the prompt tells a model to write when the evidence does not answer
MARKED = "Not confirmed: "
NOTHING = {"type": "ModelBroken", "message": "the reply has no sentence to show"}


@dataclass(frozen=True, slots=True)
class PairedReply(Reply):
    """A checked answer, and the same reply as the model wrote it; None if it has no sentence."""

    as_written: dict[str, Any] | None = None
    model_text: str = ""  # the last reply itself

    @property
    def citations(self) -> list[dict[str, Any]]:
        """Return the citations of both answers."""
        return [*self.answer["citations"], *(self.as_written or {"citations": []})["citations"]]


class PairedTarget(LibraryTarget):
    """The library in this process with a model; every question is asked once and checked in two ways."""

    def __init__(self, library: Library, collection: str) -> None:
        """Take over the library's model and settings. Raises QaError if it has no model."""
        if library.model is None:
            raise QaError("a matrix needs a model")
        self._recorder = RecordingModel(library.model)
        library.model = self._recorder
        super().__init__(library, collection)
        settings = library.settings
        library.settings = settings.model_copy(update={"unsupported": "mark", "on_llm_failure": "error"})
        self._unchecked = library.answerer()
        library.settings = settings

    async def ask(self, item: Item, options: AskOptions) -> PairedReply:
        """Ask once. Raises ModelFailed where the server was away or refused; an unusable reply is an answer."""
        with self._recorder.recording() as calls:
            reply = await super().ask(item, options)
        last = calls[-1] if calls else None
        failed = None if last is None else last.failed
        if "llm" in reply.answer["degraded"] and isinstance(failed, ModelUnavailable | ModelRefused):
            raise failed  # the service answers with quotes then, which would be taken for the model's answer here
        as_written = await self._as_written(item, options, calls)
        return PairedReply(**asdict(reply), as_written=as_written, model_text=last.text if last else "")

    async def aclose(self) -> None:
        """Close the connections of the model."""
        await self._recorder.aclose()

    async def _as_written(self, item: Item, options: AskOptions, calls: list[ModelCall]) -> dict[str, Any] | None:
        answer: Answer | None = None
        try:
            with self._recorder.repeating(calls):
                answer = await self._unchecked.ask(question_of(item, options))
        except ModelFailed:
            return None
        text = calls[-1].text if calls else ""
        if answer.mode == "extractive":  # retrieval is sure of an answer that the model says is not there
            return _refusal(answer_json(answer, options.collection)) if REFUSAL in text else None
        return with_uncited(_without_marks(answer_json(answer, options.collection)), text)


def _refusal(answer: dict[str, Any]) -> dict[str, Any]:
    nothing: dict[str, Any] = {
        "answer": "",
        "statements": [],
        "citations": [],
        "conflicts": [],
        "dates": [],
        "short_answer": None,
    }
    return answer | nothing | {"status": "not_in_sources", "mode": "llm"}


def _without_marks(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer without the words that the service puts before what it could not confirm."""
    body, statements = "", []
    for statement in answer["statements"]:
        text = statement["text"].removeprefix(MARKED)
        start = len(body) + bool(body)
        body = f"{body} {text}" if body else text
        statements.append(statement | {"start": start, "end": len(body), "text": text})
    return answer | {"answer": body, "statements": statements} if statements else answer


def with_uncited(answer: dict[str, Any], model_text: str) -> dict[str, Any]:
    """Return an answer that dropped nothing with the sentences that it left out for having no id.

    A reply that says that the sources do not answer, and cites nothing, remains a refusal.
    """
    # An id that was not given is rejected too; it is one word, and no sentence.
    left_out = [rejected["text"] for rejected in answer["rejected"] if len(rejected["text"].split()) > 1]
    if not left_out or (REFUSAL in model_text and not answer["statements"]):
        return answer
    body = answer["answer"] if answer["statements"] else ""
    statements = list(answer["statements"])
    for text in left_out:
        start = len(body) + bool(body)
        body = f"{body} {text}" if body else text
        statements.append(
            {"start": start, "end": len(body), "text": text, "citations": [], "support": "unsupported", "reasons": []}
        )
    status = "partial" if answer["status"] == "not_in_sources" else answer["status"]
    return answer | {"answer": body, "statements": statements, "status": status}


def write_as_written(run: Path, out: Path) -> Path:
    """Write the replies of a matrix run as the model wrote them, as a run of its own. Raises BadRun."""
    loaded = read_run(run)
    settings = loaded.manifest["settings"] | {"unsupported": "mark"}
    rows: list[Mapping[str, Any]] = [loaded.manifest | {"settings": settings, "view": "as_written"}]
    rows += loaded.articles.values()
    for reply in loaded.replies.values():
        row = dict(reply)
        if row["error"] is None:
            as_written = row.pop("as_written")
            row |= {"answer": as_written} if as_written is not None else {"error": NOTHING}
        rows.append(row)
    write_lines(out, rows)
    return out
