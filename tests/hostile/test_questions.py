"""Hostile questions and names: every reply is an answer or a typed error."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.hostile.naughty import STRINGS
from tests.service.serving import BRIDGE, client


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    rows = [BRIDGE, {"id": "b2", "text": "The council OR the mayor (nobody knows) opened title:bridge NEAR the river."}]
    with client(tmp_path_factory.mktemp("naughty"), *rows) as http:
        yield http


def _is_typed(reply: Any) -> bool:
    return reply.status_code == 200 or set(reply.json()["error"]) == {"type", "message", "param", "code"}


def test_naughty_questions_are_answered_or_refused(http: TestClient) -> None:
    """No string makes a 5xx, a citation that is not a slice, or an error without a type; here and in a search."""
    for string in STRINGS:
        reply = http.post("/v1/ask", json={"question": string})
        found = http.post("/v1/search", json={"query": string})
        assert reply.status_code in (200, 422) and _is_typed(reply), (string, reply.text)
        assert found.status_code in (200, 422) and _is_typed(found), (string, found.text)
        for cited in reply.json().get("citations", ()):
            text = http.get(f"/v1/articles/{cited['article_id']}/text").json()["text"]
            assert text[cited["start"] : cited["end"]] == cited["quote"], string


def test_naughty_names_are_a_4xx_at_worst(http: TestClient) -> None:
    """As a filter, a day, a collection or a model's name: 4xx at worst."""
    short = [string for string in STRINGS if len(string) < 500]
    for string in short[:: 1 if os.environ.get("FULL_NUMBERS") else 5]:
        replies = [
            http.post(
                "/v1/ask", json={"question": "bridge", "filters": {"outlets": [string], "article_ids": [string]}}
            ),
            http.post("/v1/ask", json={"question": "bridge", "as_of": string}),
            http.post("/v1/ask", json={"question": "bridge", "collection": string}),
            http.post(
                "/v1/chat/completions", json={"model": string, "messages": [{"role": "user", "content": string}]}
            ),
            http.get("/v1/articles", params={"collection": string}),
        ]
        assert all(reply.status_code in (200, 400, 404, 422) for reply in replies), (string, [r.text for r in replies])


@pytest.mark.parametrize(
    "query",
    ['"bridge', "bridge*", "title:bridge", "bridge AND", "NOT bridge", "(bridge", "bridge^5", "-bridge", "bridge~2"],
)
def test_query_syntax_is_words(http: TestClient, query: str) -> None:
    """The operators of query languages have no meaning: the same is found as without them."""

    def found(query: str) -> list[str]:
        return [hit["article_id"] for hit in http.post("/v1/search", json={"query": query}).json()["hits"]]

    words = "".join(sign if sign.isalpha() else " " for sign in query)
    assert found(query) == found(words) != []


def test_long_questions_and_histories_are_bounded(http: TestClient) -> None:
    """A question of a megabyte is too large, 500 turns are refused or answered, and neither is a 5xx."""
    assert http.post("/v1/ask", json={"question": "x" * 1_000_000}).status_code == 413
    assert http.post("/v1/ask", json={"question": "x" * 500_000}).status_code == 422
    turns = [{"role": role, "content": "And the bridge?"} for _ in range(250) for role in ("user", "assistant")]
    body = {"question": "And then?", "history": turns}
    assert http.post("/v1/ask", json=body).status_code in (200, 422)
    chat = {"messages": [*turns, {"role": "user", "content": "When did the bridge open?"}]}
    assert http.post("/v1/chat/completions", json=chat).status_code in (200, 400)
