"""What an engine in a process of its own tells whoever measures it, gathered to be sent."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from neurallayers.service.engine.observing import Observer


class Tally(Observer):
    """An observer that keeps what it is told until somebody takes it."""

    def __init__(self) -> None:
        self._told: list[tuple[str, list[Any]]] = []
        self._memory: tuple[int, int] | None = None
        self._lock = threading.Lock()

    def take(self) -> list[list[Any]]:
        """Everything since the last time."""
        with self._lock:
            told, self._told = self._told, []
            memory, self._memory = self._memory, None
        taken = [[name, arguments] for name, arguments in told]
        return taken if memory is None else [*taken, ["memory", list(memory)]]

    def _tell(self, name: str, *arguments: Any) -> None:
        with self._lock:
            self._told.append((name, list(arguments)))

    def batch(self, rows: int) -> None:
        """So many stimuli were computed together."""
        self._tell("batch", rows)

    def thoughts(
        self, model: str, count: int, spikes: Mapping[str, int], rates_hz: Mapping[str, float]
    ) -> None:
        """So many thoughts with one network, with spikes and mean rate [Hz] by region."""
        self._tell("thoughts", model, count, dict(spikes), dict(rates_hz))

    def lessons(self, count: int) -> None:
        """So many lessons were stored."""
        self._tell("lessons", count)

    def alert(self, model: str, vital: str, level: str) -> None:
        """A vital sign of a brain with this network rose to a level that is not normal."""
        self._tell("alert", model, vital, level)

    def commit(self, seconds: float) -> None:
        """A transaction was stored, and how long that took [s]."""
        self._tell("commit", seconds)

    def commit_failed(self) -> None:
        """A transaction could not be stored."""
        self._tell("commit_failed")

    def replayed(self, entries: int) -> None:
        """So many entries were lived through again."""
        self._tell("replayed", entries)

    def restored(self) -> None:
        """A brain was woken."""
        self._tell("restored")

    def snapshot(self) -> None:
        """A snapshot was kept."""
        self._tell("snapshot")

    def memory(self, brains: int, state_bytes: int) -> None:
        """So many brains are awake, and what their states take [bytes]."""
        self._memory = (brains, state_bytes)


def retell(told: list[list[Any]], observer: Observer) -> None:
    """Tell an observer what a tally took."""
    for name, arguments in told:
        getattr(observer, name)(*arguments)
