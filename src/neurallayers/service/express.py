"""The short way for what is asked most: thoughts and lessons go past the framework's layers.

The framework passes each request through seven layers before its route is reached, which takes
longer than everything else that the serving process does for it. The routes stay declared there, as
the description of the interface says; this calls the very same functions, with the same errors.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from neurallayers.errors import NeuralLayersError
from neurallayers.service.limits import Receive, Scope, Send
from neurallayers.service.problems import handled
from neurallayers.service.routes.doors import AnyEngine
from neurallayers.service.routes.learning import learn
from neurallayers.service.routes.thinking import process

Route = Callable[[str, Request, AnyEngine], Awaitable[Response]]

_ADDRESS = re.compile(r"/v1/brains/([0-9a-f]{32})/(process|learn)")
_ROUTES: Mapping[str, Route] = {"process": process, "learn": learn}


class Express:
    """An application in front of another.

    Args:
        app: Gets whatever does not go the short way.
        engine: The engine.
    """

    def __init__(self, app: FastAPI, engine: AnyEngine) -> None:
        self.app, self._engine = app, engine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the framework answer."""
        way = None
        if scope["type"] == "http" and scope["method"] == "POST":
            way = _ADDRESS.fullmatch(scope["path"])
        if way is None:
            await self.app(scope, receive, send)
            return
        scope["app"] = self.app
        request = Request(scope, receive)
        try:
            response = await _ROUTES[way[2]](way[1], request, self._engine)
        except (NeuralLayersError, msgspec.DecodeError) as error:
            response = handled(request, error)
        await response(scope, receive, send)
