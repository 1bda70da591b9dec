"""The engine: many living brains behind one door.

What computes is imported when it is first used: a process that only serves needs no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from neurallayers.service.engine.activity import Event
from neurallayers.service.engine.limits import Limits
from neurallayers.service.engine.work import RequestKey, Stimulus

if TYPE_CHECKING:
    from neurallayers.service.engine.engine import Engine
    from neurallayers.service.engine.resident import Model

_HOMES = {
    "Engine": "neurallayers.service.engine.engine",
    "Model": "neurallayers.service.engine.resident",
}

__all__ = ["Engine", "Event", "Limits", "Model", "RequestKey", "Stimulus"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
