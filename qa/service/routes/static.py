"""/page: the style sheets and scripts of our pages, and the caller's scopes. Public: no data of the store in it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header, Response

from qa.errors import NotFound
from qa.service.http.auth import ScopesDep
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
    return {path.name: _read(path) for path in _FOLDER.iterdir() if path.suffix in _KINDS}


def _read(path: Path) -> _File:
    content = path.read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    # Revalidated on every use, and sent again only when changed: a page never runs with another version's script.
    headers = {"ETag": tag, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return _File(content, headers | {"Content-Type": _KINDS[path.suffix]})


@router.get("/rights")
async def rights(service: ServiceDep, scopes: ScopesDep) -> dict[str, Any]:
    """Return the scopes of the caller's key, so that the page offers only what will work."""
    return {"key_needed": not service.keys.is_empty, "scopes": sorted(scopes)}


@router.get("/{name}")
async def file(name: str, if_none_match: Annotated[str, Header()] = "") -> Response:
    """Send a style sheet or a script."""
    entry = _files().get(name)
    if entry is None:
        raise NotFound(f"no file {name!r}")
    if entry.headers["ETag"] in if_none_match:
        return Response(status_code=304, headers=entry.headers)
    return Response(entry.content, headers=entry.headers)
