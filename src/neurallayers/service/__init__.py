"""The service: brains that live behind an API, and the engine that it is built on."""

from neurallayers.service.engine import Engine, Event, Limits, Model, RequestKey, Stimulus
from neurallayers.service.verifying import verify

__all__ = ["Engine", "Event", "Limits", "Model", "RequestKey", "Stimulus", "verify"]
