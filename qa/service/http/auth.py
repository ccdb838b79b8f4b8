"""Authorization: FastAPI dependencies that require the scope `ask` or `admin` of the caller's API key."""

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
    """Require the scope `ask`: questions, reading articles, opening pages. Raises Unauthorized and Forbidden.

    A clicked link cannot carry a bearer key. The browser can prompt for a password instead, and then sends it with the
    page's own requests too.
    """
    await _check(request, bearer.credentials if bearer else _password(authorization), "ask", service)


async def may_change(request: Request, service: ServiceDep, bearer: _Bearer) -> None:
    """Require the scope `admin`, which may change the store. Raises Unauthorized and Forbidden.

    Only a bearer key counts: another site's page could make a browser send a stored password (CSRF).
    """
    await _check(request, bearer.credentials if bearer else None, "admin", service)


async def granted_scopes(service: ServiceDep, bearer: _Bearer, authorization: _Header = None) -> frozenset[Scope]:
    """Return the caller's scopes; never refuses."""
    keys = await service.read(service.keys.current) if service.keys.stale else service.keys.current()
    if service.keys.is_empty:
        return frozenset({"ask", "admin"})
    found = find_key(bearer.credentials if bearer else _password(authorization), keys)
    scopes = found.scopes if found else frozenset[Scope]()
    return scopes if bearer else scopes - {"admin"}


MayAsk = Depends(may_ask)
MayChange = Depends(may_change)
ScopesDep = Annotated[frozenset[Scope], Depends(granted_scopes)]


async def _check(request: Request, secret: str | None, scope: Scope, service: Service) -> None:
    """Check a key and record the caller for rate limits: the key, or the address if no key is needed."""
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
        # Header text has been decoded as Latin-1 by now, and so has a bearer key: use the same form for both.
        return base64.b64decode(value, validate=True).decode("latin-1").partition(":")[2]
    except (binascii.Error, ValueError):
        return None
