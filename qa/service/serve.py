"""`qa serve`: run the service with uvicorn until SIGTERM or SIGINT."""

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
from qa.service.memory import freeze_gc, tune_malloc
from qa.settings import Settings, is_loopback

# Longer than proxies and clients keep an idle connection (nginx 60 s; httpx and uvicorn 5 s): if we close it first, a
# request that is on its way is lost, and a POST is not retried.
IDLE_S = 75
GRACE_S = 5  # for requests in flight at shutdown

_log = logging.getLogger(__name__)


def run(
    settings: Settings,
    host: str,
    port: int,
    *,
    load_samples: bool = False,
    on_ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Serve until SIGTERM or SIGINT. Raises BadSettings for an unusable address, and what opening the store raises."""
    if not is_loopback(host) and not _has_keys(settings):
        raise BadSettings(
            f"{host} can be reached from other machines: make a key with `qa keys create NAME`, set QA_API_KEYS,"
            " or serve on 127.0.0.1"
        )
    tune_malloc()
    app = create_app(settings, load_samples=load_samples)
    with _bind(host, port) as listener:
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{listener.getsockname()[1]}"
        try:
            asyncio.run(_serve(app, listener, url, on_ready))
        except KeyboardInterrupt:
            _log.info("interrupted")


def _has_keys(settings: Settings) -> bool:
    """Tell whether an API key exists, without creating a store if there is none."""
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
    """Bind the port before the store is opened, so that a port in use fails at once."""
    name = host.strip("[]")
    try:
        family = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((name, port), family=family)
        # asyncio only sets this on sockets created with an explicit protocol, which this one is not. Without it every
        # response on a reused connection waits 40 ms for the client's delayed acknowledgement.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as exc:
        raise BadSettings(f"cannot serve on {host} port {port}: {exc.strerror or exc}; choose another port") from exc


class _Server(uvicorn.Server):
    """A uvicorn server with a callback once it listens."""

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_listening()


def server_config(app: FastAPI, lifespan: Literal["on", "off"]) -> uvicorn.Config:
    """Return the uvicorn configuration."""
    return uvicorn.Config(
        app,
        lifespan=lifespan,
        # Not uvloop, although it is installed: it acquires the GIL once per ready connection instead of once for all of
        # them, and compute threads hold the GIL. With 110 concurrent readers the median time to first byte was 1.7 to
        # 3.9 s; with asyncio's own loop it was 0.35 to 0.47 s.
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
        freeze_gc()
        app.state.service.library.owner.announce(url)
        on_ready(url)

    server = _Server(server_config(app, lifespan="off"), announce)
    # The lifespan runs here and not in uvicorn, which would print a traceback if the store cannot be opened.
    # Signals are held back until everything is closed; by default they would end the process before that.
    with server.capture_signals():
        async with app.router.lifespan_context(app):
            await server.serve([listener])
