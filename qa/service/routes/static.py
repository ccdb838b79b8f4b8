"""What the pages load from us: their style, their scripts, and what their reader may do. Open to all: no data in it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header, Response

from qa.errors import NotFound
from qa.service.http.auth import OpenedDep
from qa.service.http.deps import ServiceDep

router = APIRouter(prefix="/page", include_in_schema=False)

_FOLDER = Path(__file__).parents[1] / "static"
_KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    headers: dict[str, str]


@lru_cache(maxsize=1)
def _files() -> dict[str, _File]:
    return {one.name: _read(one) for one in _FOLDER.iterdir() if one.suffix in _KINDS}


def _read(path: Path) -> _File:
    content = path.read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    # Asked for again each time, sent again only when it changed: a page never runs with another version's script.
    headers = {"ETag": tag, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return _File(content, headers | {"Content-Type": _KINDS[path.suffix]})


@router.get("/rights")
async def rights(service: ServiceDep, opened: OpenedDep) -> dict[str, Any]:
    """Tell what the caller's key opens, so that the page shows only what will work."""
    return {"key_needed": not service.keys.is_empty, "scopes": sorted(opened)}


@router.get("/{name}")
async def file(name: str, if_none_match: Annotated[str, Header()] = "") -> Response:
    """Send a style sheet or a script."""
    found = _files().get(name)
    if found is None:
        raise NotFound(f"no file {name!r}")
    if found.headers["ETag"] in if_none_match:
        return Response(status_code=304, headers=found.headers)
    return Response(found.content, headers=found.headers)
