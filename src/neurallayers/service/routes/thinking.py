"""Showing brains something: the hot path."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from neurallayers.service.bodies import (
    PNG,
    answer,
    flag,
    keyed,
    media_type,
    read_json,
    settings_of,
    stimulus_of,
)
from neurallayers.service.openapi import describe, query
from neurallayers.service.routes.brains import KEY_HEADER
from neurallayers.service.routes.doors import BrainId, EngineOf
from neurallayers.service.schemas import (
    ManyToProcess,
    ThoughtOut,
    ThoughtsOut,
    ToProcess,
)

router = APIRouter(prefix="/v1/brains/{brain_id}", tags=["thinking"])

FLAG = {"type": "boolean", "default": False}
INVERT = query("invert", FLAG, "Of a PNG: turn dark on light into light on dark.")
_ONE = describe(
    ThoughtOut,
    body=ToProcess,
    png=True,
    also=(409,),
    example={"stimulus": [[0, 0, 5, 13, 9, 1, 0, 0]] * 8, "maximum": 16},
)
_ONE["openapi_extra"]["parameters"] = [
    query("stateful", FLAG, "Of a PNG: live through it."),
    INVERT,
    KEY_HEADER,
]


@router.post("/process", **_ONE)
async def process(brain_id: BrainId, request: Request, engine: EngineOf) -> Response:
    """Think about one stimulus: JSON, or a PNG file as the body."""
    settings = settings_of(request)
    if media_type(request) == PNG:
        stateful = flag(request, "stateful")
        shown = await stimulus_of(await request.body(), settings, invert=flag(request, "invert"))
    else:
        body = await read_json(request, ToProcess)
        stateful = body.stateful
        shown = await stimulus_of(
            body.stimulus, settings, maximum=body.maximum, fit=body.fit, invert=body.invert
        )
    key = await keyed(request) if stateful else None
    return answer(await engine.process(brain_id, shown, stateful=stateful, request=key))


@router.post(
    "/process-many",
    **describe(
        ThoughtsOut,
        body=ManyToProcess,
        example={"stimuli": [[[0, 0, 5, 13, 9, 1, 0, 0]] * 8] * 2, "maximum": 16},
    ),
)
async def process_many(brain_id: BrainId, request: Request, engine: EngineOf) -> Response:
    """Think about several stimuli, each from rest."""
    body = await read_json(request, ManyToProcess)
    settings = settings_of(request)
    shown = [
        await stimulus_of(one, settings, maximum=body.maximum, fit=body.fit, invert=body.invert)
        for one in body.stimuli
    ]
    return answer(ThoughtsOut(await engine.process_many(brain_id, shown)))
