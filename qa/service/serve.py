"""Run the service with uvicorn until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import Literal

import uvicorn
from fastapi import FastAPI

from qa.catalog.catalog import Catalog
from qa.errors import BadSettings
from qa.service.app import create_app
from qa.service.head_timeout import HeadTimeoutProtocol
from qa.service.memory import give_back_what_is_freed, set_aside_what_stays
from qa.settings import Settings, is_loopback

# Longer than proxies and clients keep an idle connection (nginx 60 s; httpx 5 s, as uvicorn): if we close it first,
# a request that is just on its way is lost, and a POST is not sent again.
IDLE_S = 75
GRACE_S = 5  # for requests that are in flight when the server is told to stop

_log = logging.getLogger(__name__)


def run(
    settings: Settings,
    host: str,
    port: int,
    *,
    load_samples: bool = False,
    on_ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve until SIGTERM or SIGINT. Raises BadSettings for an address that cannot be used, and what opening raises."""
    if not is_loopback(host) and not _has_keys(settings):
        raise BadSettings(
            f"{host} can be reached from other machines: make a key with `qa keys create NAME`, set QA_API_KEYS,"
            " or serve on 127.0.0.1"
        )
    give_back_what_is_freed()
    app = create_app(settings, load_samples=load_samples)
    with _bind(host, port) as listener:
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{listener.getsockname()[1]}"
        try:
            asyncio.run(_serve(app, listener, url, on_ready))
        except KeyboardInterrupt:
            _log.info("interrupted")


def _has_keys(settings: Settings) -> bool:
    """Tell whether there is a key, without making a store where there is none."""
    if settings.api_keys:
        return True
    if settings.database_url is None and not (settings.data_dir / "catalog.sqlite3").exists():
        return False
    catalog = Catalog(settings.catalog_url)
    try:
        return bool(catalog.records.keys())
    finally:
        catalog.close()


def _bind(host: str, port: int) -> socket.socket:
    """Take the port before anything is opened, so that a taken one is told at once."""
    name = host.strip("[]")
    try:
        family = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((name, port), family=family)
        # asyncio sets this on connections of sockets that name their protocol, and these do not: every answer on a
        # connection that is used again would wait 40 ms for the client's acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as exc:
        raise BadSettings(f"cannot serve on {host} port {port}: {exc.strerror or exc}; choose another port") from exc


class _Server(uvicorn.Server):
    """Say when the server listens."""

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_listening()


def server_config(app: FastAPI, lifespan: Literal["on", "off"]) -> uvicorn.Config:
    """Return how uvicorn is to serve."""
    return uvicorn.Config(
        app,
        lifespan=lifespan,
        # Not uvloop, which is installed: it takes the interpreter for each connection by itself and not once for all
        # that are ready, and threads that compute hold it. 110 readers at once had their first byte after 1.7 to 3.9 s
        # at the median, with asyncio's own loop after 0.35 to 0.47 s.
        loop="asyncio",
        http=HeadTimeoutProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=IDLE_S,
    )


async def _serve(app: FastAPI, listener: socket.socket, url: str, on_ready: Callable[[str], None]) -> None:
    def announce() -> None:
        set_aside_what_stays()
        app.state.service.library.owner.announce(url)
        on_ready(url)

    server = _Server(server_config(app, lifespan="off"), announce)
    # The lifespan runs here and not in uvicorn, which would print a traceback of what keeps the store from opening.
    # A signal is held back until everything is closed: its usual effect would end the process before that.
    with server.capture_signals():
        async with app.router.lifespan_context(app):
            await server.serve([listener])
