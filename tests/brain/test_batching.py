"""The batcher: nothing is lost, nothing overtakes, and a batch is what queued meanwhile."""

from __future__ import annotations

import copy
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from neurallayers.brain.batching import Batcher
from neurallayers.errors import InvalidInput

SOON_S = 10.0


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that other threads bring about."""
    end = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.001)


def never(items: list[Any], error: Exception) -> None:
    raise AssertionError(f"{items} failed: {error}")


class Gate:
    """Work that notes its batches and waits in the first one until it is let through."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self.threads: list[threading.Thread] = []
        self.inside, self.open = threading.Event(), threading.Event()

    def work(self, batch: list[Any]) -> bool:
        self.batches.append(batch)
        self.threads.append(threading.current_thread())
        self.inside.set()
        assert self.open.wait(SOON_S)
        return False


@pytest.fixture
def gate() -> Gate:
    return Gate()


def held(gate: Gate, **options: Any) -> Batcher[Any]:
    """A batcher whose thread is busy with ``"first"``."""
    batcher: Batcher[Any] = Batcher(gate.work, never, **options)
    assert batcher.submit("first")
    assert gate.inside.wait(SOON_S)
    return batcher


# -------------------------------------------------------------------------------- batches


def test_whatever_queued_meanwhile_is_the_next_batch_in_order(gate: Gate) -> None:
    batcher = held(gate)
    for item in range(10):
        assert batcher.submit(item)
    assert batcher.waiting == 10
    gate.open.set()
    batcher.stop()
    assert gate.batches == [["first"], list(range(10))]
    assert batcher.waiting == 0


def test_a_batch_has_a_limit_and_the_rest_comes_after(gate: Gate) -> None:
    batcher = held(gate, batch_at_most=4)
    for item in range(10):
        batcher.submit(item)
    gate.open.set()
    batcher.stop()
    assert gate.batches == [["first"], [0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_one_alone_does_not_wait_for_company() -> None:
    done = threading.Event()

    def work(batch: list[int]) -> bool:
        assert batch == [1]
        done.set()
        return False

    batcher: Batcher[int] = Batcher(work, never)
    batcher.submit(1)
    assert done.wait(SOON_S)
    batcher.stop()


def test_a_full_queue_refuses_and_takes_again_when_there_is_room(gate: Gate) -> None:
    batcher = held(gate, queue_at_most=3)
    assert [batcher.submit(item) for item in range(5)] == [True, True, True, False, False]
    gate.open.set()
    until(lambda: batcher.waiting == 0)
    assert batcher.submit("later")
    batcher.stop()
    assert [item for batch in gate.batches for item in batch] == ["first", 0, 1, 2, "later"]


@pytest.mark.parametrize("limits", [{"queue_at_most": 0}, {"batch_at_most": 0}])
def test_limits_below_one_are_refused(limits: dict[str, int]) -> None:
    with pytest.raises(InvalidInput, match="at least 1"):
        Batcher(lambda _: False, never, **limits)


def test_work_is_called_again_at_once_while_it_says_more() -> None:
    calls: list[list[str]] = []
    finished = threading.Event()

    def work(batch: list[str]) -> bool:
        calls.append(batch)
        if len(calls) == 4:
            finished.set()
        return len(calls) < 4

    batcher: Batcher[str] = Batcher(work, never)
    batcher.submit("one")
    assert finished.wait(SOON_S)
    batcher.submit("two")
    batcher.stop()
    assert calls == [["one"], [], [], [], ["two"]]


def test_what_comes_while_there_is_more_joins_the_next_call(gate: Gate) -> None:
    calls: list[list[str]] = []

    def work(batch: list[str]) -> bool:
        gate.work(batch)
        calls.append(batch)
        return len(calls) == 1

    batcher: Batcher[str] = Batcher(work, never)
    batcher.submit("one")
    assert gate.inside.wait(SOON_S)
    batcher.submit("two")
    gate.open.set()
    batcher.stop()
    assert calls == [["one"], ["two"]]


# ---------------------------------------------------------------------------------- the end


def test_stopping_finishes_what_was_taken_and_takes_nothing_more(gate: Gate) -> None:
    batcher = held(gate, batch_at_most=2)
    for item in range(5):
        batcher.submit(item)
    stopping = threading.Thread(target=batcher.stop)
    stopping.start()
    until(lambda: not batcher.submit("too late"))
    assert stopping.is_alive()
    gate.open.set()
    stopping.join(SOON_S)
    assert not stopping.is_alive()
    taken = [item for batch in gate.batches for item in batch if item != "too late"]
    assert taken == ["first", 0, 1, 2, 3, 4]
    assert not gate.threads[0].is_alive()
    batcher.stop()
    assert not batcher.submit("never")


def test_stopping_waits_for_what_work_still_has_to_do() -> None:
    left = [3]
    started = threading.Event()

    def work(batch: list[int]) -> bool:
        started.set()
        time.sleep(0.002)
        left[0] -= 1
        return left[0] > 0

    batcher: Batcher[int] = Batcher(work, never)
    batcher.submit(1)
    assert started.wait(SOON_S)
    batcher.stop()
    assert left == [0]


def test_a_batcher_that_never_worked_can_be_stopped() -> None:
    batcher: Batcher[int] = Batcher(lambda _: False, never)
    batcher.stop()
    assert not batcher.submit(1)


def test_work_may_stop_its_own_batcher() -> None:
    seen: list[int] = []

    def work(batch: list[int]) -> bool:
        batcher.stop()
        seen.extend(batch)
        return False

    batcher: Batcher[int] = Batcher(work, never)
    batcher.submit(1)
    until(lambda: seen == [1])
    batcher.stop()
    assert not batcher.submit(2)


# ------------------------------------------------------------------------------ the thread


def test_the_thread_ends_when_there_is_no_work_and_comes_back(gate: Gate) -> None:
    gate.open.set()
    batcher: Batcher[int] = Batcher(gate.work, never, idle_s=0.01, name="short of patience")
    for turn in range(3):
        assert batcher.submit(turn)
        until(lambda turn=turn: len(gate.threads) == turn + 1)
        until(lambda turn=turn: not gate.threads[turn].is_alive())
    assert gate.batches == [[0], [1], [2]]
    assert len(set(gate.threads)) == 3
    assert {thread.name for thread in gate.threads} == {"short of patience"}


def test_the_thread_stays_where_it_is_told_to(gate: Gate) -> None:
    gate.open.set()
    batcher: Batcher[int] = Batcher(gate.work, never)
    for turn in range(3):
        batcher.submit(turn)
        until(lambda turn=turn: len(gate.threads) == turn + 1)
        time.sleep(0.005)
    assert len(set(gate.threads)) == 1
    batcher.stop()


def test_a_system_without_threads_loses_no_item_later(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    gate.open.set()
    batcher: Batcher[int] = Batcher(gate.work, never)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(RuntimeError, match="can't start"):
            batcher.submit(1)
        assert batcher.waiting == 0
    assert batcher.submit(2)
    batcher.stop()
    assert gate.batches == [[2]]


@pytest.mark.parametrize("idle_s", [None, 0.0, 0.0002])
def test_no_item_is_lost_or_overtaken_under_many_threads(idle_s: float | None) -> None:
    senders, each = 8, 300
    seen: list[tuple[int, int]] = []
    at_once = threading.Lock()

    def work(batch: list[tuple[int, int]]) -> bool:
        assert at_once.acquire(blocking=False), "two threads at once"
        seen.extend(batch)
        at_once.release()
        return False

    batcher: Batcher[tuple[int, int]] = Batcher(
        work, never, queue_at_most=32, batch_at_most=5, idle_s=idle_s
    )

    def send(sender: int) -> None:
        for number in range(each):
            while not batcher.submit((sender, number)):
                time.sleep(0.0001)
            if number % 50 == sender:
                time.sleep(0.001)  # let the queue run dry, so that the thread may end

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON_S)
    until(lambda: len(seen) == senders * each)
    batcher.stop()
    for sender in range(senders):
        assert [number for who, number in seen if who == sender] == list(range(each))


# --------------------------------------------------------------------------------- failures


def test_what_work_raises_fails_its_own_items_and_no_others(
    gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    failed: list[tuple[list[Any], Exception]] = []

    def work(batch: list[Any]) -> bool:
        gate.work(batch)
        if "bad" in batch:
            raise ValueError("no")
        return False

    batcher: Batcher[Any] = Batcher(
        work, lambda items, error: failed.append((items, error)), batch_at_most=2
    )
    batcher.submit("first")
    assert gate.inside.wait(SOON_S)
    for item in ("a", "bad", "b", "c"):
        batcher.submit(item)
    gate.open.set()
    with caplog.at_level(logging.CRITICAL + 1):
        batcher.stop()
    assert [items for items, _ in failed] == [["a", "bad"]]
    assert isinstance(failed[0][1], ValueError)
    assert gate.batches == [["first"], ["a", "bad"], ["b", "c"]]
    assert len(set(gate.threads)) == 1


def test_a_failure_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def work(_: list[int]) -> bool:
        raise ValueError("no")

    failed: list[list[int]] = []
    batcher: Batcher[int] = Batcher(work, lambda items, _: failed.append(items))
    batcher.submit(1)
    batcher.stop()
    assert failed == [[1]]
    (record,) = [one for one in caplog.records if one.message == "batch.failed"]
    assert record.__dict__["items"] == 1
    assert record.exc_info is not None


def test_the_thread_outlives_a_failure_that_cannot_be_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: list[int] = []

    def work(batch: list[int]) -> bool:
        seen.extend(batch)
        if 1 in batch:
            raise ValueError("no")
        return False

    batcher: Batcher[int] = Batcher(work, never, batch_at_most=1)
    batcher.submit(1)
    until(lambda: seen == [1])
    batcher.submit(2)
    batcher.stop()
    assert seen == [1, 2]
    assert "batch.not_failed" in [record.message for record in caplog.records]


def test_a_copy_has_the_same_work_and_a_queue_of_its_own(gate: Gate) -> None:
    batcher = held(gate, queue_at_most=7, batch_at_most=3, idle_s=1.0, name="original")
    batcher.submit("waits")
    twin = copy.deepcopy(batcher)
    assert (twin.queue_at_most, twin.batch_at_most, twin.waiting) == (7, 3, 0)
    gate.open.set()
    twin.submit("of the twin")
    twin.stop()
    assert ["of the twin"] in gate.batches
    assert batcher.submit("the original goes on")
    batcher.stop()
    assert len(set(gate.threads)) == 2
