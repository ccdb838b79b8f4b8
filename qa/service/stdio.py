"""`qa mcp`: the Model Context Protocol over stdio, for desktop clients that launch it as a subprocess."""

from __future__ import annotations

import httpx

from qa.errors import Locked
from qa.service.app import create_app
from qa.service.routes.mcp import CALL_TIMEOUT_S, run_stdio
from qa.settings import Settings


async def run(settings: Settings) -> None:
    """Serve until the input is closed. If a server owns the data directory, forward calls to it. Raises QaError."""
    # No API key is needed: whoever launches us can read the data directory.
    app = create_app(settings.model_copy(update={"api_keys": ()}))
    try:
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://localhost", timeout=CALL_TIMEOUT_S
            ) as http:
                await run_stdio(http, settings.public_url)
    except Locked as locked:
        if locked.url is None:
            raise
        ask_keys = [key.removeprefix("ask:") for key in settings.api_keys if not key.startswith("admin:")]
        headers = {"authorization": f"Bearer {ask_keys[0]}"} if ask_keys else {}
        async with httpx.AsyncClient(base_url=locked.url, headers=headers, timeout=CALL_TIMEOUT_S) as http:
            await run_stdio(http, settings.public_url)
