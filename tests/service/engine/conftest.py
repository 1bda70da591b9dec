"""A disk that can fail."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from tests.service.engine.company import Disk


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """What every store that is opened from now on writes to."""
    disk, connect = Disk(), sqlite3.connect

    def connected(*arguments: Any, **options: Any) -> sqlite3.Connection:
        return connect(*arguments, factory=disk.connection(), **options)

    monkeypatch.setattr(sqlite3, "connect", connected)
    yield disk
    disk.heal()
