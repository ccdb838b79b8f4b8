"""HTTP error responses: one table from exception class to status and code, and the exception handlers that use it."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import Scope

from qa import errors
from qa.service.html import article_page
from qa.service.http import logs
from qa.service.http.streams import ClientLeft
from qa.service.schemas.responses import ErrorOut, FaultOut

_log = logging.getLogger(__name__)

RETRY_AFTER_S = 5
CLIENT_LEFT = 499  # nginx's code for a closed connection; only our log shows it


class Overloaded(errors.QaError):
    """Too many requests are in flight."""


class TooMany(errors.QaError):
    """The caller exceeded its rate limit or token budget."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class LimitsAway(errors.QaError):
    """The rate limits are kept in Redis, and Redis is unreachable."""


class Unauthorized(errors.QaError):
    """The request has no valid API key."""


class Forbidden(errors.QaError):
    """The key lacks the scope, or the request has a forbidden origin or host."""


class UnreadableBody(errors.QaError):
    """The body is not valid for its content type."""


class UnsupportedBody(errors.QaError):
    """The body has an unsupported content type."""


class BadChat(errors.BadInput):
    """A chat request is invalid; chat clients expect status 400 and OpenAI's error types."""


class TooLong(BadChat):
    """The last message of a chat is longer than a question may be."""


class UnknownModel(BadChat):
    """A chat request names a model that does not exist."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The HTTP form of an exception class. `message` replaces the exception's own where that may leak internals."""

    status: int
    type: str
    code: str
    message: str | None = None


GOING_DOWN = Kind(503, "unavailable", "going_down", "the server is going down")
KINDS: dict[type[errors.QaError], Kind] = {
    errors.BadQuestion: Kind(422, "invalid_request", "bad_question"),
    errors.BadArticle: Kind(422, "invalid_request", "bad_article"),
    errors.BadInput: Kind(422, "invalid_request", "bad_input"),
    BadChat: Kind(400, "invalid_request_error", "bad_request"),
    TooLong: Kind(400, "invalid_request_error", "context_length_exceeded"),
    UnknownModel: Kind(404, "invalid_request_error", "model_not_found"),
    errors.NotFound: Kind(404, "not_found", "not_found"),
    errors.Locked: Kind(503, "unavailable", "locked", "the store is in use by another process; try again later"),
    errors.Closed: GOING_DOWN,
    errors.StoreFull: Kind(507, "unavailable", "store_full", "there is no room left to write; reading goes on"),
    errors.StoreFailed: Kind(503, "unavailable", "store_failed", "the store does not answer; try again later"),
    errors.JudgeFailed: Kind(
        503, "unavailable", "judge_failed", "a judge's network failed; QA_READER=off does without"
    ),
    errors.EmbeddingFailed: Kind(503, "unavailable", "embedding_failed", "the embedder does not answer; try again"),
    errors.ModelRefused: Kind(502, "model_failed", "model_refused", "the model server refused; ask the operator"),
    errors.ModelUnavailable: Kind(503, "model_failed", "model_unavailable", "the model is away; try again later"),
    errors.ModelBroken: Kind(502, "model_failed", "model_broken", "the model's reply cannot be read; try again"),
    errors.ModelUnusable: Kind(
        502, "model_failed", "model_unusable", "the model's reply is of no use; try another model"
    ),
    errors.BadSettings: Kind(500, "server_error", "bad_settings", "the service is not set up right; ask the operator"),
    Overloaded: Kind(503, "unavailable", "overloaded"),
    TooMany: Kind(429, "rate_limit_error", "rate_limit_exceeded"),
    LimitsAway: Kind(503, "unavailable", "limits_away", "the limits cannot be checked; try again later"),
    Unauthorized: Kind(401, "unauthorized", "bad_key"),
    Forbidden: Kind(403, "forbidden", "forbidden"),
    UnreadableBody: Kind(400, "invalid_request", "bad_body"),
    UnsupportedBody: Kind(415, "invalid_request", "unsupported_body"),
    errors.QaError: Kind(500, "server_error", "failed", "the service failed; the operator finds the reason in its log"),
}
UNEXPECTED = KINDS[errors.QaError]
TOO_LARGE = Kind(413, "invalid_request", "too_large")
_STATUSES = {
    400: Kind(400, "invalid_request", "bad_body", "the body cannot be read as its content type says"),
    404: Kind(404, "not_found", "unknown_route", "no such route"),
    405: Kind(405, "invalid_request", "wrong_method", "this route does not take this method"),
    408: Kind(408, "invalid_request", "too_slow", "the body came too slowly"),
    413: TOO_LARGE,
}


def kind_of(exc: errors.QaError) -> Kind:
    """Return the table row of the exception's class, or of its nearest base class."""
    return next(KINDS[cls] for cls in type(exc).__mro__ if cls in KINDS)


def error_json(kind: Kind, message: str | None = None, param: str | None = None) -> dict[str, Any]:
    """Return the JSON body of an error."""
    text = message if kind.message is None else kind.message
    return ErrorOut(error=FaultOut(type=kind.type, message=text, param=param, code=kind.code)).model_dump()


def error_body(exc: errors.QaError) -> dict[str, Any]:
    """Return the JSON body for one of our own exceptions, and log the message if the caller may not see it."""
    kind = kind_of(exc)
    logs.note(error=kind.code)
    if kind.message is not None:
        _log.warning("%s: %s", type(exc).__name__, exc)
    return error_json(kind, str(exc), exc.param if isinstance(exc, errors.BadInput) else None)


def stream_error(exc: Exception) -> dict[str, Any]:
    """Return the error body that ends a stream which has begun; an unexpected exception's message is left out."""
    if isinstance(exc, errors.QaError):
        return error_body(exc)
    _log.error("unexpected in a stream", extra=logs.fault(exc))
    logs.note(error=UNEXPECTED.code)
    return error_json(UNEXPECTED)


def install(app: FastAPI) -> None:
    """Answer every error of a route by the table."""
    app.add_exception_handler(errors.QaError, _handle_qa_error)
    app.add_exception_handler(HTTPException, _handle_http_exception)
    app.add_exception_handler(RequestValidationError, _handle_validation_error)
    app.add_exception_handler(ClientLeft, _handle_client_left)


def respond(scope: Scope, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    """Return the error as JSON, or as a page where a person reads it."""
    if is_page(scope["path"]):
        page = article_page.render_error(status, body["error"]["message"])
        ancestors = scope["app"].state.frame_ancestors
        return HTMLResponse(page, status, article_page.headers(ancestors) | (headers or {}))
    return JSONResponse(body, status, headers)


def is_page(path: str) -> bool:
    """Tell whether a path is an HTML page, opened by people in a browser."""
    return path == "/" or path.startswith("/articles/")


async def _handle_client_left(request: Request, exc: Exception) -> Response:
    return Response(status_code=CLIENT_LEFT)


async def _handle_qa_error(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, errors.QaError)
    kind = kind_of(exc)
    headers: dict[str, str] = {}
    if kind.status == 503:
        retry_after_s = exc.retry_after_s if isinstance(exc, errors.ModelUnavailable) else None
        headers["Retry-After"] = str(math.ceil(retry_after_s) if retry_after_s else RETRY_AFTER_S)
    if isinstance(exc, TooMany):
        headers["Retry-After"] = str(exc.retry_after_s)
    if kind.status == 401:
        scheme = "Basic" if is_page(request.scope["path"]) else "Bearer"
        headers["WWW-Authenticate"] = f'{scheme} realm="articles", charset="UTF-8"'
    return respond(request.scope, kind.status, error_body(exc), headers)


async def _handle_http_exception(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    kind = _STATUSES.get(exc.status_code, Kind(exc.status_code, "invalid_request", "refused", "the request is refused"))
    return respond(request.scope, kind.status, error_json(kind, "the body is too large"), dict(exc.headers or {}))


async def _handle_validation_error(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)
    first = exc.errors()[0]
    location, *names = first["loc"]
    if first["type"] == "json_invalid":
        kind = Kind(400, "invalid_request", "bad_json")
        return respond(request.scope, 400, error_json(kind, f"the body is not JSON: character {names[0]}", None))
    kind = Kind(422, "invalid_request", str(first["type"]))
    param = ".".join(str(name) for name in names)[:200] or None
    if param is None and location == "body":
        message = "the body must be a JSON object, sent with Content-Type: application/json"
    elif first["type"] == "extra_forbidden":
        message = f"{param}: there is no such field"
    else:
        message = f"{param}: {first['msg'].removeprefix('Value error, ')}"
    return respond(request.scope, 422, error_json(kind, message, param))
