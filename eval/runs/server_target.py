"""A running server as the target of a run, and an HTTP client for it.

The server is measured from outside; its replies are validated with the service's own response models.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from pydantic import BaseModel, ValidationError

from eval.dataset.items import Item
from eval.runs.manifest import hash_corpus
from eval.runs.targets import DEEP, PAGE, AskOptions, Reply, article_json
from qa import (
    AnswerOut,
    ArticleOut,
    ArticlesOut,
    ErrorOut,
    QaError,
    RetrievedOut,
    RetrievedSourceOut,
    SearchOut,
    TextOut,
)

TIMEOUT_S = 600
HIT_FIELDS = {"article_id", "start", "end", "score", "reprints"}

Model = TypeVar("Model", bound=BaseModel)


class ResourceNotFound(QaError):
    """The server replied with 404."""


class Connection:
    """An HTTP client of a running server. Raises QaError if the address is not an http or https URL."""

    def __init__(self, url: str, key: str | None) -> None:
        if not url.startswith(("http://", "https://")):
            raise QaError(f"{url}: the address of a server begins with http:// or https://")
        self.url = url.rstrip("/")
        self._key = key

    def call(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Return the JSON of a response: GET without a body, else POST."""
        return json.loads(self.read(path, body))

    def read(self, path: str, body: dict[str, Any] | None = None) -> bytes:
        """Return the body of a response."""
        with self.open(path, body) as response:
            return bytes(response.read())

    def open(self, path: str, body: dict[str, Any] | None) -> Any:
        """Send a request and return the open response. Raises QaError, ResourceNotFound for a 404."""
        headers = {"content-type": "application/json"}
        if self._key:
            headers["authorization"] = f"Bearer {self._key}"
        request = Request(self.url + path, None if body is None else json.dumps(body).encode(), headers)  # noqa: S310
        try:
            return urlopen(request, timeout=TIMEOUT_S)  # noqa: S310  # the address was checked: http or https
        except HTTPError as exc:
            with exc:
                if exc.code == 404:
                    raise ResourceNotFound(f"{self.url}{path}: there is no such thing") from exc
                raise QaError(f"{self.url}{path}: {exc.code} {exc.read(2_000).decode(errors='replace')}") from exc
        except (URLError, OSError) as exc:
            raise QaError(f"{self.url}: {exc}") from exc


class ServerTarget:
    """A running server."""

    def __init__(self, url: str, key: str | None, collection: str) -> None:
        self._http = Connection(url, key)
        self._collection = collection

    async def describe(self) -> dict[str, Any]:
        """Return the hash of the corpus as listed by the server. Its settings and prompts are not accessible."""
        rows: list[tuple[str, str]] = []
        offset: int | None = 0
        while offset is not None:
            path = f"/v1/articles?collection={self._collection}&limit={PAGE}&offset={offset}"
            page = await self._call(ArticlesOut, path)
            rows += [(row.article_id, row.sha256) for row in page.articles]
            offset = page.next_offset
        return {
            "corpus_sha256": hash_corpus(rows),
            "articles": len(rows),
            "server": self._http.url,
            "settings": None,
            "model": None,
            "prompts_sha256": None,
        }

    async def ask(self, item: Item, options: AskOptions) -> Reply:
        """Ask through the event stream, which also gives the hits and the time of the first event."""
        as_of = options.day(item)
        filters = {"article_ids": list(item.article_ids)}
        body = {
            "question": item.question,
            "history": [turn.model_dump() for turn in item.history],
            "filters": filters,
            "as_of": as_of,
            "mode": options.mode,
            "collection": options.collection,
            "top_k": options.top_k,
            "stream": True,
        }
        began, first = time.perf_counter(), None
        looked: list[RetrievedSourceOut] = []
        answer: AnswerOut | None = None
        async for name, data in self._events("/v1/ask", body):
            first = first or time.perf_counter() - began
            if name == "retrieved":
                looked = _read(RetrievedOut, data).sources
            elif name == "error":
                error = _read(ErrorOut, data).error
                raise QaError(f"{error.type}: {error.message}")
            elif name == "answer":
                answer = _read(AnswerOut, data)
        seconds = time.perf_counter() - began
        if answer is None:
            raise QaError("the stream ended without an answer")
        hits: Sequence[RetrievedSourceOut] = ()
        if not item.history:
            query = {"query": item.question, "filters": filters, "as_of": as_of, "top_k": DEEP}
            hits = (await self._call(SearchOut, "/v1/search", query | {"collection": options.collection})).hits
        return Reply(answer.model_dump(), _hits_json(looked), _hits_json(hits), first or seconds, seconds)

    async def article(self, article_id: str, version: int | None, collection: str) -> dict[str, Any] | None:
        """Read an article from the server."""
        path = f"/v1/articles/{quote(article_id, safe='')}"
        version_query = "" if version is None else f"&version={version}"
        try:
            source = await self._call(ArticleOut, f"{path}?collection={collection}")
            stored = await self._call(TextOut, f"{path}/text?collection={collection}{version_query}")
        except ResourceNotFound:
            return None
        return article_json(stored.text, source.model_dump() | {"version": stored.version, "sha256": stored.sha256})

    async def _call(self, model: type[Model], path: str, body: dict[str, Any] | None = None) -> Model:
        return _read(model, await asyncio.to_thread(self._http.read, path, body))

    async def _events(self, path: str, body: dict[str, Any]) -> AsyncIterator[tuple[str, str]]:
        events = self._read_events(path, body)
        while (event := await asyncio.to_thread(next, events, None)) is not None:
            yield event

    def _read_events(self, path: str, body: dict[str, Any]) -> Iterator[tuple[str, str]]:
        with self._http.open(path, body) as response:
            name = ""
            for line in response:
                field, _, value = line.decode().rstrip("\r\n").partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    yield name, value


def _hits_json(hits: Sequence[RetrievedSourceOut]) -> list[dict[str, Any]]:
    return [hit.model_dump(include=HIT_FIELDS) for hit in hits]


def _read(model: type[Model], reply: str | bytes) -> Model:
    """Validate a response, ignoring fields that only a newer server sends. Raises QaError."""
    try:
        return model.model_validate_json(reply, extra="ignore")
    except ValidationError as exc:
        raise QaError(f"the server answers as another version does: {exc}") from exc
