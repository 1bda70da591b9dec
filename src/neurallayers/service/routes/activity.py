"""What happens inside: spikes of the last thought, and live events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from neurallayers.service.bodies import PNG, answer, as_structure
from neurallayers.service.failures import Overloaded
from neurallayers.service.openapi import describe
from neurallayers.service.rasters import draw
from neurallayers.service.routes.doors import AnyEngine, BrainId, EngineOf
from neurallayers.service.schemas import RasterOut
from neurallayers.service.telemetry import Telemetry

router = APIRouter(prefix="/v1/brains/{brain_id}", tags=["activity"])

ALIVE_S = 15.0
_EVENTS = "text/event-stream"


@router.get("/raster", **describe(RasterOut, also=(422,)))
async def raster(brain_id: BrainId, engine: EngineOf) -> Response:
    """The spikes of the last thought."""
    return answer(await engine.raster(brain_id))


@router.get("/raster.png", **describe(media=PNG, also=(422, 501)))
async def raster_picture(brain_id: BrainId, request: Request, engine: EngineOf) -> Response:
    """The spikes of the last thought as a figure."""
    raster = as_structure(await engine.raster(brain_id), RasterOut)
    drawing: asyncio.Semaphore = request.app.state.drawing
    # A figure takes a third of a second of a core, which thoughts need more.
    async with drawing:
        picture = await asyncio.to_thread(draw, raster)
    return Response(picture, media_type=PNG)


@router.get("/events", **describe(media=_EVENTS, also=(422,)))
async def events(brain_id: BrainId, request: Request, engine: EngineOf) -> Response:
    """What happens to a brain, as it happens (server-sent events)."""
    await engine.brain(brain_id)
    if len(engine.activity) >= engine.activity.watchers_at_most:
        raise Overloaded(
            f"{len(engine.activity)} streams of events are open.",
            "Close one, or raise events_at_most.",
            retry_after_s=10.0,
            reason="events",
        )
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    telemetry: Telemetry = request.app.state.telemetry
    return StreamingResponse(
        _stream(engine, brain_id, telemetry), headers=headers, media_type=_EVENTS
    )


async def _stream(engine: AnyEngine, brain_id: str, telemetry: Telemetry) -> AsyncIterator[bytes]:
    async with engine.activity.watch(brain_id) as watcher:
        telemetry.streams.inc()
        try:
            yield b": watching\n\n"
            while True:
                try:
                    event = await watcher.next(ALIVE_S)
                except TimeoutError:
                    yield b": alive\n\n"
                    continue
                if event is None:
                    return
                yield b"event: %s\ndata: %s\n\n" % (event.name.encode(), event.data)
        finally:
            telemetry.streams.dec()
