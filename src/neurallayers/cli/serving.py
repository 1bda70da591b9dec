"""``serve``: brains behind an API, with a page to play with."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neurallayers.extras import require

if TYPE_CHECKING:
    from neurallayers.service.settings import Settings


def serve(
    models: Annotated[
        list[str] | None,
        typer.Argument(help="Networks to serve: names or folders; the first is the default."),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder that keeps brains, journals and the key.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="A TOML file with settings.")] = None,
    log_level: Annotated[
        str | None, typer.Option(help="Least level that is logged: debug, info, warning, error.")
    ] = None,
    reload: Annotated[
        bool, typer.Option("--reload", help="Start again when the source changes (development).")
    ] = False,
) -> None:
    """Serve brains that learn: an API, metrics, and a playground in the browser.

    Every other setting is an environment variable or a line of the TOML file; see the reference of
    settings. The key of the API is in the data folder unless one is set (NEURALLAYERS_API_KEY).
    """
    start(
        settings_for(
            models=models, host=host, port=port, data=data, config=config, log_level=log_level
        ),
        reload=reload,
    )


def settings_for(*, models: list[str] | None = None, **options: Any) -> Settings:
    """The settings of a command line; what is not given comes from the environment and so on.

    Raises:
        MissingExtra: If the packages of the service are not installed.
        InvalidInput: If a value is wrong.
    """
    for package in ("fastapi", "uvicorn", "pydantic_settings", "msgspec"):
        require(package, extra="service")
    from neurallayers.service.settings import Settings

    return Settings.load(models=",".join(models) if models else None, **options)


def start(settings: Settings, *, reload: bool = False, show_key: bool = False) -> None:
    """Serve until a signal ends it; the address is the one line on the standard output.

    Args:
        settings: How.
        reload: Start again when the source changes.
        show_key: Show the key even if nobody seems to look.
    """
    from neurallayers.service import app, server
    from neurallayers.service.access import ApiKey

    key, created = ApiKey.load_or_create(settings)

    def ready(url: str) -> None:
        # A key belongs on the screen of its owner, not into the log of a machine.
        if created or show_key or sys.stderr.isatty():
            server.announce(url, key, created=created)
        typer.echo(f"listening on {url}")

    if reload:
        server.serve_reloading(settings, on_ready=ready)
    else:
        server.serve(app.compose(settings, key), settings, on_ready=ready)
