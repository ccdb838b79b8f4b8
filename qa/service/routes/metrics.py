"""GET /metrics: what Prometheus reads."""

from __future__ import annotations

from fastapi import APIRouter, Response

from qa.errors import QaError
from qa.service.http.auth import MayAsk
from qa.service.http.deps import DEFAULT, Service, ServiceDep
from qa.service.http.metrics import TEXT_FORMAT

router = APIRouter()


@router.get("/metrics", dependencies=[MayAsk], include_in_schema=False)
async def metrics(service: ServiceDep) -> Response:
    """Return the counters in Prometheus' text format."""
    await service.read(_look, service)
    return Response(service.metrics.text(), media_type=TEXT_FORMAT)


def _look(service: Service) -> None:
    """Bring the gauges up to date; a store that is away keeps its last figure, `/readyz` tells that."""
    try:
        for one in service.library.projections.states():
            service.metrics.lag.labels(one.name).set(one.behind)
        service.metrics.articles.set(service.library.catalog.count(DEFAULT)[0])
    except QaError:
        return
