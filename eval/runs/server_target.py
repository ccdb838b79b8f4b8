"""A running server as the target of a run, and an HTTP client for it.

It uses only the standard library and the public API, so that the server is measured from outside.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from eval.dataset.items import Item
from eval.runs.manifest import hash_corpus
from eval.runs.targets import DEEP, PAGE, AskOptions, Reply, article_json
from qa import QaError

TIMEOUT_S = 600


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
        with self.open(path, body) as response:
            return json.load(response)

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
            page = await self._get(f"/v1/articles?collection={self._collection}&limit={PAGE}&offset={offset}")
            rows += [(row["article_id"], row["sha256"]) for row in page["articles"]]
            offset = page["next_offset"]
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
        began, first, looked = time.perf_counter(), None, []
        answer: dict[str, Any] | None = None
        async for name, data in self._events("/v1/ask", body):
            first = first or time.perf_counter() - began
            if name == "retrieved":
                looked = data["sources"]
            elif name == "error":
                raise QaError(f"{data['error']['type']}: {data['error']['message']}")
            elif name == "answer":
                answer = data
        seconds = time.perf_counter() - began
        if answer is None:
            raise QaError("the stream ended without an answer")
        hits: list[dict[str, Any]] = []
        if not item.history:
            query = {"query": item.question, "filters": filters, "as_of": as_of, "top_k": DEEP}
            hits = (await self._post("/v1/search", query | {"collection": options.collection}))["hits"]
        return Reply(answer, [_hit(hit) for hit in looked], [_hit(hit) for hit in hits], first or seconds, seconds)

    async def article(self, article_id: str, version: int | None, collection: str) -> dict[str, Any] | None:
        """Read an article from the server."""
        path = f"/v1/articles/{quote(article_id, safe='')}"
        version_query = "" if version is None else f"&version={version}"
        try:
            source = await self._get(f"{path}?collection={collection}")
            stored = await self._get(f"{path}/text?collection={collection}{version_query}")
        except ResourceNotFound:
            return None
        return article_json(stored["text"], source | {"version": stored["version"], "sha256": stored["sha256"]})

    async def _get(self, path: str) -> Any:
        return await asyncio.to_thread(self._http.call, path)

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        return await asyncio.to_thread(self._http.call, path, body)

    async def _events(self, path: str, body: dict[str, Any]) -> AsyncIterator[tuple[str, Any]]:
        events = self._read_events(path, body)
        while (event := await asyncio.to_thread(next, events, None)) is not None:
            yield event

    def _read_events(self, path: str, body: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        with self._http.open(path, body) as response:
            name = ""
            for line in response:
                field, _, value = line.decode().rstrip("\r\n").partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    yield name, json.loads(value)


def _hit(hit: dict[str, Any]) -> dict[str, Any]:
    return {
        "article_id": hit["article_id"],
        "start": hit["start"],
        "end": hit["end"],
        "score": hit["score"],
        "reprints": hit["reprints"],
    }
