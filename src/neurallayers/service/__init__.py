"""The service: brains that live behind an API, and the engine that it is built on."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurallayers.service.engine import Engine, Event, Limits, Model, RequestKey, Stimulus
    from neurallayers.service.verifying import verify

# Imported when they are first used: the serving process needs no torch.
_HOMES = dict.fromkeys(
    ("Engine", "Event", "Limits", "Model", "RequestKey", "Stimulus"), "neurallayers.service.engine"
) | {"verify": "neurallayers.service.verifying"}

__all__ = ["Engine", "Event", "Limits", "Model", "RequestKey", "Stimulus", "verify"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
