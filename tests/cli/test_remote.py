"""What the command line reads of the server that answers for it."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI

from qa.cli.remote import _call_server
from qa.errors import StoreFailed
from qa.service.schemas import examples
from qa.service.schemas.requests import AskBody
from qa.service.schemas.responses import AnswerOut, ReportOut
from qa.types import IngestReport, Refused
from tests.service.serving import running

ANSWER = AnswerOut.from_domain(examples.ANSWER)


def _ask(reply: dict[str, Any]) -> AnswerOut:
    app = FastAPI()

    @app.post("/v1/ask")
    async def ask() -> dict[str, Any]:
        return reply

    with running(app) as port:
        return _call_server(f"http://127.0.0.1:{port}", "/v1/ask", AskBody(question="When?"), (), AnswerOut)


def test_a_newer_server_may_say_more() -> None:
    """Fields that are not known here are passed over, at any depth; the answer is read all the same."""
    reply = ANSWER.model_dump() | {"short_answer": None}
    reply["citations"][0]["notice"] = "retracted"
    assert _ask(reply) == ANSWER


def test_an_older_server_is_named() -> None:
    """A reply without a field that is needed is an error of one line that names the server and the field."""
    reply = ANSWER.model_dump()
    del reply["usage"]
    with pytest.raises(StoreFailed, match=r"^http://127\.0\.0\.1:\d+ answers as another version does: usage: .*$"):
        _ask(reply)


def test_a_file_name_that_is_no_text_can_be_reported() -> None:
    """A name that Linux allows and UTF-8 does not is told as it came; it does not stop the report."""
    report = ReportOut.from_domain(IngestReport(0, 0, 0, (Refused("bad\udcff.bin", "not read"),), 0, 0.0))
    assert report.model_dump()["refused"] == [{"source": "bad\udcff.bin", "reason": "not read"}]
