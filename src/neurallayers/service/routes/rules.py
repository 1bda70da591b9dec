"""Rules over the answers of brains."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from neurallayers.service.bodies import answer, keyed, read_json
from neurallayers.service.openapi import describe
from neurallayers.service.routes.brains import KEY_HEADER
from neurallayers.service.routes.doors import BrainId, EngineOf
from neurallayers.service.schemas import NewRules, RulesOut

router = APIRouter(prefix="/v1/brains/{brain_id}/rules", tags=["rules"])

RuleName = Annotated[
    str,
    Path(min_length=1, max_length=200, description="A rule, as its name is listed."),
]

_ADD = describe(
    RulesOut,
    body=NewRules,
    also=(409, 501),
    example={"text": "parity: even(x) <- digit(x, 0) | digit(x, 2) | digit(x, 4)"},
)
_REMOVE = describe(RulesOut, also=(409, 422))
for _declared in (_ADD, _REMOVE):
    _declared["openapi_extra"]["parameters"] = [KEY_HEADER]


@router.get("", **describe(RulesOut, also=(422,)))
async def list_rules(brain_id: BrainId, engine: EngineOf) -> Response:
    """The rules of a brain."""
    return answer(await engine.rules(brain_id))


@router.post("", **_ADD)
async def add_rules(brain_id: BrainId, request: Request, engine: EngineOf) -> Response:
    """Take on rules, a line each; those that clash with others are refused by name."""
    body = await read_json(request, NewRules)
    key = await keyed(request)
    return answer(await engine.add_rules(brain_id, body.text, request=key))


@router.delete("/{name}", **_REMOVE)
async def remove_rule(
    brain_id: BrainId, name: RuleName, request: Request, engine: EngineOf
) -> Response:
    """Give up a rule."""
    key = await keyed(request)
    return answer(await engine.remove_rule(brain_id, name, request=key))
