"""Every error is typed JSON with the right status, and reveals no internals."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from qa import errors
from qa.answering.draft import Event
from qa.service.http.deps import answerer
from qa.service.http.errors import KINDS, kind_of
from qa.service.schemas import requests, responses
from qa.types import Question
from tests.service.serving import FakeAnswerer, empty_answer

JSON = {"Content-Type": "application/json"}


def _check(reply: Any, status: int, code: str) -> dict[str, Any]:
    assert reply.status_code == status, reply.text
    body = reply.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"type", "message", "param", "code"}
    assert body["error"]["code"] == code
    assert body["error"]["message"]
    error: dict[str, Any] = body["error"]
    return error


def test_unknown_route_and_wrong_method(served: TestClient) -> None:
    """An unknown route is 404; a wrong method is 405 with an Allow header."""
    _check(served.get("/v1/nothing"), 404, "unknown_route")
    _check(served.get("/nothing"), 404, "unknown_route")
    wrong = served.get("/v1/ask")
    _check(wrong, 405, "wrong_method")
    assert wrong.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"question": "a', 400),
        (b"", 422),
        (b"[]", 422),
        (b"null", 422),
        (b'"question"', 422),
        (b'{"question": "\\ud800"}', 422),
        (b'{"question": "x", "\\ud800": 1}', 422),
        (b'{"question": "x", "filters": {"outlets": ["\\udc00"]}}', 422),
        (b'{"question": "x", "history": [{"role": "user", "content": "\\ud83d"}]}', 422),
        (b'{"question": "x", "top_k": NaN}', 422),
        (b'{"question": "x", "top_k": Infinity}', 422),
        (b'{"question": "x", "top_k": 1e400}', 422),
        (b'{"question": "x", "top_k": ' + b"9" * 5_000 + b"}", 400),
        (b'{"question": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400),
        (b'{"question": "\xff"}', 400),
        (b"\x00\x01\x02", 400),
    ],
)
@pytest.mark.parametrize("route", ["/v1/ask", "/v1/search"])
def test_broken_bodies_are_the_callers_fault(served: TestClient, route: str, body: bytes, status: int) -> None:
    """No request body causes a 500."""
    if route == "/v1/search":
        body = body.replace(b'"question"', b'"query"')
    reply = served.post(route, content=body, headers=JSON)
    assert reply.status_code == status, reply.text
    assert reply.json()["error"]["type"] == "invalid_request"


def test_content_type_is_asked_for(served: TestClient) -> None:
    """JSON with another content type is refused with a hint: a form on any page could send it like that."""
    error = _check(
        served.post("/v1/ask", content=b'{"question": "x"}', headers={"Content-Type": "text/plain"}),
        422,
        "model_attributes_type",
    )
    assert "Content-Type: application/json" in error["message"]


def test_large_bodies(served: TestClient) -> None:
    """A body over the limit is 413, whether its length is declared or it arrives in chunks."""
    large = b'{"question": "' + b"x" * 1_000_001 + b'"}'
    _check(served.post("/v1/ask", content=large, headers=JSON), 413, "too_large")
    pieces = (large[start : start + 65_536] for start in range(0, len(large), 65_536))
    _check(served.post("/v1/ask", content=pieces, headers=JSON), 413, "too_large")
    lines = (b"x" * 1_000_000 for _ in range(65))
    _check(
        served.post("/v1/articles", content=lines, headers={"Content-Type": "application/x-ndjson"}), 413, "too_large"
    )
    _check(served.post("/v1/articles", content=b"", headers=JSON | {"Content-Length": "9" * 30}), 413, "too_large")


def test_every_error_class_has_a_row() -> None:
    """Fails for an exception class that is missing from the table."""
    ours = {value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.QaError)}
    assert ours - set(KINDS) == {errors.ModelFailed}, "ModelFailed is never raised itself"


def _failing(exc: Exception) -> FakeAnswerer:
    async def script(question: Question) -> AsyncGenerator[Event, None]:
        for _ in question.question:
            raise exc
        yield empty_answer()

    return FakeAnswerer(script)


@pytest.mark.parametrize(
    ("exc", "status", "code"),
    [
        (errors.BadQuestion("as_of: not a day", "as_of"), 422, "bad_question"),
        (errors.NotFound("no article 'a'"), 404, "not_found"),
        (errors.Locked("/secret/place: in use"), 503, "locked"),
        (errors.StoreFailed("/secret/place: disk I/O error"), 503, "store_failed"),
        (errors.EmbeddingFailed("/secret/place"), 503, "embedding_failed"),
        (errors.ModelRefused("key sk-secret is wrong"), 502, "model_refused"),
        (errors.ModelUnavailable("secret.internal:8080", retry_after_s=6.2), 503, "model_unavailable"),
        (errors.ModelBroken("secret reply"), 502, "model_broken"),
        (errors.BadSettings("secret"), 500, "bad_settings"),
        (ZeroDivisionError("secret"), 500, "failed"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_errors_by_the_table(
    served: TestClient, monkeypatch: pytest.MonkeyPatch, exc: Exception, status: int, code: str, stream: bool
) -> None:
    """Each class has its status, for streams too; the message does not leak internals."""
    app: Any = served.app
    monkeypatch.setitem(app.dependency_overrides, answerer, lambda: _failing(exc))
    reply = served.post("/v1/ask", json={"question": "x", "stream": stream})
    error = _check(reply, status, code)
    assert "secret" not in reply.text
    assert (reply.headers.get("retry-after") is not None) == (status == 503)
    if isinstance(exc, errors.ModelUnavailable):
        assert reply.headers["retry-after"] == "7"
    if isinstance(exc, errors.BadInput):
        assert error["param"] == "as_of"


def test_kind_of_an_unlisted_class_is_that_of_its_parent() -> None:
    """A class without a row uses that of its nearest base class."""

    class Late(errors.NotFound):
        pass

    assert kind_of(Late("x")).status == 404
    assert kind_of(errors.ModelFailed("x")).status == 500


def test_other_pages_cannot_use_it(served: TestClient) -> None:
    """A form on another page cannot change the store, and a foreign host name is not served without keys."""
    files = {"file": ("a.txt", b"Planted text. It is false.")}
    theirs = served.post("/v1/articles", files=files, headers={"Origin": "https://evil.example"})
    _check(theirs, 403, "forbidden")
    _check(served.post("/v1/articles", files=files, headers={"Origin": "null"}), 403, "forbidden")
    _check(served.get("/v1/articles", headers={"Host": "evil.example"}), 403, "forbidden")
    assert served.get("/v1/articles", headers={"Host": "127.0.0.1:8000"}).status_code == 200
    assert served.get("/v1/articles", headers={"Host": "[::1]:8000"}).status_code == 200
    own = served.post("/v1/ask", json={"question": "x"}, headers={"Origin": "http://localhost"})
    assert own.status_code == 200


def test_every_body_and_answer_has_an_example(served: TestClient) -> None:
    """The OpenAPI examples validate against the models, and every documented JSON response has one."""
    schemas = served.get("/openapi.json").json()["components"]["schemas"]
    for name in ("AskBody", "SearchBody"):
        getattr(requests, name).model_validate(schemas[name]["example"])
    for name in "AnswerOut SearchOut ReportOut ArticleOut ArticlesOut TextOut DeletedOut ErrorOut".split():
        getattr(responses, name).model_validate(schemas[name]["example"])
    answer, text = schemas["AnswerOut"]["example"], schemas["TextOut"]["example"]
    assert answer["answer"][0:38] == answer["statements"][0]["text"]
    ((start, end),) = text["furniture"]
    assert text["text"][start:end] == "Leave a Reply"


def test_schema_is_served_and_loads_nothing(served: TestClient) -> None:
    """The OpenAPI schema names every route; the pages that would load scripts from elsewhere are off."""
    schema = served.get("/openapi.json").json()
    assert {"/v1/ask", "/v1/search", "/v1/articles", "/v1/articles/{article_id}/text"} <= set(schema["paths"])
    assert schema["components"]["schemas"]["AskBody"]["example"]["question"]
    assert served.get("/docs").status_code == served.get("/redoc").status_code == 404
