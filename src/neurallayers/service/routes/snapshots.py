"""Moments to return to."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from neurallayers.service.bodies import answer, keyed, read_json, request_key
from neurallayers.service.openapi import describe
from neurallayers.service.routes.brains import KEY_HEADER
from neurallayers.service.routes.doors import BrainId, Cursor, EngineOf, Limit, SnapshotId
from neurallayers.service.schemas import BrainOut, NewSnapshot, SnapshotOut, SnapshotsOut

router = APIRouter(prefix="/v1/brains/{brain_id}/snapshots", tags=["snapshots"])

_NEW = describe(
    SnapshotOut, status=201, body=NewSnapshot, body_optional=True, example={"name": "before"}
)
_NEW["openapi_extra"]["parameters"] = [KEY_HEADER]


@router.post("", **_NEW)
async def keep_snapshot(brain_id: BrainId, request: Request, engine: EngineOf) -> Response:
    """Keep this moment."""
    new = await read_json(request, NewSnapshot, optional=True)
    kept = await engine.snapshot(brain_id, new.name, request_key=request_key(request))
    return answer(kept, 201)


@router.get("", **describe(SnapshotsOut, also=(422,)))
async def list_snapshots(
    brain_id: BrainId, engine: EngineOf, limit: Limit = 50, after: Cursor = None
) -> Response:
    """The kept moments of a brain, the latest first, a page at a time."""
    return answer(await engine.snapshots(brain_id, limit, after))


_RESTORE = describe(BrainOut, also=(422,))
_RESTORE["openapi_extra"]["parameters"] = [KEY_HEADER]


@router.post("/{snapshot_id}/restore", **_RESTORE)
async def restore_snapshot(
    brain_id: BrainId, snapshot_id: SnapshotId, request: Request, engine: EngineOf
) -> Response:
    """Return to a kept moment; what came since is undone and stays in the history."""
    key = await keyed(request)
    return answer(await engine.restore(brain_id, snapshot_id, request=key))
