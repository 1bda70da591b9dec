"""What the parts of an engine have in common: a way to submit work and await its result."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from neurallayers.service.engine.opening import Opened
from neurallayers.service.engine.resident import Resident
from neurallayers.service.engine.work import Errand, Work


class Asked(ABC):
    """A part of an engine."""

    @property
    @abstractmethod
    def _opened(self) -> Opened:
        """What it opened."""

    @abstractmethod
    async def _submit(self, work: type[Work], /, **what: Any) -> Any:
        """Submit work and await its result."""

    @abstractmethod
    async def _run(self, brain_id: str, do: Callable[[Errand, Resident], Any]) -> Any:
        """Await an errand that replies by itself, later."""
