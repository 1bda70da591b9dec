"""Gathering what many callers want into batches, without a timer: one thread, one bounded queue.

Whatever queued while the last batch was computed is the next batch. A caller alone never waits for
company, and under load batches grow by themselves.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from neurallayers.errors import InvalidInput

T = TypeVar("T")

log = logging.getLogger(__name__)


class Batcher(Generic[T]):
    """One thread that works on what was submitted, a batch at a time.

    The thread starts with the first item. It ends when it is stopped, or by itself after a while
    without work; then the next item starts another.

    Args:
        work: Gets the next batch, in the order of submission, possibly empty. Returns whether it
            has left something to do and wants to be called again at once. It must not raise; what
            it raises all the same is logged, and the items of that batch are given to ``fail``.
        fail: Gets the items of a batch that could not be worked on, and why.
        queue_at_most: Items that may wait; more are refused.
        batch_at_most: Items in a batch.
        idle_s: Time without work after which the thread ends; never when left out.
        name: Name of the thread.
    """

    def __init__(
        self,
        work: Callable[[list[T]], bool],
        fail: Callable[[list[T], Exception], None],
        *,
        queue_at_most: int = 1024,
        batch_at_most: int = 64,
        idle_s: float | None = None,
        name: str = "batcher",
    ) -> None:
        if min(queue_at_most, batch_at_most) < 1:
            raise InvalidInput(
                f"queue_at_most is {queue_at_most}, batch_at_most is {batch_at_most}.",
                "Both must be at least 1.",
            )
        self._work, self._fail = work, fail
        self.queue_at_most, self.batch_at_most = queue_at_most, batch_at_most
        self._idle_s, self._name = idle_s, name
        self._queue: deque[T] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopping = False

    @property
    def waiting(self) -> int:
        """Items in the queue, without those being worked on."""
        return len(self._queue)

    def submit(self, item: T) -> bool:
        """Put an item into the queue; false if it is full or the batcher was stopped."""
        with self._changed:
            if self._stopping or len(self._queue) >= self.queue_at_most:
                return False
            if self._thread is None:
                # Noted only once it runs: where the system gives no thread, this item fails and the
                # next one tries again.
                thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                thread.start()
                self._thread = thread
            self._queue.append(item)
            if len(self._queue) == 1:
                self._changed.notify()
        return True

    def stop(self) -> None:
        """Take nothing more, finish what was taken, and end the thread.

        From within ``work`` it only says so: the thread ends when it has finished.
        """
        with self._changed:
            self._stopping = True
            self._changed.notify()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        more = False
        while True:
            with self._changed:
                if not (self._queue or more or self._stopping):
                    self._changed.wait(self._idle_s)
                if not (self._queue or more):
                    # Woken to stop, or by nothing for a while; both under the lock, so that an item
                    # submitted now finds no thread and starts one.
                    self._thread = None
                    return
                batch = [
                    self._queue.popleft() for _ in range(min(len(self._queue), self.batch_at_most))
                ]
            more = self._attempt(batch)

    def _attempt(self, batch: list[T]) -> bool:
        try:
            return self._work(batch)
        except Exception as error:
            log.exception("batch.failed", extra={"items": len(batch)})
            self._give_up(batch, error)
            return False

    def _give_up(self, batch: list[T], error: Exception) -> None:
        try:
            self._fail(batch, error)
        except Exception:
            # The thread outlives it: others wait for it as well.
            log.exception("batch.not_failed", extra={"items": len(batch)})

    def __deepcopy__(self, memo: dict[int, Any]) -> Batcher[T]:
        """A copy has the same work and a queue and thread of its own."""
        return Batcher(
            self._work,
            self._fail,
            queue_at_most=self.queue_at_most,
            batch_at_most=self.batch_at_most,
            idle_s=self._idle_s,
            name=self._name,
        )
