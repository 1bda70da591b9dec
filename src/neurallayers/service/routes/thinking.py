"""Showing brains something: the hot path."""

from __future__ import annotations

from typing import Any

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
    ExplanationOut,
    ManyToProcess,
    ThoughtOut,
    ThoughtsOut,
    ToExplain,
    ToProcess,
)

router = APIRouter(prefix="/v1/brains/{brain_id}", tags=["thinking"])

FLAG = {"type": "boolean", "default": False}
INVERT = query("invert", FLAG, "As in the body, for PNG files: dark on light into light on dark.")
_ONE = describe(
    ThoughtOut,
    body=ToProcess,
    png=True,
    also=(409,),
    example={"stimulus": [[0, 0, 5, 13, 9, 1, 0, 0]] * 8, "maximum": 16},
)
_ONE["openapi_extra"]["parameters"] = [
    query("stateful", FLAG, "As in the body, for PNG files: live through it."),
    INVERT,
    KEY_HEADER,
]


@router.post("/process", **_ONE)
async def process(brain_id: BrainId, request: Request, engine: EngineOf) -> Response:
    """Think about one stimulus: JSON, or a PNG file as the body."""
    settings = settings_of(request)
    stateful, invert = flag(request, "stateful"), flag(request, "invert")
    context: dict[str, Any] = {}
    if media_type(request) == PNG:
        shown = await stimulus_of(await request.body(), settings, invert=invert)
    else:
        body = await read_json(request, ToProcess)
        context = {"where": body.where, "when": body.when, "who": body.who}
        stateful, invert = stateful or body.stateful, invert or body.invert
        shown = await stimulus_of(
            body.stimulus, settings, maximum=body.maximum, fit=body.fit, invert=invert
        )
    key = await keyed(request)
    lived = key if stateful else None
    return answer(
        await engine.process(brain_id, shown, stateful=stateful, request=lived, **context)
    )


@router.post(
    "/explain",
    **describe(
        ExplanationOut,
        body=ToExplain,
        example={"stimulus": [[0, 0, 5, 13, 9, 1, 0, 0]] * 8, "maximum": 16},
    ),
)
async def explain(brain_id: BrainId, request: Request, engine: EngineOf) -> Response:
    """Say which features, lessons, memories and rules make an answer."""
    body = await read_json(request, ToExplain)
    shown = await stimulus_of(
        body.stimulus,
        settings_of(request),
        maximum=body.maximum,
        fit=body.fit,
        invert=body.invert,
    )
    return answer(await engine.explain(brain_id, shown, body.label))


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
    thoughts = await engine.process_many(brain_id, shown)
    return answer(ThoughtsOut(thoughts) if isinstance(thoughts, list) else thoughts)
