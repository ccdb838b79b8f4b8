"""The pages that people open: an article with a span marked, and the start page with a form."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BeforeValidator

from qa.catalog import ArticleRow, ArticleText, Catalog
from qa.errors import BadInput
from qa.service import page_html
from qa.service.auth import MayOpen
from qa.service.deps import DEFAULT, AnswererDep, ArticleId, CollectionDep, LibraryDep, Service, ServiceDep
from qa.service.streams import while_connected
from qa.service.wire import Day, article_path, link
from qa.types import Question, Source, Span

router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False, dependencies=[MayOpen])

_LISTED = 50
_SPAN = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")


def _none_if_empty(value: object) -> object:
    return value or None  # a form sends its empty fields too


@router.get("/articles/{article_id:path}")
async def article(
    article_id: ArticleId,
    service: ServiceDep,
    library: LibraryDep,
    collection: CollectionDep = DEFAULT,
    span: str | None = None,
    version: Annotated[int | None, Query(ge=1, le=2**31)] = None,
) -> HTMLResponse:
    """Show an article, the span marked. Query keys that are not known are let be: chat frontends add their own."""
    if span is not None and version is None:
        version = 1  # see wire.link
    row, found = await service.read(_find, library.catalog, collection, article_id, version)
    marked = None if span is None else _read_span(span, found.text)
    others = tuple(
        (number, article_path(found.source.article_id, collection, span=span, version=number))
        for number in row.versions
        if number != found.source.version
    )
    shown = page_html.Shown(found.source, found.text, found.furniture, row.language, found.live, marked, others)
    return HTMLResponse(await service.read(page_html.render_article, shown), headers=page_html.headers())


def _find(catalog: Catalog, collection: str, article_id: str, version: int | None) -> tuple[ArticleRow, ArticleText]:
    return catalog.article(collection, article_id), catalog.text(collection, article_id, version)


def _read_span(span: str, text: str) -> Span:
    found = _SPAN.fullmatch(span)
    if not found:
        raise BadInput("span must be two numbers like 120-181", "span")
    start, end = int(found[1]), int(found[2])
    if not start < end <= len(text):
        raise BadInput(f"span {start}-{end} is not inside this article's {len(text)} characters", "span")
    return Span(start, end)


@router.get("/")
async def home(
    request: Request,
    service: ServiceDep,
    answerer: AnswererDep,
    q: str = "",
    as_of: Annotated[Day | None, BeforeValidator(_none_if_empty), Query()] = None,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
) -> HTMLResponse:
    """Show what is in the store, and the answer to a question if one is asked."""
    reply = ""
    # A question costs; another site's page may fill in the form, and the reader sends it.
    if q.strip() and request.headers.get("sec-fetch-site") != "cross-site":
        with service.asks.enter():
            answer = await while_connected(request.receive, answerer.ask(Question(q, as_of=as_of)))
        reply = page_html.render_answer(answer, [link(one.source, one.span) for one in answer.citations])
    counts, sources = await service.read(_list, service, offset)
    listed = [(one, article_path(one.article_id)) for one in sources]
    after = offset + len(listed)
    more = f"/?{urlencode({'offset': after})}" if after < counts[0] else None
    page = page_html.render_home(counts, listed, more, (q, as_of or ""), reply)
    return HTMLResponse(page, headers=page_html.headers())


def _list(service: Service, offset: int) -> tuple[tuple[int, int], list[Source]]:
    catalog = service.library.catalog
    return catalog.count(DEFAULT), [row.source for row in catalog.articles(DEFAULT, offset, _LISTED)]
