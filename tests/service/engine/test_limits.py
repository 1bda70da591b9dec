"""The limits of an engine."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, asdict

import pytest

from neurallayers.service.engine import Limits


def test_limits_are_json_and_back() -> None:
    limits = Limits(queue_at_most=3, queue_wait_ms=2.5, timeout_s=0.5)
    assert Limits(**json.loads(json.dumps(asdict(limits)))) == limits


def test_limits_are_named_and_stay() -> None:
    with pytest.raises(TypeError):
        Limits(3)  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        Limits().timeout_s = 3.0  # type: ignore[misc]
