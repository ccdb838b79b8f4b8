"""Draft questions from readers' ratings."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from eval.__main__ import app
from eval.drafting.format import load_drafts
from eval.drafting.from_feedback import read_feedback
from qa import QaError
from qa.service.app import create_app
from tests.service.serving import BRIDGE, running, settings_for


def test_a_rating_becomes_a_draft_once(tmp_path: Path) -> None:
    """The draft holds the question, the earlier questions and the cited words; a second export adds nothing."""
    drafts = tmp_path / "drafts.jsonl"
    with running(create_app(settings_for(tmp_path / "store"))) as port:
        url = f"http://127.0.0.1:{port}"
        httpx.post(f"{url}/v1/articles", json=BRIDGE).raise_for_status()
        history = [{"role": "user", "content": "Which bridge?"}, {"role": "assistant", "content": "The old one."}]
        asked = {"question": "When was the bridge opened again on Monday?", "history": history, "as_of": "2023-03-22"}
        answer = httpx.post(f"{url}/v1/ask", json=asked).json()
        rating = {"answer_id": answer["id"], "rating": -1, "comment": "Tuesday!"}
        httpx.post(f"{url}/v1/feedback", json=rating).raise_for_status()
        for _ in range(2):
            done = CliRunner().invoke(app, ["draft-feedback", "--server", url, "--out", str(drafts)])
            assert done.exit_code == 0, done.output
    assert done.output.startswith("0 new drafts, 1 from before")
    (draft,) = load_drafts(drafts)
    assert (draft.question, draft.as_of) == (asked["question"], "2023-03-22")
    assert [turn.content for turn in draft.history] == ["Which bridge?"]
    assert draft.draft.flags == ("rated bad", f"was {answer['status']}", "comment: Tuesday!")
    assert [span.text for span in draft.gold] == [citation["quote"] for citation in answer["citations"]]


@pytest.mark.parametrize("server", ["http://127.0.0.1:1", "ftp://host", "file:///etc/passwd"])
def test_a_server_that_is_not_there_is_named(server: str) -> None:
    """Only http addresses are read, and the error names the one that failed."""
    with pytest.raises(QaError, match=server):
        list(read_feedback(server, None))
