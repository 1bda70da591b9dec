"""What is told in one process is told again in another, in order and once."""

from __future__ import annotations

import threading
from typing import Any

import msgspec
import pytest

from neurallayers.service.engine.observing import Observer
from neurallayers.service.engine.tally import Tally, retell


class Notebook(Tally):
    """An observer that is asked directly what it was told."""

    def told(self) -> list[list[Any]]:
        """All of it."""
        return self.take()


def tell_everything(observer: Observer) -> None:
    """Everything that an observer can be told."""
    observer.batch(3)
    observer.thoughts("nano", 3, {"sensory": 7}, {"sensory": 12.5})
    observer.lessons(2)
    observer.alert("nano", "confidence", "warning")
    observer.commit(0.004)
    observer.commit_failed()
    observer.replayed(20)
    observer.restored()
    observer.snapshot()
    observer.memory(4, 10_000)


def test_all_is_told_again_in_the_same_order() -> None:
    direct, told, there = Notebook(), Tally(), Notebook()
    tell_everything(direct)
    tell_everything(told)
    # As it goes between processes.
    sent = msgspec.msgpack.decode(msgspec.msgpack.encode(told.take()))
    retell(sent, there)
    expected = direct.told()
    assert there.told() == expected
    assert [name for name, _ in expected] == [
        name for name in vars(Observer) if not name.startswith("_")
    ]


def test_nothing_is_told_twice() -> None:
    tally = Tally()
    tell_everything(tally)
    assert len(tally.take()) == 10
    assert tally.take() == []


def test_of_memory_only_the_last_counts() -> None:
    tally = Tally()
    for brains in range(100):
        tally.memory(brains, 10 * brains)
    tally.batch(1)
    assert tally.take() == [["batch", [1]], ["memory", [99, 990]]]


def test_what_is_told_is_as_it_was_then() -> None:
    tally, spikes, rates = Tally(), {"a": 1}, {"a": 2.0}
    tally.thoughts("nano", 1, spikes, rates)
    spikes["a"], rates["a"] = 9, 9.0
    assert tally.take() == [["thoughts", ["nano", 1, {"a": 1}, {"a": 2.0}]]]


def test_nothing_is_lost_between_two_threads() -> None:
    tally, taken = Tally(), 0
    done = threading.Event()

    def tell() -> None:
        for _ in range(20_000):
            tally.lessons(1)
        done.set()

    thread = threading.Thread(target=tell)
    thread.start()
    while not done.is_set():
        taken += len(tally.take())
    thread.join()
    assert taken + len(tally.take()) == 20_000


def test_nobody_is_told_without_harm() -> None:
    tally = Tally()
    tell_everything(tally)
    retell(tally.take(), Observer())
    with pytest.raises(AttributeError):
        retell([["unknown", []]], Observer())
