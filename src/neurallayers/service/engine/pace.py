"""How fast the work goes, and so how long somebody who comes now would wait."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

from neurallayers.service.engine.work import Think, Work

FULL = 16
RATE = 0.1
#: A turn that a slow disk held up says little about the next.
BLAME_AT_MOST = 2.0


class Pace:
    """Counts what waits, and learns what it costs from full batches.

    A row alone costs ten times as much as one among many, but never means that there is no room, so
    that only full batches can tell that work has become slow. That it is faster than expected any
    batch can tell; else a wrong expectation would keep batches small, and itself alive, for ever.
    """

    def __init__(self) -> None:
        self.thought_s = 0.0004
        self.entry_s = 0.001
        self._thoughts = 0
        self._entries = 0
        # Those who submit and the thread that computes both count.
        self._lock = threading.Lock()

    @property
    def waiting(self) -> int:
        """Stimuli and entries that were submitted and not answered yet."""
        return self._thoughts + self._entries

    @property
    def expected_wait_s(self) -> float:
        """How long it takes to work on what waits [s]."""
        return self._thoughts * self.thought_s + self._entries * self.entry_s

    def submitted(self, work: Work) -> None:
        """Something more waits."""
        self._count([work], 1)

    def done(self, works: Iterable[Work]) -> None:
        """Something was answered, or given up."""
        self._count(works, -1)

    def _count(self, works: Iterable[Work], sign: int) -> None:
        with self._lock:
            for work in works:
                # Once each, whoever else gives it up as well.
                if work.counted == (sign > 0):
                    continue
                work.counted = sign > 0
                if isinstance(work, Think):
                    self._thoughts += sign * work.rows
                else:
                    self._entries += sign * work.rows

    def learn(self, items: Sequence[Work], seconds: float) -> None:
        """A turn that did this took so long."""
        thoughts = sum(item.rows for item in items if isinstance(item, Think))
        entries = sum(item.rows for item in items if not isinstance(item, Think))
        expected = thoughts * self.thought_s + entries * self.entry_s
        if not items or (thoughts + entries < FULL and seconds >= expected):
            return
        # Whoever took most of the expected time gets most of the blame.
        blame = 1.0 + RATE * min(seconds / expected - 1.0, BLAME_AT_MOST)
        if thoughts * self.thought_s > entries * self.entry_s:
            self.thought_s *= blame
        else:
            self.entry_s *= blame
