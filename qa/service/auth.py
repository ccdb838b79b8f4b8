"""Who may do what: the scopes `ask` and `admin`, asked for by a route as a dependency."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, Header
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from qa.service.deps import ServiceDep
from qa.service.errors import Forbidden, Unauthorized
from qa.service.keys import Key, Scope, scopes_of

_Bearer = Annotated[
    HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False, description="An API key"))
]
_Header = Annotated[str | None, Header(include_in_schema=False)]


async def may_ask(service: ServiceDep, bearer: _Bearer) -> None:
    """Let in who may ask questions and read articles. Raises Unauthorized and Forbidden."""
    _check(bearer.credentials if bearer else None, "ask", service.keys)


async def may_change(service: ServiceDep, bearer: _Bearer) -> None:
    """Let in who may change the store. Raises Unauthorized and Forbidden."""
    _check(bearer.credentials if bearer else None, "admin", service.keys)


async def may_open(service: ServiceDep, bearer: _Bearer, authorization: _Header = None) -> None:
    """Let in who may open pages. A clicked link cannot carry a bearer key, but a browser asks for a password."""
    _check(bearer.credentials if bearer else _password(authorization), "ask", service.keys)


MayAsk = Depends(may_ask)
MayChange = Depends(may_change)
MayOpen = Depends(may_open)


def _check(secret: str | None, scope: Scope, keys: Sequence[Key]) -> None:
    if not keys:
        return
    opened = scopes_of(secret, keys)
    if not opened:
        raise Unauthorized("a key is needed" if secret is None else "the key is not known")
    if scope not in opened:
        raise Forbidden(f"this key lacks the scope {scope!r}")


def _password(header: str | None) -> str | None:
    scheme, _, value = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        # Header text is Latin-1 by the time it gets here, and so is a bearer key: one form for both.
        return base64.b64decode(value, validate=True).decode("latin-1").partition(":")[2]
    except (binascii.Error, ValueError):
        return None
