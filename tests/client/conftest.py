"""The real service, for tests of the client against it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Served:
    """Where the service is, and its key."""

    url: str
    key: str


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The whole service on a free port of this machine."""
    pytest.importorskip("fastapi")
    from tests.service.serving import KEY, running

    from neurallayers.service.app import compose
    from neurallayers.service.settings import Settings

    folder = tmp_path_factory.mktemp("served") / "data"
    settings = Settings.load(port=0, api_key=KEY, data=folder)
    with running(compose(settings), settings) as port:
        yield Served(f"http://127.0.0.1:{port}", KEY)
