"""`qa mcp`: the Model Context Protocol over standard input and output, for desktop clients that start us themselves."""

from __future__ import annotations

import httpx

from qa.errors import Locked
from qa.service.app import create_app
from qa.service.routes.mcp import PATIENCE_S, run_stdio
from qa.settings import Settings


async def run(settings: Settings) -> None:
    """Answer until the input is closed; a server that owns the data directory answers for us. Raises QaError."""
    app = create_app(settings.model_copy(update={"api_keys": ()}))  # who may start us may read the data directory
    try:
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=PATIENCE_S) as http:
                await run_stdio(http, settings.public_url)
    except Locked as locked:
        if locked.url is None:
            raise
        able = [key.removeprefix("ask:") for key in settings.api_keys if not key.startswith("admin:")]
        headers = {"authorization": f"Bearer {able[0]}"} if able else {}
        async with httpx.AsyncClient(base_url=locked.url, headers=headers, timeout=PATIENCE_S) as http:
            await run_stdio(http, settings.public_url)
