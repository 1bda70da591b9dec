"""The condition of the service, for people, orchestrators and Prometheus."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from neurallayers.service.bodies import answer
from neurallayers.service.openapi import describe
from neurallayers.service.routes.doors import AnyEngine
from neurallayers.service.schemas import HealthOut
from neurallayers.service.telemetry import CONTENT_TYPE, Telemetry

router = APIRouter(tags=["health"])


@router.get("/health/live", **describe(HealthOut, key=False))
async def live() -> Response:
    """Whether the process answers at all."""
    return answer(HealthOut("alive"))


@router.get("/health/ready", **describe(HealthOut, key=False, besides={503: HealthOut}))
async def ready(request: Request) -> Response:
    """Whether it can do everything now; 503 says what it cannot."""
    engine: AnyEngine = request.app.state.engine
    checks = engine.health()
    good = all(state == "ok" for state in checks.values())
    headers = {} if good else {"retry-after": "1"}
    return answer(
        HealthOut("ready" if good else "not ready", checks), 200 if good else 503, headers
    )


@router.get("/metrics", **describe(media="text/plain", also=(401,), key=False))
async def metrics(request: Request) -> Response:
    """All metrics, in the text format of Prometheus."""
    telemetry: Telemetry = request.app.state.telemetry
    engine: AnyEngine = request.app.state.engine
    telemetry.queue_depth.set(engine.waiting)
    return Response(telemetry.render(), headers={"content-type": CONTENT_TYPE})
