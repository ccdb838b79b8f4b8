"""The FastAPI application factory. The lifespan opens the store and closes it again."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from qa.library import Library, sample_articles
from qa.readers.read import read
from qa.service.chat import completions, responses, ui_messages
from qa.service.http import errors, middleware
from qa.service.http.deps import DEFAULT, Service
from qa.service.http.follower import Follower
from qa.service.http.keys import KeyRing
from qa.service.http.limits import Limits
from qa.service.http.metrics import MeteredAnswerer, Metrics
from qa.service.http.recent_answers import RecentAnswers
from qa.service.http.request_log import RequestLog
from qa.service.routes import articles, ask, feedback, health, mcp, metrics, pages, search, static
from qa.service.schemas.responses import ErrorOut
from qa.settings import Settings

if TYPE_CHECKING:
    from qa.service.http.traces import Traces

BODY_BYTES = 1_000_000
ARTICLES_BYTES = 64_000_000

_log = logging.getLogger(__name__)
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorOut} for status in (400, 401, 403, 404, 413, 422, 500, 502, 503, 507)
}


def create_app(settings: Settings, *, load_samples: bool = False, traces: Traces | None = None) -> FastAPI:
    """Return the application for these settings; its lifespan opens the store. Raises BadSettings."""
    keys = KeyRing(settings.api_keys)
    limits = Limits(settings.rate_limit, settings.token_budget, settings.redis_url)
    counters = Metrics()
    traces = traces or _open_traces(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        library = await to_thread.run_sync(Library, settings)
        try:
            await to_thread.run_sync(keys.open, library.catalog.records)
            if load_samples:
                await to_thread.run_sync(_load_samples, library)
            follower = Follower(library)
            try:
                recent_answers = RecentAnswers()
                answerer = MeteredAnswerer(library.answerer(fill=False), counters, limits, recent_answers)
                app.state.service = Service(
                    settings, library, answerer, counters, keys, limits, recent_answers, follower
                )
                async with mcp.serving(app, settings.public_url) as app.state.mcp:
                    yield
            finally:
                await to_thread.run_sync(follower.close)
        finally:
            for model in (library.model, library.utility):
                if model is not None:
                    await model.aclose()  # its connections belong to this event loop
            await limits.aclose()
            await to_thread.run_sync(library.close)
            if traces is not None:
                await to_thread.run_sync(traces.close)

    app = FastAPI(
        title="News question answering",
        summary="Answers over news articles; every sentence is proved with a cited span.",
        lifespan=lifespan,
        # FastAPI's documentation pages load their scripts from another site.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=_ERRORS,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # their attributes contain paths and queries
    )
    app.state.frame_ancestors = settings.frame_ancestors  # error pages need it too, even before the store is open
    errors.install(app)
    for routes in (
        ask,
        search,
        articles,
        completions,
        responses,
        ui_messages,
        mcp,
        feedback,
        health,
        metrics,
        static,
        pages,
    ):
        app.include_router(routes.router)
    # The middleware added last is the outermost.
    app.add_middleware(middleware.RawPaths)
    app.add_middleware(
        middleware.SameOrigin,
        public_url=settings.public_url,
        keys=keys,
        origins=settings.cors_origins,
        hosts=settings.allowed_hosts,
    )
    if settings.cors_origins:  # frontends in the reader's browser send their own headers
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["*"],
            expose_headers=["x-vercel-ai-ui-message-stream", "retry-after", "mcp-session-id"],
        )
    large = max(ARTICLES_BYTES, 2 * settings.max_article_bytes)
    app.add_middleware(middleware.BodyLimit, limit=BODY_BYTES, routes={"/v1/articles": large})
    app.add_middleware(RequestLog, metrics=counters, traces=traces)
    if settings.trusted_proxies:  # anybody can forge the header, and rate limits go by address
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies))
    return app


def _open_traces(settings: Settings) -> Traces | None:
    if settings.otlp_endpoint is None:
        return None
    from qa.service.http.traces import open_traces  # noqa: PLC0415  # load the SDK only when tracing is on

    return open_traces(settings.otlp_endpoint, settings.otlp_protocol, settings.service_name)


def _load_samples(library: Library) -> None:
    if library.catalog.count(DEFAULT)[0] == 0:
        report = library.ingest(read([str(sample_articles())]))
        _log.info("loaded %d sample articles", report.added)
