"""Who may do what: the scopes `ask` and `admin`, asked for by a route as a dependency."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from qa.service.http import logs
from qa.service.http.deps import Service, ServiceDep
from qa.service.http.errors import Forbidden, Unauthorized
from qa.service.http.keys import Scope, find_key
from qa.service.http.limits import caller

_Bearer = Annotated[
    HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False, description="An API key"))
]
_Header = Annotated[str | None, Header(include_in_schema=False)]


async def may_ask(request: Request, service: ServiceDep, bearer: _Bearer, authorization: _Header = None) -> None:
    """Let in who may ask questions, read articles and open pages. Raises Unauthorized and Forbidden.

    A clicked link cannot carry a bearer key, but a browser asks for a password, and then sends it with what the page
    asks for too.
    """
    await _check(request, bearer.credentials if bearer else _password(authorization), "ask", service)


async def may_change(request: Request, service: ServiceDep, bearer: _Bearer) -> None:
    """Let in who may change the store. Raises Unauthorized and Forbidden.

    By a bearer key only: what a browser sends of itself, another site's page could make it send.
    """
    await _check(request, bearer.credentials if bearer else None, "admin", service)


async def opened(service: ServiceDep, bearer: _Bearer, authorization: _Header = None) -> frozenset[Scope]:
    """Return what the caller may do, refusing nobody."""
    keys = await service.read(service.keys.current) if service.keys.stale else service.keys.current()
    if service.keys.is_empty:
        return frozenset({"ask", "admin"})
    found = find_key(bearer.credentials if bearer else _password(authorization), keys)
    scopes = found.scopes if found else frozenset[Scope]()
    return scopes if bearer else scopes - {"admin"}


MayAsk = Depends(may_ask)
MayChange = Depends(may_change)
OpenedDep = Annotated[frozenset[Scope], Depends(opened)]


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
    logs.note(key=found.id)


def _password(header: str | None) -> str | None:
    scheme, _, value = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        # Header text is Latin-1 by the time it gets here, and so is a bearer key: one form for both.
        return base64.b64decode(value, validate=True).decode("latin-1").partition(":")[2]
    except (binascii.Error, ValueError):
        return None
