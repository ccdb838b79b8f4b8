"""The outermost middleware: request id, access log, metrics, trace span, and a 500 for any unexpected exception."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from typing import TYPE_CHECKING, Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qa import tracing
from qa.service.http import logs
from qa.service.http.errors import GOING_DOWN, RETRY_AFTER_S, UNEXPECTED, error_json, respond
from qa.service.http.metrics import Metrics

if TYPE_CHECKING:
    from qa.service.http.traces import Traces

_access = logging.getLogger("qa.service.access")
_log = logging.getLogger(__name__)
_TRACED = ("request_id", "answer", "mode", "error")
_METHODS = ("GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH")


class RequestLog:
    """Log, count and trace each request, and turn an uncaught exception into a 500 that reveals no internals.

    No log line, label or attribute contains a question, an article's text, an id or a key: a route is given as its
    template. The request id is generated here, never taken from a client, and returned as `X-Request-Id`.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, traces: Traces | None = None) -> None:
        self._app = app
        self._metrics = metrics
        self._traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        span = self._traces.request(scope["headers"]) if self._traces else None
        with logs.noting(request_id=f"req_{secrets.token_hex(8)}") as noted:
            if span is not None:
                noted["trace_id"] = span.trace_id
            try:
                with tracing.within(span):
                    await self._serve(scope, receive, send, noted)
            finally:
                _access.info("request", extra=noted)
                if span is not None:
                    attributes = {f"news_qa.{name}": noted[name] for name in _TRACED if name in noted}
                    span.end_request(noted["method"], noted["route"], noted["status"], attributes)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, noted: dict[str, Any]) -> None:
        method = _method(scope)
        began = time.monotonic()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = noted["request_id"]
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except asyncio.CancelledError:
            # Only uvicorn cancels a request, at shutdown. It would turn an exception that leaves here into a plain 500
            # and a traceback in its own log; enough of those fill an unread stderr pipe and hang the shutdown.
            logs.note(error=GOING_DOWN.code)
            if not status:
                retry = {"Retry-After": str(RETRY_AFTER_S)}
                await respond(scope, GOING_DOWN.status, error_json(GOING_DOWN), retry)(scope, receive, send_with_id)
        except Exception as exc:  # noqa: BLE001  # the HTTP boundary: the one place that may catch everything
            _log.error("unexpected", extra=logs.fault(exc))
            logs.note(error=UNEXPECTED.code)
            if not status:
                await respond(scope, UNEXPECTED.status, error_json(UNEXPECTED))(scope, receive, send_with_id)
        finally:
            route = getattr(scope.get("route"), "path_format", "unmatched")
            took_s = time.monotonic() - began
            logs.note(method=method, route=route, status=status, ms=round(took_s * 1_000))
            self._metrics.requests.labels(method, route, str(status)).observe(took_s)


def _method(scope: Scope) -> str:
    # Servers accept any token as a method; keep arbitrary ones out of logs and labels.
    method: Any = scope["method"]
    return method if method in _METHODS else "OTHER"
