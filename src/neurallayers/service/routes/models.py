"""Networks that brains are born with."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from neurallayers.service.bodies import answer
from neurallayers.service.openapi import describe
from neurallayers.service.routes.doors import EngineOf
from neurallayers.service.schemas import ModelOut, ModelsOut

router = APIRouter(prefix="/v1/models", tags=["models"])


@router.get("", **describe(ModelsOut))
async def list_models(engine: EngineOf) -> Response:
    """The networks that are served; the first is the default of new brains."""
    return answer(ModelsOut(engine.models()))


@router.get("/{name}", **describe(ModelOut, also=(422,)))
async def inspect_model(
    name: Annotated[str, Path(min_length=1, max_length=200, description="Name of a network.")],
    engine: EngineOf,
) -> Response:
    """One network with its whole anatomy."""
    return answer(engine.model(name))
