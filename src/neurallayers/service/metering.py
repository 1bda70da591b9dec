"""What the engine does, as metrics."""

from __future__ import annotations

from collections.abc import Mapping

from neurallayers.service.engine.observing import Observer
from neurallayers.service.telemetry import ActivityMeter, Telemetry


class Metering(Observer):
    """An observer of the engine that counts into the service's metrics.

    Args:
        telemetry: The metrics.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._activity: dict[str, ActivityMeter] = {}

    def batch(self, rows: int) -> None:
        """So many stimuli were computed together."""
        self._telemetry.batch_size.observe(rows)

    def thoughts(
        self, model: str, count: int, spikes: Mapping[str, int], rates_hz: Mapping[str, float]
    ) -> None:
        """So many thoughts with one network, with the spikes and the mean rate of each region."""
        meter = self._activity.get(model)
        if meter is None:
            meter = self._activity[model] = self._telemetry.activity(model, spikes)
        meter.record(spikes, rates_hz)
        self._telemetry.thoughts.inc(count)

    def lessons(self, count: int) -> None:
        """So many lessons were stored."""
        self._telemetry.lessons.inc(count)

    def alert(self, model: str, vital: str, level: str) -> None:
        """A vital sign of a brain with this network rose to a level that is not normal."""
        self._telemetry.alerts.labels(model, vital, level).inc()

    def commit(self, seconds: float) -> None:
        """A transaction was stored, and how long that took [s]."""
        self._telemetry.committed(seconds)

    def commit_failed(self) -> None:
        """A transaction could not be stored."""
        self._telemetry.commit_failures.inc()

    def replayed(self, entries: int) -> None:
        """So many entries were lived through again."""
        self._telemetry.replayed.inc(entries)

    def restored(self) -> None:
        """A brain was woken."""
        self._telemetry.restores.inc()

    def snapshot(self) -> None:
        """A snapshot was kept."""
        self._telemetry.snapshots.inc()

    def memory(self, brains: int, state_bytes: int) -> None:
        """So many brains are awake, and what their states take [bytes]."""
        self._telemetry.live(brains, state_bytes)
