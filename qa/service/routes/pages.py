"""The pages that people open: an article with a span marked, and the start page with a form."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BeforeValidator

from qa.catalog.catalog import ArticleRow, ArticleText, Catalog
from qa.errors import BadInput
from qa.service.html import article_page, home_page
from qa.service.http.auth import MayAsk
from qa.service.http.deps import DEFAULT, AnswererDep, ArticleId, CollectionDep, LibraryDep, Service, ServiceDep
from qa.service.http.streams import while_connected
from qa.service.schemas.requests import Day
from qa.service.schemas.responses import article_path, link
from qa.types import Filters, Question, Span

router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False, dependencies=[MayAsk])

_LISTED = 50
_OUTLETS = 200  # offered in the form; a request may name no more
_SPAN = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")


def _none_if_empty(value: object) -> object:
    return value or None  # a form sends its empty fields too


DayField = Annotated[Day | None, BeforeValidator(_none_if_empty), Query()]


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
    shown = article_page.Shown(found.source, found.text, found.furniture, row.language, found.live, marked, others)
    page = await service.read(article_page.render_article, shown)
    return HTMLResponse(page, headers=article_page.headers(service.settings.frame_ancestors))


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
    as_of: DayField = None,
    after: DayField = None,
    before: DayField = None,
    outlet: Annotated[tuple[str, ...], Query(max_length=_OUTLETS)] = (),
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
) -> HTMLResponse:
    """Show what is in the store, and the answer to a question if one is asked."""
    if after and before and after > before:
        raise BadInput("From is later than To: no article can match", "after")
    asked = home_page.Asked(q, Filters(outlets=outlet, after=after, before=before), as_of)
    reply = ""
    # A question costs; another site's page may fill in the form, and the reader sends it.
    if q.strip() and request.headers.get("sec-fetch-site") != "cross-site":
        with service.asks.enter():
            question = Question(q, filters=asked.filters, as_of=as_of)
            answer = await while_connected(request.receive, answerer.ask(question))
        reply = home_page.render_answer(answer, [link(one.source, one.span) for one in answer.citations])
    stored = await service.read(_stored, service, offset)
    page = home_page.render_home(stored, asked, reply)
    return HTMLResponse(page, headers=article_page.headers(service.settings.frame_ancestors, scripted=True))


def _stored(service: Service, offset: int) -> home_page.Stored:
    catalog = service.library.catalog
    articles, chunks = catalog.count(DEFAULT)
    sources = [row.source for row in catalog.articles(DEFAULT, offset, _LISTED)]
    after = offset + len(sources)
    more = f"/?{urlencode({'offset': after})}" if after < articles else None
    listed = [(one, article_path(one.article_id)) for one in sources]
    return home_page.Stored(articles, chunks, catalog.outlets(DEFAULT, _OUTLETS), listed, more)
