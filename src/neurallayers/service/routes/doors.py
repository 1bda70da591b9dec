"""What routes take from the address, and where they find the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Path, Query
from starlette.requests import Request

from neurallayers.service.engine.remote import RemoteEngine
from neurallayers.service.schemas import BRAIN_ID_PATTERN

if TYPE_CHECKING:
    from neurallayers.service.engine import Engine

    AnyEngine = Engine | RemoteEngine
else:
    # The framework looks at annotations; the engine itself would bring torch with it.
    AnyEngine = Any


async def engine_of(request: Request) -> AnyEngine:
    """The engine of the service."""
    engine: AnyEngine = request.app.state.engine
    return engine


EngineOf = Annotated[AnyEngine, Depends(engine_of)]
BrainId = Annotated[
    str,
    Path(
        pattern=BRAIN_ID_PATTERN,
        description="A brain, as `POST /v1/brains` answered it.",
        examples=["0123456789abcdef0123456789abcdef"],
    ),
]
SnapshotId = Annotated[
    str, Path(pattern=BRAIN_ID_PATTERN, description="A snapshot, as it was answered.")
]
Limit = Annotated[int, Query(ge=1, le=500, description="How many at most.")]
Cursor = Annotated[
    str | None,
    Query(pattern="^[0-9]{1,18}$", description="`next` of the page before."),
]
