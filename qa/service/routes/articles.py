"""/v1/articles: ingest, list, show and delete articles."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from qa.errors import BadInput
from qa.service.http.auth import MayAsk, MayChange
from qa.service.http.deps import (
    DEFAULT,
    ArticleId,
    CollectionDep,
    LibraryDep,
    ServiceDep,
    VersionDep,
    takedown_slot,
    write_slot,
)
from qa.service.routes.uploads import ReadOptions, parse_upload
from qa.service.schemas.responses import ArticleOut, ArticlesOut, DeletedOut, ReportOut, TextOut
from qa.temporal.dates import parse_published
from qa.wiring import build_fetch

router = APIRouter()

_ADDING = [MayChange, Depends(write_slot)]
_TAKING_DOWN = [MayChange, Depends(takedown_slot)]
_ROW = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "text": {"type": "string"},
        "html": {"type": "string"},
        "title": {"type": "string"},
        "url": {"type": "string"},
        "outlet": {"type": "string"},
        "published_at": {"type": "string"},
        "authors": {"type": "array", "items": {"type": "string"}},
        "language": {"type": "string"},
    },
}
_ROWS = {"type": "object", "properties": {"articles": {"type": "array", "items": _ROW}}, "required": ["articles"]}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "anyOf": [_ROW, {"type": "object", "properties": {"articles": {"type": "array", "items": _ROW}}}]
                },
                "example": {
                    "id": "bridge-1",
                    "title": "Bridge opens again",
                    "text": "The bridge opened again on Monday. Nobody was hurt.",
                    "outlet": "Corvane Wire",
                    "published_at": "2023-03-21",
                },
            },
            "application/x-ndjson": {"schema": {"type": "string", "description": "one article a line"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "array", "items": {"type": "string", "format": "binary"}}},
                }
            },
        },
    }
}


@router.post("/v1/articles", dependencies=_ADDING, openapi_extra=_BODY)
async def add(
    request: Request,
    service: ServiceDep,
    library: LibraryDep,
    collection: CollectionDep = DEFAULT,
    outlet: Annotated[str | None, Query(max_length=200, description="for articles that name none")] = None,
    published: Annotated[str | None, Query(max_length=64, description="for articles that carry no date")] = None,
) -> ReportOut:
    """Take articles in. What cannot be taken is refused by itself and told in the report; the rest is taken."""
    if published is not None:
        try:
            parse_published(published)
        except BadInput as exc:
            raise BadInput(f"published: {exc}", "published") from exc
    options = ReadOptions(outlet, published, service.settings.max_article_bytes, build_fetch(service.settings))
    async with parse_upload(request, options) as items:
        report = await service.write(library.ingest, items, collection=collection)
    return ReportOut.from_domain(report)


@router.get("/v1/articles", dependencies=[MayAsk])
async def list_all(
    service: ServiceDep,
    library: LibraryDep,
    collection: CollectionDep = DEFAULT,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ArticlesOut:
    """List the articles of a collection in the order they first came."""
    total, _ = await service.read(library.catalog.count, collection)
    rows = await service.read(library.catalog.articles, collection, offset, limit)
    return ArticlesOut.from_domain(rows, offset, total)


@router.get("/v1/articles/{article_id:path}/text", dependencies=[MayAsk])
async def show_text(
    article_id: ArticleId,
    service: ServiceDep,
    library: LibraryDep,
    collection: CollectionDep = DEFAULT,
    version: VersionDep = None,
) -> TextOut:
    """Show the text that spans count in: code points, half open."""
    return TextOut.from_domain(await service.read(library.catalog.text, collection, article_id, version))


@router.get("/v1/articles/{article_id:path}", dependencies=[MayAsk])
async def show(
    article_id: ArticleId, service: ServiceDep, library: LibraryDep, collection: CollectionDep = DEFAULT
) -> ArticleOut:
    """Show an article's metadata and the numbers of its versions."""
    return ArticleOut.from_domain(await service.read(library.catalog.article, collection, article_id))


@router.delete("/v1/articles/{article_id:path}", dependencies=_TAKING_DOWN)
async def take_down(article_id: ArticleId, service: ServiceDep, collection: CollectionDep = DEFAULT) -> DeletedOut:
    """Take an article down: its texts, chunks and vectors are erased."""
    await service.take_down(collection, article_id)
    return DeletedOut(deleted=article_id)
