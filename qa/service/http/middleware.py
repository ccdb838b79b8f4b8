"""ASGI middleware: body size and time limits, same-origin check (CSRF, DNS rebinding), undecoded paths."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa.service.http.errors import TOO_LARGE, Forbidden, error_body, error_json, respond
from qa.service.http.keys import KeyRing
from qa.settings import is_loopback

BODY_TIMEOUT_S = 10.0  # for the body of a request, plus its size limit at the slowest accepted speed
SLOWEST_BYTES_S = 100_000
_CLOSE = {"Connection": "close"}
_PROBES = ("/healthz", "/readyz")
_ID_ROUTES = ("/v1/articles/", "/articles/")


class BodyLimit:
    """Refuse a body that is too large, from its declared length or while it is read, and one that is too slow.

    FastAPI's own `max_body_size` refuses a declared length in plain text, but our errors must be JSON.
    """

    def __init__(self, app: ASGIApp, limit: int, routes: Mapping[str, int]) -> None:
        self._app = app
        self._limit = limit
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._routes.get(scope["path"], self._limit)
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared[:20]) > limit:
            body = error_json(TOO_LARGE, f"the body is larger than {limit} bytes")
            await respond(scope, 413, body, _CLOSE)(scope, receive, send)
            return
        size = 0
        ended = False
        deadline = asyncio.get_running_loop().time() + BODY_TIMEOUT_S + limit / SLOWEST_BYTES_S

        async def receive_limited() -> Message:
            nonlocal size, ended
            try:
                async with asyncio.timeout_at(None if ended else deadline):
                    message = await receive()
            except TimeoutError:
                # FastAPI lets this class through when it reads the body; it turns others into a 400.
                raise HTTPException(408, headers=_CLOSE) from None
            size += len(message.get("body", b""))
            ended = not message.get("more_body", False)
            if size > limit:
                raise HTTPException(413, headers=_CLOSE)
            return message

        await self._app(scope, receive_limited, send)


class SameOrigin:
    """Keep other web sites from using the service through their visitors' browsers (CSRF and DNS rebinding).

    A form on any page can post to any server, so a request that changes the store must come from our own pages or from
    no page at all. Without API keys, DNS rebinding (a foreign name that resolves to this machine) would make a foreign
    page same-origin, so the host must be a loopback name, that of `QA_PUBLIC_URL` or one of `QA_ALLOWED_HOSTS`. With
    keys any host name is served unless `QA_ALLOWED_HOSTS` lists some.
    """

    def __init__(
        self,
        app: ASGIApp,
        public_url: str | None,
        keys: KeyRing,
        origins: Sequence[str] = (),
        hosts: Sequence[str] = (),
    ) -> None:
        self._app = app
        self._origins = frozenset(origins)
        self._public = (urlsplit(public_url).hostname or "") if public_url else None
        self._keys = keys
        self._hosts = frozenset(hosts)
        self._endings = tuple(host[1:] for host in hosts if host.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and (refusal := self._refusal(scope)):
            await respond(scope, 403, error_body(Forbidden(refusal)))(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if self._keys.is_empty and not self._is_ours(host):
            return "this host name is not served without API keys; set QA_PUBLIC_URL, or use localhost"
        # Orchestrators probe a process by its IP address, which nobody can list in advance.
        if self._hosts and scope["path"] not in _PROBES and not self._is_ours(host):
            return "this host name is not served; it is not among QA_ALLOWED_HOSTS"
        if origin is None or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return None
        if not self._origins.isdisjoint((origin, "*")):
            return None
        source = urlsplit(origin)
        if source.netloc == host or (self._public and source.hostname == self._public):
            return None
        return "requests from other web pages are refused"

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return is_loopback(name) or name == self._public or name in self._hosts or name.endswith(self._endings)


class RawPaths:
    """Route article paths undecoded, so that a percent-encoded slash in an id stays part of the id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        raw: bytes | None = scope.get("raw_path")
        if scope["type"] == "http" and raw is not None and scope["path"].startswith(_ID_ROUTES):
            scope["path"] = raw.partition(b"?")[0].decode("utf-8", "replace")
        await self._app(scope, receive, send)
