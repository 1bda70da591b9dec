"""The engine: many living brains behind one door."""

from neurallayers.service.engine.activity import Event
from neurallayers.service.engine.engine import Engine
from neurallayers.service.engine.limits import Limits
from neurallayers.service.engine.resident import Model
from neurallayers.service.engine.work import RequestKey, Stimulus

__all__ = ["Engine", "Event", "Limits", "Model", "RequestKey", "Stimulus"]
