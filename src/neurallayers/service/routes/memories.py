"""What brains remember, how they sleep, and how they forget."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from neurallayers.service.bodies import answer, keyed, read_json, settings_of, stimulus_of
from neurallayers.service.openapi import describe
from neurallayers.service.routes.brains import KEY_HEADER
from neurallayers.service.routes.doors import BrainId, EngineOf
from neurallayers.service.schemas import (
    ForgottenOut,
    MemoriesOut,
    SleepOut,
    ToForgetMemories,
    ToSleep,
)

router = APIRouter(prefix="/v1/brains/{brain_id}", tags=["memory"])

_SLEEP = describe(SleepOut, body=ToSleep, body_optional=True, also=(409,), example={"cycles": 4})
_FORGET = describe(ForgottenOut, body=ToForgetMemories, also=(409,), example={"who": "Ada"})
for _declared in (_SLEEP, _FORGET):
    _declared["openapi_extra"]["parameters"] = [KEY_HEADER]


@router.get("/memories", **describe(MemoriesOut, also=(422,)))
async def list_memories(brain_id: BrainId, engine: EngineOf) -> Response:
    """All that a brain remembers: episodes with their pictures, what is in mind, concepts."""
    return answer(await engine.memories(brain_id))


@router.post("/memories/forget", **_FORGET)
async def forget_memories(brain_id: BrainId, request: Request, engine: EngineOf) -> Response:
    """Forget the episodes for which all that is given holds; what lessons wrote stays."""
    body = await read_json(request, ToForgetMemories)
    like = None
    if body.like is not None:
        like = await stimulus_of(
            body.like,
            settings_of(request),
            maximum=body.maximum,
            fit=body.fit,
            invert=body.invert,
        )
    key = await keyed(request)
    return answer(
        await engine.forget_memories(
            brain_id,
            like=like,
            request=key,
            what=body.what,
            where=body.where,
            who=body.who,
            first=body.first,
            last=body.last,
            clock=body.clock,
            likeness=body.likeness,
        )
    )


@router.post("/sleep", **_SLEEP)
async def sleep(brain_id: BrainId, request: Request, engine: EngineOf) -> Response:
    """Let a brain replay what it lived through, so that it lasts."""
    body = await read_json(request, ToSleep, optional=True)
    key = await keyed(request)
    return answer(await engine.sleep(brain_id, body.cycles, request=key))
