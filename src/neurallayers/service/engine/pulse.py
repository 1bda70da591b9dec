"""The pulse of an engine: whether it computes, and whether its store takes what is written.

Each beat goes through the thread that computes to the disk and back. After a failure the beat opens
the store anew, so that the engine comes back by itself.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from neurallayers.errors import NeuralLayersError
from neurallayers.service.failures import Overloaded, TimedOut

log = logging.getLogger(__name__)

EVERY_S = 0.5
LATE_S = 1.25
AGAIN_S = 0.005


class Pulse:
    """The condition of the store and of the thread that computes.

    Args:
        beat: Sends a beat through the thread to the disk and back.
    """

    def __init__(self, beat: Callable[[], Awaitable[Any]]) -> None:
        self._beat = beat
        self.trouble = ""
        self._at = time.monotonic()

    def health(self) -> dict[str, str]:
        """The condition of both; ``"ok"`` is good."""
        late = time.monotonic() - self._at
        alive = late < EVERY_S + LATE_S
        return {
            "store": self.trouble or "ok",
            "compute": "ok" if alive else f"no sign of life for {late:.0f} s",
        }

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            began = time.monotonic()
            await self._once()
            await asyncio.sleep(max(0.05, EVERY_S - (time.monotonic() - began)))

    async def _once(self) -> None:
        try:
            async with asyncio.timeout(LATE_S):
                await self._taken_beat()
        except (TimeoutError, TimedOut):
            log.warning("engine.slow")
            return
        except Exception as error:
            if not self.trouble:
                log.error("store.failing", extra={"error": str(error) or repr(error)})
            # What anything else says may name places that are nobody's business.
            known = isinstance(error, NeuralLayersError)
            self.trouble = str(error) if known else "failing; the log says why"
        else:
            if self.trouble:
                log.info("store.recovered")
            self.trouble = ""
        self._at = time.monotonic()

    async def _taken_beat(self) -> None:
        """Beat when there is room in the queue.

        Much to do is no sickness, and makes room again and again. A queue that stays full does not:
        behind a disk that hangs it is full as well.
        """
        while True:
            try:
                await self._beat()
            except Overloaded:
                await asyncio.sleep(AGAIN_S)
            else:
                return
