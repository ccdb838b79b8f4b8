"""GET /metrics: the Prometheus endpoint."""

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
    await service.read(_refresh_gauges, service)
    return Response(service.metrics.text(), media_type=TEXT_FORMAT)


def _refresh_gauges(service: Service) -> None:
    """Update the gauges. They keep their last values if the store is unreachable; `/readyz` reports that."""
    try:
        for state in service.library.projections.states():
            service.metrics.lag.labels(state.name).set(state.behind)
        service.metrics.articles.set(service.library.catalog.count(DEFAULT)[0])
    except QaError:
        return
