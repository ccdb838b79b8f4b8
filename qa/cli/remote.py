"""Answer a request of the command line here, or let the server that owns the data directory answer it."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Sequence
from typing import Any, cast
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from pydantic import ValidationError

from qa.errors import BadInput, BadQuestion, EmbeddingFailed, StoreFailed
from qa.library import Library
from qa.service.schemas.serialize import AskBody, SearchBody, answer_json, search_json
from qa.types import Answer, Question

_log = logging.getLogger(__name__)


def call_here(library: Library, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return what the server would answer. Raises what asking raises, BadQuestion for a bad body."""
    try:
        library.projections.catch_up()  # an ingest may have been killed before its articles were indexed
    except (StoreFailed, EmbeddingFailed) as exc:
        _log.warning("the indexes cannot follow the catalog: %s", exc)
    try:
        if path == "/v1/ask":
            asked = AskBody.model_validate(body)
            answer = asyncio.run(_ask(library, asked.domain()))
            return answer_json(answer, asked.collection, library.settings.public_url)
        query = SearchBody.model_validate(body)
    except ValidationError as exc:
        first = exc.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise BadQuestion(f"{name}: {first['msg']}", name) from None
    began = time.monotonic()
    found = library.search(
        query.query,
        collection=query.collection,
        filters=query.filters.domain(),
        as_of=query.as_of,
        top_k=query.top_k,
    )
    return search_json(found, {"total": round((time.monotonic() - began) * 1_000)})


async def _ask(library: Library, question: Question) -> Answer:
    try:
        return await library.answerer().ask(question)
    finally:
        if library.model is not None:
            await library.model.aclose()


def call_server(url: str, path: str, body: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """Return the server's answer. Raises BadInput for what it refuses and StoreFailed when it is away."""
    headers = {"content-type": "application/json"}
    able = [key.removeprefix("ask:") for key in keys if not key.startswith("admin:")]
    if able:
        headers["authorization"] = f"Bearer {able[0]}"
    request = Request(url + path, json.dumps(body).encode(), headers)  # noqa: S310  # the owner's own address
    try:
        with urlopen(request, timeout=600) as response:  # noqa: S310
            return cast("dict[str, Any]", json.load(response))
    except HTTPError as exc:
        message = json.load(exc)["error"]["message"]
        raise (BadInput(message) if exc.code < 500 else StoreFailed(f"{url}: {message}")) from exc
    except (URLError, OSError) as exc:
        raise StoreFailed(f"{url} owns the data directory and does not answer: {exc}") from exc
