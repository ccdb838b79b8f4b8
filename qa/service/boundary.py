"""What stands between the network and the routes: log, last catch, size limit, same-origin check, raw paths."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa.service.errors import TOO_LARGE, UNEXPECTED, Forbidden, error_json, respond, told
from qa.service.keys import KeyRing
from qa.service.measuring import Metrics
from qa.settings import is_loopback

_access = logging.getLogger("qa.service.access")
_log = logging.getLogger(__name__)

PATIENCE_S = 10.0
SLOWEST_BYTES_S = 100_000
_CLOSE = {"Connection": "close"}
_ID_ROUTES = ("/v1/articles/", "/articles/")


class LastCatch:
    """Log and count each request, and turn what nobody caught into a 500 that says nothing of the inside.

    Neither line holds a question, an article's text, an id or a key: the route stands there as its template.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()
        status = 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as exc:  # noqa: BLE001  # the HTTP boundary: the one place that may
            # The message of an exception may quote what was sent, so only its class and its place are logged.
            where = "".join(traceback.format_tb(exc.__traceback__))
            _log.error("unexpected %s\n%s", type(exc).__name__, where)
            if not status:
                await respond(scope, UNEXPECTED.status, error_json(UNEXPECTED))(scope, receive, watch)
        finally:
            route = getattr(scope.get("route"), "path_format", "unmatched")
            took_s, method = time.monotonic() - began, _method(scope)
            _access.info("%s %s %d %d ms", method, route, status, round(took_s * 1_000))
            self._metrics.requests.labels(method, route, str(status)).observe(took_s)


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
    host must be a loopback name or that of `QA_PUBLIC_URL`.
    """

    def __init__(self, app: ASGIApp, public_url: str | None, keys: KeyRing, origins: Sequence[str] = ()) -> None:
        self._app = app
        self._origins = frozenset(origins)
        self._public = (urlsplit(public_url).hostname or "") if public_url else None
        self._keys = keys

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
        return is_loopback(name) or name == self._public


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


def _method(scope: Scope) -> str:
    # Servers let any token through as a method; a log line does not.
    method: Any = scope["method"]
    return method if method in ("GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH") else "OTHER"
