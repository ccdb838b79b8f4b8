"""/v1/feedback: ratings of answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qa.service.http import recent_answers
from tests.service.serving import BRIDGE, client, opened

BODY = {"rating": -1, "comment": "It was Tuesday 😀."}


def test_a_rating_is_kept_with_what_it_is_about(tmp_path: Path) -> None:
    """The export has the question, the status and the cited spans, but no text of an article."""
    with client(tmp_path, BRIDGE) as http:
        answer = http.post("/v1/ask", json={"question": "On which day was the bridge opened again?"}).json()
        assert http.post("/v1/feedback", json=BODY | {"answer_id": answer["id"]}).status_code == 201
        page = http.get("/v1/feedback").json()
        kept = page["feedback"][0]
        exchange = opened(http.app).recent_answers.get(answer["id"])
    assert (kept["rating"], kept["comment"], kept["answer_id"]) == (-1, BODY["comment"], answer["id"])
    assert kept["exchange"] == exchange
    assert kept["exchange"]["question"] == "On which day was the bridge opened again?"
    assert kept["exchange"]["status"] == answer["status"]
    assert "Nobody was hurt" not in json.dumps(page)
    assert "opened again on Monday" not in json.dumps(page)


def test_pages_of_ratings_follow_each_other(tmp_path: Path) -> None:
    """Paging with `after` and `limit` returns every rating once."""
    with client(tmp_path) as http:
        ids = [http.post("/v1/ask", json={"question": f"Who {n}?"}).json()["id"] for n in range(3)]
        for answer_id in ids:
            http.post("/v1/feedback", json={"answer_id": answer_id, "rating": 1})
        first = http.get("/v1/feedback?limit=2").json()
        rest = http.get(f"/v1/feedback?limit=2&after={first['next_after']}").json()
    assert [rating["answer_id"] for rating in first["feedback"] + rest["feedback"]] == ids
    assert rest["next_after"] is None


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"answer_id": "ans_0123"}, 404),
        ({"rating": 5}, 422),
        ({"answer_id": "x"}, 422),
        ({"comment": "x" * 2_001}, 422),
    ],
)
def test_what_cannot_be_kept_is_refused(tmp_path: Path, change: dict[str, object], status: int) -> None:
    """A rating of an unknown answer is refused."""
    with client(tmp_path) as http:
        known = http.post("/v1/ask", json={"question": "Who?"}).json()["id"]
        assert http.post("/v1/feedback", json={"answer_id": known, "rating": 1} | change).status_code == status


def test_only_an_admin_reads_ratings(tmp_path: Path) -> None:
    """A comment may contain any text."""
    with client(tmp_path, api_keys=("ask:reader", "admin:writer")) as http:
        assert http.get("/v1/feedback", headers={"authorization": "Bearer reader"}).status_code == 403
        assert http.get("/v1/feedback", headers={"authorization": "Bearer writer"}).status_code == 200


def test_old_answers_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the most recent answers are remembered."""
    monkeypatch.setattr(recent_answers, "_MAX_ANSWERS", 2)
    with client(tmp_path) as http:
        ids = [http.post("/v1/ask", json={"question": f"Who {n}?"}).json()["id"] for n in range(3)]
        sent = [http.post("/v1/feedback", json={"answer_id": answer_id, "rating": 1}).status_code for answer_id in ids]
    assert sent == [404, 201, 201]
