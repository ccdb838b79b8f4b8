"""The HTML pages: an article with a span marked, and the start page with its question form."""

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
from qa.types import Citation, Filters, Question, ShortAnswer, Span

router = APIRouter(default_response_class=HTMLResponse, include_in_schema=False, dependencies=[MayAsk])

_LISTED = 50
_OUTLETS = 200  # at most this many in the form, and in a request
_SPAN = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")


def _none_if_empty(value: object) -> object:
    return value or None  # a form submits its empty fields too


DayField = Annotated[Day | None, BeforeValidator(_none_if_empty), Query()]


@router.get("/articles/{article_id:path}")
async def article(
    article_id: ArticleId,
    service: ServiceDep,
    library: LibraryDep,
    collection: CollectionDep = DEFAULT,
    span: str | None = None,
    version: Annotated[int | None, Query(ge=1, le=2**31)] = None,
    short_answer: str | None = None,
) -> HTMLResponse:
    """Show an article, the span marked, and the short answer in it.

    Unknown query keys are ignored: chat frontends add their own.
    """
    if span is not None and version is None:
        version = 1  # see responses.link
    row, article_text = await service.read(_find, library.catalog, collection, article_id, version)
    marked = None if span is None else _read_span("span", span, article_text.text)
    short = None if short_answer is None else _read_span("short_answer", short_answer, article_text.text)
    if short and not (marked and marked.start <= short.start and short.end <= marked.end):
        raise BadInput(f"short_answer {short_answer} is not inside the span", "short_answer")
    article_id = article_text.source.article_id
    others = tuple(
        (number, article_path(article_id, collection, span=span, version=number, short_answer=short_answer))
        for number in row.versions
        if number != article_text.source.version
    )
    view = article_page.ArticleView(
        article_text.source,
        article_text.text,
        article_text.furniture,
        row.language,
        article_text.live,
        marked,
        short,
        others,
    )
    page = await service.read(article_page.render_article, view)
    return HTMLResponse(page, headers=article_page.headers(service.settings.frame_ancestors))


def _find(catalog: Catalog, collection: str, article_id: str, version: int | None) -> tuple[ArticleRow, ArticleText]:
    return catalog.article(collection, article_id), catalog.text(collection, article_id, version)


def _read_span(param: str, span: str, text: str) -> Span:
    match = _SPAN.fullmatch(span)
    if not match:
        raise BadInput(f"{param} must be two numbers like 120-181", param)
    start, end = int(match[1]), int(match[2])
    if not start < end <= len(text):
        raise BadInput(f"{param} {start}-{end} is not inside this article's {len(text)} characters", param)
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
    """Show what is in the store, and the answer if the query holds a question."""
    if after and before and after > before:
        raise BadInput("From is later than To: no article can match", "after")
    form = home_page.FormValues(q, Filters(outlets=outlet, after=after, before=before), as_of)
    reply = ""
    # Questions cost money, so another site's link may fill in the form but the reader has to submit it.
    if q.strip() and request.headers.get("sec-fetch-site") != "cross-site":
        with service.asks.enter():
            question = Question(q, filters=form.filters, as_of=as_of)
            answer = await while_connected(request.receive, answerer.ask(question))
        reply = home_page.render_answer(answer, [_link(citation, answer.short_answer) for citation in answer.citations])
    summary = await service.read(_summarise, service, offset)
    page = home_page.render_home(summary, form, reply)
    return HTMLResponse(page, headers=article_page.headers(service.settings.frame_ancestors, scripted=True))


def _link(citation: Citation, short: ShortAnswer | None) -> str:
    inside = short if short is not None and short.citation == citation.number else None
    return link(citation.source, citation.span, short=inside)


def _summarise(service: Service, offset: int) -> home_page.StoreSummary:
    catalog = service.library.catalog
    articles, chunks = catalog.count(DEFAULT)
    sources = [row.source for row in catalog.articles(DEFAULT, offset, _LISTED)]
    after = offset + len(sources)
    more = f"/?{urlencode({'offset': after})}" if after < articles else None
    listed = [(source, article_path(source.article_id)) for source in sources]
    return home_page.StoreSummary(articles, chunks, catalog.outlets(DEFAULT, _OUTLETS), listed, more)
