"""GET /healthz and /readyz: liveness and readiness probes, with the state of each dependency."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from qa.errors import QaError, StoreFailed
from qa.llm.protocols import ChatModel
from qa.service.http.deps import Service, ServiceDep

router = APIRouter()


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "not ready; the same body"}})
async def readyz(service: ServiceDep) -> Any:
    """Name every dependency and how it is. 503 until the indexes have caught up once, or when the store is away."""
    parts = await service.read(_check, service)
    if service.limits.shared:
        parts["limits"] = "ok" if await service.limits.is_reachable() else "away: Redis does not answer"
    usable = parts["catalog"] == "ok" and not all(
        parts[name].startswith("away") for name in ("lexical", "vectors") if parts[name] != "not configured"
    )
    ready = usable and service.caught_up and not parts.get("limits", "ok").startswith("away")
    return JSONResponse({"status": "ready" if ready else "not ready", **parts}, 200 if ready else 503)


def _check(service: Service) -> dict[str, str]:
    """Return the state of each dependency. The model is only named: calling it would cost money."""
    library = service.library
    parts = {
        "catalog": "ok",
        "lexical": "ok",
        "vectors": "ok" if library.embedder else "not configured",
        "model": _model_state(library.model),
    }
    try:
        library.catalog.last_change()
    except StoreFailed:
        return parts | {"catalog": "away: it does not answer"}
    try:
        states = library.projections.states()
    except QaError:
        return parts | _unreachable_indexes(service)
    parts |= {state.name: f"behind {state.behind}" for state in states if state.behind}
    service.caught_up = service.caught_up or library.projections.caught_up or not any(state.behind for state in states)
    return parts


def _model_state(model: ChatModel | None) -> str:
    """Return the model's name, with what its server said if it refused the latest call or was away."""
    if model is None:
        return "not configured"
    trouble = getattr(model, "trouble", None)
    return f"{model.name}: {trouble}" if trouble else model.name


def _unreachable_indexes(service: Service) -> dict[str, str]:
    """Find out by a search which indexes are unreachable."""
    names = ["lexical"] + ["vectors"] * (service.library.embedder is not None)
    try:
        result = service.library.search("ready", top_k=1, fill=False)
    except StoreFailed:
        return dict.fromkeys(names, "away: it does not answer")
    return dict.fromkeys([name for name in names if name in result.degraded], "away: it does not answer")
