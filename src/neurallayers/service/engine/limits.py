"""How much an engine takes on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much an engine takes on.

    Attributes:
        queue_at_most: Work that may wait.
        queue_wait_ms: Expected wait above which a thought is refused [ms].
        lesson_wait_ms: Expected wait above which anything else is refused [ms].
        batch_at_most: Stimuli computed together.
        brains_at_most: Brains that are kept.
        brains_in_memory_mib: Memory for the states of brains that are awake [MiB].
        snapshot_every: Entries between two snapshots of a brain.
        events_at_most: Streams of events.
        timeout_s: How long work may wait before it is given up [s].
    """

    queue_at_most: int = 1024
    queue_wait_ms: float = 1000.0
    lesson_wait_ms: float = 2000.0
    batch_at_most: int = 64
    brains_at_most: int = 100_000
    brains_in_memory_mib: int = 1024
    snapshot_every: int = 100
    events_at_most: int = 64
    timeout_s: float = 10.0
