"""The Prometheus metrics."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from pathlib import Path

from fastapi.testclient import TestClient

from qa.answering.draft import Event, Retrieved
from qa.errors import ModelUnavailable
from qa.service.http.limits import Limits
from qa.service.http.metrics import MeteredAnswerer, Metrics
from qa.service.http.recent_answers import RecentAnswers
from qa.types import Answer, Question
from tests.service.serving import BRIDGE, FakeAnswerer, client, empty_answer


def _figures(http: TestClient) -> dict[str, float]:
    sent = http.get("/metrics")
    assert sent.headers["content-type"].startswith("text/plain")
    return {name: float(value) for name, value in re.findall(r"^([a-z][^ #]*) ([\d.e+-]+)$", sent.text, re.MULTILINE)}


def test_questions_are_counted_by_what_became_of_them(tmp_path: Path) -> None:
    """Refusals, answer stages, the store and the routes are counted; no word of a question appears."""
    with client(tmp_path, BRIDGE) as http:
        for _ in range(2):
            http.post("/v1/ask", json={"question": "Who won the chess cup in Lima?"})
        http.get("/articles/nothing")
        found = _figures(http)
        text = http.get("/metrics").text
    assert found['qa_answers_total{mode="extractive",status="not_in_sources"}'] == 2
    assert found['qa_answer_stage_seconds_count{stage="retrieve"}'] == 2
    assert found['qa_request_seconds_count{method="POST",route="/v1/ask",status="200"}'] == 2
    assert found['qa_request_seconds_count{method="GET",route="/articles/{article_id}",status="404"}'] == 1
    assert found['qa_index_lag_changes{index="lexical"}'] == 0
    assert found["qa_articles"] == 1
    assert found["qa_questions_in_flight"] == 0
    assert "chess" not in text
    assert "nothing" not in text


async def test_a_failure_of_the_model_is_counted_and_passed_on() -> None:
    """The kind of failure is a label; nothing counts as an answer."""

    async def script(question: Question) -> AsyncGenerator[Event, None]:
        yield Retrieved(())
        raise ModelUnavailable("secret host failed")

    metrics = Metrics()
    events: list[Event] = []
    try:
        async for event in MeteredAnswerer(
            FakeAnswerer(script), metrics, Limits(None, None, None), RecentAnswers()
        ).stream(Question("x")):
            events.append(event)
    except ModelUnavailable:
        events.append(Retrieved(()))
    text = metrics.text().decode()
    assert len(events) == 2
    assert 'qa_upstream_errors_total{kind="ModelUnavailable"} 1.0' in text
    assert "qa_answers_total{" not in text
    assert "secret" not in text


async def test_the_answer_is_passed_on_as_it_is() -> None:
    """Counting changes nothing."""

    async def script(question: Question) -> AsyncGenerator[Event, None]:
        yield Retrieved(())
        yield empty_answer("None.")

    answer: Answer = await MeteredAnswerer(
        FakeAnswerer(script), Metrics(), Limits(None, None, None), RecentAnswers()
    ).ask(Question("x"))
    assert answer == empty_answer("None.")


def test_metrics_are_behind_a_key(tmp_path: Path) -> None:
    """Where keys are set, figures about the store are not for everyone."""
    with client(tmp_path, api_keys=("ask:reader",)) as http:
        assert http.get("/metrics").status_code == 401
        assert http.get("/metrics", headers={"authorization": "Bearer reader"}).status_code == 200
