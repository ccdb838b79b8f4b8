"""POST /v1/search: the best chunks for a query."""

from __future__ import annotations

import time

from fastapi import APIRouter, Depends

from qa.service.http.auth import MayAsk
from qa.service.http.deps import LibraryDep, ServiceDep, ask_slot
from qa.service.schemas.requests import SearchBody
from qa.service.schemas.responses import SearchOut

router = APIRouter()


@router.post("/v1/search", dependencies=[MayAsk, Depends(ask_slot)])
async def search(body: SearchBody, library: LibraryDep, service: ServiceDep) -> SearchOut:
    """Find the chunks that fit a query, best first."""
    began = time.monotonic()
    result = await service.read(
        library.search,
        body.query,
        collection=body.collection,
        filters=body.filters.domain(),
        as_of=body.as_of,
        top_k=body.top_k,
        fill=False,
    )
    return SearchOut.from_domain(result, {"total": round((time.monotonic() - began) * 1_000)})
