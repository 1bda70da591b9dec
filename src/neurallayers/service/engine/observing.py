"""What the engine tells whoever measures it."""

from __future__ import annotations

from collections.abc import Mapping


class Observer:
    """Gets figures from the thread that computes, once a batch; this one does not look at them.

    Whoever measures overrides what it counts; each method must be quick.
    """

    def batch(self, rows: int) -> None:
        """So many stimuli were computed together."""

    def thoughts(
        self, model: str, count: int, spikes: Mapping[str, int], rates_hz: Mapping[str, float]
    ) -> None:
        """So many thoughts with one network, with spikes and mean rate [Hz] by region."""

    def lessons(self, count: int) -> None:
        """So many lessons were stored."""

    def alert(self, model: str, vital: str, level: str) -> None:
        """A vital sign of a brain with this network rose to a level that is not normal."""

    def commit(self, seconds: float) -> None:
        """A transaction was stored, and how long that took [s]."""

    def commit_failed(self) -> None:
        """A transaction could not be stored."""

    def replayed(self, entries: int) -> None:
        """So many entries were lived through again."""

    def restored(self) -> None:
        """A brain was woken."""

    def snapshot(self) -> None:
        """A snapshot was kept."""

    def memory(self, brains: int, state_bytes: int) -> None:
        """So many brains are awake, and what their states take [bytes]."""
