"""Answer a request of the command line here, or let the server that owns the data directory answer it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from pydantic import BaseModel, ValidationError

from qa.errors import BadInput, BadQuestion, EmbeddingFailed, Locked, StoreFailed
from qa.library import Library
from qa.service.schemas.requests import AskBody, SearchBody
from qa.service.schemas.responses import AnswerOut, ErrorOut, SearchOut
from qa.settings import Settings
from qa.types import Answer, Question

Body = TypeVar("Body", bound=BaseModel)
Reply = TypeVar("Reply", bound=BaseModel)
_log = logging.getLogger(__name__)


def ask(settings: Settings, **asked: Any) -> AnswerOut:
    """Answer a question, given as the fields of its body. Raises what asking raises, BadQuestion for a bad field."""
    body = _read(AskBody, asked)

    def answer(library: Library) -> AnswerOut:
        found = asyncio.run(_ask(library, body.domain()))
        return AnswerOut.from_domain(found, body.collection, settings.public_url)

    return _call(settings, "/v1/ask", body, answer, AnswerOut)


def search(settings: Settings, **asked: Any) -> SearchOut:
    """Find chunks, given the fields of the body of a search. Raises what searching raises, BadQuestion."""
    body = _read(SearchBody, asked)

    def find(library: Library) -> SearchOut:
        began = time.monotonic()
        found = library.search(
            body.query,
            collection=body.collection,
            filters=body.filters.domain(),
            as_of=body.as_of,
            top_k=body.top_k,
        )
        return SearchOut.from_domain(found, {"total": round((time.monotonic() - began) * 1_000)})

    return _call(settings, "/v1/search", body, find, SearchOut)


def _read(model: type[Body], fields: dict[str, Any]) -> Body:
    try:
        return model.model_validate(fields)
    except ValidationError as exc:
        name, message = _fault(exc)
        raise BadQuestion(f"{name}: {message}", name) from None


def _fault(exc: ValidationError) -> tuple[str, str]:
    first = exc.errors()[0]
    return ".".join(str(part) for part in first["loc"]), first["msg"].removeprefix("Value error, ")


def _call(
    settings: Settings, path: str, body: BaseModel, here: Callable[[Library], Reply], model: type[Reply]
) -> Reply:
    try:
        with Library(settings) as library:
            try:
                library.projections.catch_up()  # an ingest may have been killed before its articles were indexed
            except (StoreFailed, EmbeddingFailed) as exc:
                _log.warning("the indexes cannot follow the catalog: %s", exc)
            return here(library)
    except Locked as locked:
        if locked.url is None:
            raise
        return _call_server(locked.url, path, body, settings.api_keys, model)


async def _ask(library: Library, question: Question) -> Answer:
    try:
        return await library.answerer().ask(question)
    finally:
        if library.model is not None:
            await library.model.aclose()


def _call_server(url: str, path: str, body: BaseModel, keys: tuple[str, ...], model: type[Reply]) -> Reply:
    """Return the server's answer. Raises BadInput for what it refuses and StoreFailed when it is away."""
    headers = {"content-type": "application/json"}
    able = [key.removeprefix("ask:") for key in keys if not key.startswith("admin:")]
    if able:
        headers["authorization"] = f"Bearer {able[0]}"
    sent = body.model_dump_json(exclude_unset=True).encode()
    request = Request(url + path, sent, headers)  # noqa: S310  # the owner's own address
    try:
        with urlopen(request, timeout=600) as response:  # noqa: S310
            return model.model_validate_json(response.read(), extra="ignore")  # a newer server may say more
    except HTTPError as exc:
        message = ErrorOut.model_validate_json(exc.read()).error.message
        raise (BadInput(message) if exc.code < 500 else StoreFailed(f"{url}: {message}")) from exc
    except ValidationError as exc:
        raise StoreFailed(f"{url} answers as another version does: {': '.join(_fault(exc))}") from exc
    except (URLError, OSError) as exc:
        raise StoreFailed(f"{url} owns the data directory and does not answer: {exc}") from exc
