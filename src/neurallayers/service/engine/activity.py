"""Live activity: what happens to a brain, told to whoever watches it at the time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from neurallayers.service.failures import Overloaded

WAITING_AT_MOST = 64


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        name: What: thought, lesson, forgotten, restored, deleted.
        data: The details, JSON.
    """

    name: str
    data: bytes


class Watcher:
    """One who watches; who cannot keep up misses the oldest events.

    Args:
        brain_id: The brain.
        loop: Where it waits.
    """

    def __init__(self, brain_id: str, loop: asyncio.AbstractEventLoop) -> None:
        self.brain_id, self.loop = brain_id, loop
        self._ended = False
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()

    def tell(self, event: Event | None) -> None:
        """Put an event into the queue; none ends it. Called within the loop."""
        if self._ended:
            # The end is never pushed out by what comes later.
            return
        self._ended = event is None
        if self._queue.qsize() >= WAITING_AT_MOST:
            self._queue.get_nowait()
        self._queue.put_nowait(event)

    async def next(self, timeout_s: float) -> Event | None:
        """The next event; none when the watching ends.

        Raises:
            TimeoutError: If nothing happens for so long.
        """
        async with asyncio.timeout(timeout_s):
            return await self._queue.get()


class Activity:
    """All who watch.

    Args:
        watchers_at_most: How many there may be.
    """

    def __init__(self, watchers_at_most: int = 64) -> None:
        self.watchers_at_most = watchers_at_most
        # Replaced as a whole, never changed: the thread that computes reads it at any time.
        self._watchers: tuple[Watcher, ...] = ()
        self._ended = False

    def __len__(self) -> int:
        return len(self._watchers)

    def watched(self, brain_id: str) -> bool:
        """Whether anybody watches this brain."""
        return any(watcher.brain_id == brain_id for watcher in self._watchers)

    def publish(self, brain_id: str, event: Event, *, last: bool = False) -> None:
        """Tell those who watch a brain; from any thread.

        Args:
            brain_id: The brain.
            event: What happened.
            last: Whether nothing more will happen to it.
        """
        for watcher in self._watchers:
            if watcher.brain_id == brain_id:
                self._tell(watcher, event)
                if last:
                    self._tell(watcher, None)

    def end(self) -> None:
        """Let all stop watching, and those who come later as well."""
        self._ended = True
        for watcher in self._watchers:
            self._tell(watcher, None)

    def _tell(self, watcher: Watcher, event: Event | None) -> None:
        # A loop that was closed has nobody who waits.
        with contextlib.suppress(RuntimeError):
            watcher.loop.call_soon_threadsafe(watcher.tell, event)

    @contextlib.asynccontextmanager
    async def watch(self, brain_id: str) -> AsyncIterator[Watcher]:
        """Watch a brain within the block.

        Raises:
            Overloaded: If too many watch already.
        """
        if len(self._watchers) >= self.watchers_at_most:
            raise Overloaded(
                f"{len(self._watchers)} streams of events are open.",
                "Close one, or raise events_at_most.",
                retry_after_s=10.0,
                reason="events",
            )
        watcher = Watcher(brain_id, asyncio.get_running_loop())
        self._watchers = (*self._watchers, watcher)
        if self._ended:
            watcher.tell(None)
        try:
            yield watcher
        finally:
            self._watchers = tuple(one for one in self._watchers if one is not watcher)
