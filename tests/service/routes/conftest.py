"""One service for the tests of all routes, and a brain for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.service.running import Served, running


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The service."""
    folder: Path = tmp_path_factory.mktemp("routes")
    with running(folder, events_at_most=2) as service:
        yield service


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    """A client that shows the key."""
    with served.client() as client:
        yield client


@pytest.fixture
def brain(client: httpx.Client) -> str:
    """The address of a new-born brain."""
    return f"/v1/brains/{client.post('/v1/brains').json()['id']}"
