"""HTTP client with the methods of `Library`, and `connect`, which opens a store here or talks to its server."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import date
from os import PathLike
from typing import Any, Self, TypeVar, Unpack
from urllib.parse import quote

import httpx2
from pydantic import BaseModel, ValidationError

from qa import errors
from qa.answering.draft import Delta, Event, Retrieved
from qa.library import AskOptions, Item, Library, articles_of, day_of, question_of, run_async, settings_for
from qa.retrieval.retriever import SearchResult
from qa.service.schemas.requests import AskBody, SearchBody, first_fault
from qa.service.schemas.responses import (
    AnswerOut,
    CitationOut,
    DeletedOut,
    ErrorOut,
    ReportOut,
    RetrievedOut,
    SearchOut,
    ShortAnswerOut,
    TextOut,
)
from qa.settings import Settings
from qa.types import Answer, Article, Filters, IngestReport, Question, Refused

TIMEOUT_S = 600.0
CONNECT_TIMEOUT_S = 10.0
_BATCH = 100  # articles per request, so that each request is answered while the next articles are read

Body = TypeVar("Body", bound=BaseModel)
Reply = TypeVar("Reply", bound=BaseModel)

# Server error codes that a caller may want to tell apart, and our exception for each.
_ERROR_BY_CODE: dict[str, type[errors.QaError]] = {
    "bad_question": errors.BadQuestion,
    "bad_article": errors.BadArticle,
    "not_found": errors.NotFound,
    "store_full": errors.StoreFull,
    "embedding_failed": errors.EmbeddingFailed,
    "model_refused": errors.ModelRefused,
    "model_unavailable": errors.ModelUnavailable,
    "model_broken": errors.ModelBroken,
    "model_unusable": errors.ModelUnusable,
    "bad_key": errors.BadSettings,
    "forbidden": errors.BadSettings,
}


def connect(where: str | PathLike[str] | Settings | None = None, *, key: str | None = None) -> Library | Client:
    """Open a store, or connect to the server that has it open. `where` is an http(s) URL, or what `Library` takes.

    `key` is the API key for a server; the default is a suitable key from the settings. Raises Locked if a process that
    is not a server has the store open, and what `Library` raises.
    """
    if isinstance(where, str) and where.startswith(("http://", "https://")):
        return Client(where, key=key)
    settings = settings_for(where)
    try:
        return Library(settings)
    except errors.Locked as locked:
        if locked.url is None:
            raise
        return Client(locked.url, key=key or key_of(settings))


def key_of(settings: Settings) -> str | None:
    """Return the configured key with the widest scope: a key for both scopes if there is one."""
    keys = sorted(settings.api_keys, key=lambda key: key.startswith(("ask:", "admin:")))
    return keys[0].removeprefix("ask:").removeprefix("admin:") if keys else None


class Client:
    """A store over HTTP. Every method does what the same method of `Library` does, and raises the same errors.

    What the wire does not carry is missing: the sentences of a search hit, everything but the ids of its
    near-duplicates, and the text of the hits in a stream's first event.
    """

    def __init__(self, url: str, *, key: str | None = None, timeout_s: float = TIMEOUT_S) -> None:
        """Prepare to talk to the server at `url`; nothing is sent yet."""
        self.url = url.rstrip("/")
        self._options: dict[str, Any] = {
            "base_url": self.url,
            "headers": {"authorization": f"Bearer {key}"} if key else {},
            "timeout": httpx2.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S),
            "trust_env": False,  # do not reach the user's own server through a proxy from the environment
        }
        self._http = httpx2.Client(**self._options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; the server keeps the store open. Any later call raises Closed."""
        self._http.close()

    def _check_open(self) -> None:
        if self._http.is_closed:
            raise errors.Closed(f"{self.url}: this client was closed")

    def ask(self, question: str | Question, **options: Unpack[AskOptions]) -> Answer:
        """Return the answer. This also works inside a running event loop, such as a notebook's."""
        return run_async(self.aask(question, **options))

    async def aask(self, question: str | Question, **options: Unpack[AskOptions]) -> Answer:
        """Return the answer without blocking the event loop."""
        body = _ask_body(question_of(question, options), stream=False)
        self._check_open()
        try:
            async with httpx2.AsyncClient(**self._options) as http:
                return self._read(AnswerOut, await http.post("/v1/ask", json=body)).domain()
        except httpx2.HTTPError as exc:
            raise self._unreachable(exc) from exc

    async def stream(self, question: str | Question, **options: Unpack[AskOptions]) -> AsyncGenerator[Event, None]:
        """Yield the retrieved hits, then pieces of text, each citation before its marker, and finally the Answer."""
        body = _ask_body(question_of(question, options), stream=True)
        self._check_open()
        try:
            async with (
                httpx2.AsyncClient(**self._options) as http,
                http.stream("POST", "/v1/ask", json=body) as response,
            ):
                if response.is_error:
                    await response.aread()
                    raise self._refusal(response)
                name, last = "", None
                async for line in response.aiter_lines():
                    if line.startswith("event:"):
                        name = line.removeprefix("event:").strip()
                    elif line.startswith("data:"):
                        last = self._event(name, line.removeprefix("data:"))
                        yield last
        except httpx2.HTTPError as exc:
            raise self._unreachable(exc) from exc
        if not isinstance(last, Answer):
            raise errors.StoreFailed(f"{self.url}: the stream ended before the answer was whole")

    def search(
        self,
        query: str,
        *,
        collection: str = "default",
        filters: Filters = Filters(),
        as_of: str | date | None = None,
        top_k: int = 8,
    ) -> SearchResult:
        """Return the best chunks for a query."""
        day = None if as_of is None else day_of("as_of", as_of)
        fields = {"query": query, "collection": collection, "filters": asdict(filters), "as_of": day, "top_k": top_k}
        return self.post("/v1/search", validated(SearchBody, fields), SearchOut).domain(query)

    def text(self, article_id: str, *, version: int | None = None, collection: str = "default") -> str:
        """Return the text that spans index into, of the newest version by default."""
        path = f"/v1/articles/{quote(article_id, safe='')}/text"
        params = {"collection": collection} | ({} if version is None else {"version": version})
        return self._call(TextOut, "GET", path, params=params).text

    def add(
        self,
        *items: Item | Iterable[Item],
        outlet: str | None = None,
        published: str | None = None,
        collection: str = "default",
    ) -> IngestReport:
        """Read files locally and upload their articles; the report lists what was refused. Needs an `admin` key."""
        reports: list[IngestReport] = []
        refused: list[Refused] = []
        for batch in _batches(articles_of(items, outlet=outlet, published=published), refused):
            rows = "\n".join(json.dumps(_article_row(article), ensure_ascii=False) for article in batch)
            report = self._call(
                ReportOut,
                "POST",
                "/v1/articles",
                params={"collection": collection},
                content=rows.encode(),
                headers={"content-type": "application/x-ndjson"},
            ).domain()
            sources = {f"stdin:{number}": article.source or article.id for number, article in enumerate(batch, 1)}
            refused += [Refused(sources.get(row.source, row.source), row.reason) for row in report.refused]
            reports.append(report)
        return IngestReport(
            added=sum(report.added for report in reports),
            updated=sum(report.updated for report in reports),
            unchanged=sum(report.unchanged for report in reports),
            refused=tuple(refused),
            chunks=sum(report.chunks for report in reports),
            seconds=round(sum(report.seconds for report in reports), 3),
        )

    def remove(self, article_id: str, *, collection: str = "default") -> None:
        """Remove an article. Needs an `admin` key. Raises NotFound."""
        path = f"/v1/articles/{quote(article_id, safe='')}"
        self._call(DeletedOut, "DELETE", path, params={"collection": collection})

    def post(self, path: str, body: BaseModel, model: type[Reply]) -> Reply:
        """Post a request model and parse the reply into a response model."""
        return self._call(model, "POST", path, json=body.model_dump(mode="json", exclude_unset=True))

    def _call(self, model: type[Reply], method: str, path: str, **options: Any) -> Reply:
        self._check_open()
        try:
            return self._read(model, self._http.request(method, path, **options))
        except httpx2.HTTPError as exc:
            raise self._unreachable(exc) from exc

    def _read(self, model: type[Reply], response: httpx2.Response) -> Reply:
        if response.is_error:
            raise self._refusal(response)
        return self._parse(model, response.content)

    def _parse(self, model: type[Reply], content: bytes | str) -> Reply:
        try:
            return model.model_validate_json(content, extra="ignore")  # a newer server may send more fields
        except ValidationError as exc:
            name, message = first_fault(exc)
            raise errors.StoreFailed(f"{self.url} answers as another version does: {name}: {message}") from exc

    def _event(self, name: str, data: str) -> Event:
        match name:
            case "retrieved":
                return Retrieved(self._parse(RetrievedOut, data).domain())
            case "short_answer":
                return self._parse(ShortAnswerOut, data).domain()
            case "delta":
                return Delta(json.loads(data)["text"])
            case "citation":
                return self._parse(CitationOut, data).domain()
            case "answer":
                return self._parse(AnswerOut, data).domain()
            case _:
                raise self._error(self._parse(ErrorOut, data), 500)

    def _refusal(self, response: httpx2.Response) -> errors.QaError:
        try:
            fault = ErrorOut.model_validate_json(response.content, extra="ignore")
        except ValidationError:
            return errors.StoreFailed(f"{self.url}: status {response.status_code}, and no error of ours")
        return self._error(fault, response.status_code)

    def _error(self, fault: ErrorOut, status: int) -> errors.QaError:
        error = fault.error
        kind = _ERROR_BY_CODE.get(error.code, errors.BadInput if status < 500 else errors.StoreFailed)
        if issubclass(kind, errors.BadInput):
            return kind(error.message, error.param)
        return kind(f"{self.url}: {error.message}")

    def _unreachable(self, exc: httpx2.HTTPError) -> errors.QaError:
        reason = str(exc) or type(exc).__name__
        return errors.StoreFailed(f"{self.url} has the store open and does not answer: {reason}")


def validated(model: type[Body], fields: Mapping[str, Any]) -> Body:
    """Return a validated request body. Raises BadQuestion, which names the invalid field."""
    try:
        return model.model_validate(fields)
    except ValidationError as exc:
        name, message = first_fault(exc)
        raise errors.BadQuestion(f"{name}: {message}", name) from None


def _ask_body(question: Question, *, stream: bool) -> dict[str, Any]:
    fields = asdict(question) | {"stream": stream}
    del fields["wishes"]  # style instructions come from chat frontends only: docs/frontends.md
    return validated(AskBody, fields).model_dump(mode="json")


def _batches(items: Iterator[Article | Refused], refused: list[Refused]) -> Iterator[list[Article]]:
    batch: list[Article] = []
    for item in items:
        if isinstance(item, Refused):
            refused.append(item)
            continue
        batch.append(item)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _article_row(article: Article) -> dict[str, Any]:
    fields = ("id", "text", "title", "url", "outlet", "published_at", "language")
    row = {name: value for name in fields if (value := getattr(article, name)) is not None}
    return row | ({"authors": list(article.authors)} if article.authors else {})
