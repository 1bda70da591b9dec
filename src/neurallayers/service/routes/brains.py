"""Individuals: born, listed, looked at, deleted."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from neurallayers.service.bodies import answer, as_structure, read_json, request_key
from neurallayers.service.openapi import describe, header
from neurallayers.service.routes.doors import BrainId, Cursor, EngineOf, Limit
from neurallayers.service.schemas import BrainOut, BrainsOut, EntriesOut, NewBrain

router = APIRouter(prefix="/v1/brains", tags=["brains"])

KEY_HEADER = header(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
    "The same key again gives the first answer, and nothing happens twice.",
)
_NEW = describe(
    BrainOut,
    status=201,
    body=NewBrain,
    body_optional=True,
    located=True,
    also=(409,),
    example={"name": "Ada"},
)
_NEW["openapi_extra"]["parameters"] = [KEY_HEADER]


@router.post("", **_NEW)
async def create_brain(request: Request, engine: EngineOf) -> Response:
    """A new-born brain."""
    new = await read_json(request, NewBrain, optional=True)
    born = await engine.create(
        new.model, name=new.name, seed=new.seed, request_key=request_key(request)
    )
    brain = as_structure(born, BrainOut)
    return answer(born, 201, {"location": f"/v1/brains/{brain.id}"})


@router.get("", **describe(BrainsOut, also=(422,)))
async def list_brains(engine: EngineOf, limit: Limit = 50, after: Cursor = None) -> Response:
    """Brains in the order of birth, a page at a time."""
    return answer(await engine.brains(limit, after))


@router.get("/{brain_id}", **describe(BrainOut, also=(422,)))
async def get_brain(brain_id: BrainId, engine: EngineOf) -> Response:
    """A brain and what it knows."""
    return answer(await engine.brain(brain_id))


@router.delete("/{brain_id}", **describe(status=204, also=(422,)))
async def delete_brain(brain_id: BrainId, engine: EngineOf) -> Response:
    """Remove a brain with everything that is kept of it."""
    await engine.delete(brain_id)
    return Response(status_code=204)


@router.get("/{brain_id}/entries", **describe(EntriesOut, also=(422,)))
async def list_entries(
    brain_id: BrainId, engine: EngineOf, limit: Limit = 100, after: Cursor = None
) -> Response:
    """The history of a brain, a page at a time, without stimuli."""
    return answer(await engine.entries(brain_id, limit, int(after or 0)))
