"""Teaching brains, and taking it back."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from neurallayers.errors import InvalidInput
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
from neurallayers.service.routes.thinking import INVERT
from neurallayers.service.schemas import BrainOut, LessonOut, Reward, ToForget, ToLearn

router = APIRouter(prefix="/v1/brains/{brain_id}", tags=["learning"])

_REWARD = msgspec.json.Decoder(Reward)
_LESSON = describe(
    LessonOut,
    body=ToLearn,
    png=True,
    also=(409,),
    example={"stimulus": [[0, 0, 5, 13, 9, 1, 0, 0]] * 8, "maximum": 16, "target": "wave"},
)
_LESSON["openapi_extra"]["parameters"] = [
    query(
        "target",
        {"type": "string", "minLength": 1, "maxLength": 200},
        "As in the body, for PNG files; what the body says comes first.",
    ),
    query(
        "reward",
        {"type": "number", "minimum": -1000, "maximum": 1000},
        "As in the body, for PNG files; what the body says comes first.",
    ),
    INVERT,
    KEY_HEADER,
]


@router.post("/learn", **_LESSON)
async def learn(brain_id: BrainId, request: Request, engine: EngineOf) -> Response:
    """Teach one example; when this is answered, the lesson is on the disk."""
    settings = settings_of(request)
    target, reward, invert = _in_query(request)
    context: dict[str, Any] = {}
    if media_type(request) == PNG:
        shown = await stimulus_of(await request.body(), settings, invert=invert)
    else:
        body = await read_json(request, ToLearn)
        target = target if body.target is None else body.target
        reward = reward if body.reward is None else body.reward
        context = {
            "where": body.where,
            "when": body.when,
            "who": body.who,
            "pinned": body.pinned,
        }
        shown = await stimulus_of(
            body.stimulus,
            settings,
            maximum=body.maximum,
            fit=body.fit,
            invert=invert or body.invert,
        )
    key = await keyed(request)
    return answer(
        await engine.learn(brain_id, shown, target, reward=reward, request=key, **context)
    )


@router.post("/forget", **describe(BrainOut, body=ToForget, also=(409,), example={"label": "wave"}))
async def forget(brain_id: BrainId, request: Request, engine: EngineOf) -> Response:
    """Forget a class, or become the brain that never lived through these entries."""
    body = await read_json(request, ToForget)
    key = await keyed(request)
    return answer(
        await engine.forget(brain_id, label=body.label, entries=body.entries, request=key)
    )


def _in_query(request: Request) -> tuple[str | None, float | None, bool]:
    """Target, reward and inversion, as far as the query tells them."""
    if not request.scope["query_string"]:
        return None, None, False
    told = request.query_params
    return told.get("target"), _reward(told.get("reward")), flag(request, "invert")


def _reward(text: str | None) -> float | None:
    try:
        return None if text is None else _REWARD.decode(text)
    except msgspec.DecodeError as error:
        raise InvalidInput(
            f"reward is {text!r:.60}.", "Use a number from -1000 to 1000."
        ) from error
