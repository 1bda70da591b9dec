"""A real service on loopback, and an engine without one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.service.running import Served, running


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The service of a module's tests, with the network that ships with the package."""
    folder: Path = tmp_path_factory.mktemp("served")
    with running(folder) as service:
        yield service
