"""Who may do what: the scopes `ask` and `admin`, asked for by a route as a dependency."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from qa.service.deps import Service, ServiceDep
from qa.service.errors import Forbidden, Unauthorized
from qa.service.keys import Scope, find_key
from qa.service.limiting import caller

_Bearer = Annotated[
    HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False, description="An API key"))
]
_Header = Annotated[str | None, Header(include_in_schema=False)]


async def may_ask(request: Request, service: ServiceDep, bearer: _Bearer) -> None:
    """Let in who may ask questions and read articles. Raises Unauthorized and Forbidden."""
    await _check(request, bearer.credentials if bearer else None, "ask", service)


async def may_change(request: Request, service: ServiceDep, bearer: _Bearer) -> None:
    """Let in who may change the store. Raises Unauthorized and Forbidden."""
    await _check(request, bearer.credentials if bearer else None, "admin", service)


async def may_open(request: Request, service: ServiceDep, bearer: _Bearer, authorization: _Header = None) -> None:
    """Let in who may open pages. A clicked link cannot carry a bearer key, but a browser asks for a password."""
    await _check(request, bearer.credentials if bearer else _password(authorization), "ask", service)


MayAsk = Depends(may_ask)
MayChange = Depends(may_change)
MayOpen = Depends(may_open)


async def _check(request: Request, secret: str | None, scope: Scope, service: Service) -> None:
    """Check a key and note who calls, for the limits: the key, or the address where no key is needed."""
    keys = await service.read(service.keys.current) if service.keys.stale else service.keys.current()
    caller.set(f"address:{request.client.host if request.client else ''}")
    if service.keys.is_empty:
        return
    found = find_key(secret, keys)
    if found is None:
        raise Unauthorized("a key is needed" if secret is None else "the key is not known")
    if scope not in found.scopes:
        raise Forbidden(f"this key lacks the scope {scope!r}")
    caller.set(f"key:{found.id}")


def _password(header: str | None) -> str | None:
    scheme, _, value = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        # Header text is Latin-1 by the time it gets here, and so is a bearer key: one form for both.
        return base64.b64decode(value, validate=True).decode("latin-1").partition(":")[2]
    except (binascii.Error, ValueError):
        return None
