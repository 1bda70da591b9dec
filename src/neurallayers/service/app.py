"""The composition root: settings in, a service out; the only place where the parts meet."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from importlib import resources

from fastapi import FastAPI
from starlette.routing import BaseRoute

from neurallayers.service import openapi
from neurallayers.service.access import ApiKey
from neurallayers.service.edge import Edge
from neurallayers.service.engine import Limits
from neurallayers.service.engine.observing import Observer
from neurallayers.service.engine.remote import RemoteEngine
from neurallayers.service.express import Express
from neurallayers.service.logs import configure_logging
from neurallayers.service.metering import Metering
from neurallayers.service.policy import page_policy
from neurallayers.service.problems import install_handlers
from neurallayers.service.routes import (
    activity,
    brains,
    health,
    learning,
    memories,
    models,
    playground,
    rules,
    snapshots,
    thinking,
)
from neurallayers.service.routes.doors import AnyEngine
from neurallayers.service.settings import Settings
from neurallayers.service.telemetry import Telemetry

#: The page that describes the interface loads its viewer from where FastAPI keeps it.
DOCS_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' https://cdn.jsdelivr.net; "
    "style-src 'unsafe-inline' https://cdn.jsdelivr.net; connect-src 'self'; "
    "img-src 'self' data: https://fastapi.tiangolo.com; frame-ancestors 'none'"
)
# The busiest first, as they are tried in this order.
_ROUTERS = (
    thinking,
    learning,
    models,
    brains,
    memories,
    rules,
    snapshots,
    activity,
    health,
    playground,
)


def compose(settings: Settings, key: ApiKey | None = None) -> Edge:
    """The whole service, ready to be served.

    Args:
        settings: How.
        key: The key of its clients; that of the settings, or of the data folder, when left out.

    Raises:
        InvalidInput: If the key of the data folder is damaged.
        Unavailable: If no key can be kept there.
    """
    telemetry = Telemetry()
    engine = engine_for(settings, Metering(telemetry))
    app = application(engine, settings, telemetry)
    if key is None:
        key, _ = ApiKey.load_or_create(settings)
    return Edge(
        Express(app, engine),
        settings=settings,
        key=key,
        telemetry=telemetry,
        templates=templates_of(app.routes),
        refuse=lambda template, more: engine.overload(
            thought=not template.endswith(("/learn", "/sleep", "/rules")), more=more
        ),
        request_log=configure_logging(settings),
        policies={"/": page_policy(app.state.page), "/docs": DOCS_POLICY},
        on_drain=engine.activity.end,
    )


def engine_for(settings: Settings, observer: Observer) -> AnyEngine:
    """The engine, in this process or in one of its own."""
    limits = limits_of(settings)
    if settings.engine_process:
        return RemoteEngine(settings.data, models=settings.models, limits=limits, observer=observer)
    # Here, and not above: the serving process needs no torch.
    from neurallayers.service.engine import Engine

    return Engine(settings.data, models=settings.models, limits=limits, observer=observer)


def application(engine: AnyEngine, settings: Settings, telemetry: Telemetry) -> FastAPI:
    """The routes around an engine, which is opened and closed with them."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with engine:
            yield

    app = FastAPI(lifespan=lifespan, redoc_url=None, redirect_slashes=False)
    app.state.engine, app.state.settings, app.state.telemetry = engine, settings, telemetry
    app.state.drawing = asyncio.Semaphore(1)
    app.state.page = playground_page()
    for part in _ROUTERS:
        # Side by side, not nested: a request is matched once.
        app.router.routes.extend(part.router.routes)
    openapi.install(app)
    install_handlers(app)
    return app


def playground_page() -> str:
    """The page as it lies in the package."""
    return (resources.files("neurallayers.service") / "page" / "index.html").read_text("utf-8")


def limits_of(settings: Settings) -> Limits:
    """How much the engine takes on."""
    return Limits(
        queue_at_most=settings.queue_at_most,
        queue_wait_ms=settings.queue_wait_ms,
        lesson_wait_ms=settings.lesson_wait_ms,
        batch_at_most=settings.batch_at_most,
        brains_at_most=settings.brains_at_most,
        brains_in_memory_mib=settings.brains_in_memory_mib,
        snapshot_every=settings.snapshot_every,
        events_at_most=settings.events_at_most,
        timeout_s=settings.request_timeout_s,
    )


def templates_of(routes: list[BaseRoute]) -> list[str]:
    """The addresses that there are."""
    return [path for route in routes if isinstance(path := getattr(route, "path", None), str)]


def from_environment() -> Edge:
    """The service as the environment says; for servers that import it by name."""
    return compose(Settings.load())
