"""Run `qa ask` and `qa search` on the local store, or on the server that has it open, with the same JSON output."""

from __future__ import annotations

import logging
import time
from typing import Any

from qa.client import Client, connect, validated
from qa.errors import EmbeddingFailed, StoreFailed
from qa.library import Library
from qa.service.schemas.requests import AskBody, SearchBody
from qa.service.schemas.responses import AnswerOut, SearchOut
from qa.settings import Settings

_log = logging.getLogger(__name__)


def ask(settings: Settings, **fields: Any) -> AnswerOut:
    """Answer a question, given as the fields of an AskBody. Raises what `Library.ask` raises."""
    body = validated(AskBody, fields)
    with connect(settings) as library:
        _catch_up(library)
        if isinstance(library, Client):
            return library.post("/v1/ask", body, AnswerOut)
        return AnswerOut.from_domain(library.ask(body.domain()), body.collection, settings.public_url)


def search(settings: Settings, **fields: Any) -> SearchOut:
    """Find chunks, given the fields of a SearchBody. Raises what `Library.search` raises, and BadQuestion."""
    body = validated(SearchBody, fields)
    with connect(settings) as library:
        _catch_up(library)
        if isinstance(library, Client):
            return library.post("/v1/search", body, SearchOut)
        began = time.monotonic()
        result = library.search(
            body.query,
            collection=body.collection,
            filters=body.filters.domain(),
            as_of=body.as_of,
            top_k=body.top_k,
        )
        return SearchOut.from_domain(result, {"total": round((time.monotonic() - began) * 1_000)})


def _catch_up(library: Library | Client) -> None:
    if isinstance(library, Library):  # an ingest may have been killed before it indexed its articles
        try:
            library.projections.catch_up()
        except (StoreFailed, EmbeddingFailed) as exc:
            _log.warning("the indexes cannot follow the catalog: %s", exc)
