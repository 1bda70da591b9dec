"""The service: brains that live behind an API, and the engine that it is built on."""

from neurallayers.service.engine import Engine, Event, Limits, Model, RequestKey, Stimulus

__all__ = ["Engine", "Event", "Limits", "Model", "RequestKey", "Stimulus"]
