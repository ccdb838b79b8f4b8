"""What stands between the network and the routes: size limit, same-origin check, raw paths."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa.service.http.errors import TOO_LARGE, Forbidden, error_json, respond, told
from qa.service.http.keys import KeyRing
from qa.settings import is_loopback

PATIENCE_S = 10.0
SLOWEST_BYTES_S = 100_000
_CLOSE = {"Connection": "close"}
_PROBES = ("/healthz", "/readyz")
_ID_ROUTES = ("/v1/articles/", "/articles/")


class BodyLimit:
    """Refuse a body that is too large, by its declared length before anything is read, else as it comes, or too slow.

    FastAPI's own `max_body_size` answers a declared length in plain text, and the contract says errors are JSON.
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
        came = 0
        whole = False
        deadline = asyncio.get_running_loop().time() + PATIENCE_S + limit / SLOWEST_BYTES_S

        async def count() -> Message:
            nonlocal came, whole
            try:
                async with asyncio.timeout_at(None if whole else deadline):
                    message = await receive()
            except TimeoutError:
                # This class passes through FastAPI's reading of bodies; others become a 400 there.
                raise HTTPException(408, headers=_CLOSE) from None
            came += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if came > limit:
                raise HTTPException(413, headers=_CLOSE)
            return message

        await self._app(scope, count, send)


class SameOrigin:
    """Keep other web pages from using the service through their visitors' browsers.

    A form on any page can be sent to any server, so what changes the store must come from our own pages or from no
    page at all. And without keys a name that is made to point at this machine would make every page our own, so the
    host must be a loopback name, that of `QA_PUBLIC_URL` or one of `QA_ALLOWED_HOSTS`. With keys any name is served,
    until some are listed.
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
        self._endings = tuple(one[1:] for one in hosts if one.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and (refusal := self._refusal(scope)):
            await respond(scope, 403, told(Forbidden(refusal)))(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> str | None:
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if self._keys.is_empty and not self._is_ours(host):
            return "this host name is not served without API keys; set QA_PUBLIC_URL, or use localhost"
        # Whoever looks after processes asks them by an address that nobody can list.
        if self._hosts and scope["path"] not in _PROBES and not self._is_ours(host):
            return "this host name is not served; it is not among QA_ALLOWED_HOSTS"
        if origin is None or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return None
        if not self._origins.isdisjoint((origin, "*")):
            return None
        theirs = urlsplit(origin)
        if theirs.netloc == host or (self._public and theirs.hostname == self._public):
            return None
        return "requests from other web pages are refused"

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return is_loopback(name) or name == self._public or name in self._hosts or name.endswith(self._endings)


class RawPaths:
    """Route the addresses of articles as they were sent, so that an escaped slash in an id stays part of it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        raw: bytes | None = scope.get("raw_path")
        if scope["type"] == "http" and raw is not None and scope["path"].startswith(_ID_ROUTES):
            scope["path"] = raw.partition(b"?")[0].decode("utf-8", "replace")
        await self._app(scope, receive, send)
