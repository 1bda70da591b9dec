"""Watching: who hears what, who is too slow, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from neurallayers.service.engine.activity import WAITING_AT_MOST, Activity, Event, Watcher
from neurallayers.service.failures import Overloaded


def event(number: int) -> Event:
    return Event("thought", b"%d" % number)


async def heard(watcher: Watcher) -> list[bytes]:
    """Everything up to the end."""
    found = []
    while (one := await watcher.next(1.0)) is not None:
        found.append(one.data)
    return found


def watched(do: Callable[[Activity, Watcher], Awaitable[None]]) -> None:
    """Do something with an activity that somebody watches."""

    async def live() -> None:
        activity = Activity()
        async with activity.watch("ada") as watcher:
            await do(activity, watcher)

    asyncio.run(live())


def test_only_those_who_watch_a_brain_hear_of_it() -> None:
    async def live(activity: Activity, watcher: Watcher) -> None:
        assert activity.watched("ada")
        assert not activity.watched("eve")
        async with activity.watch("eve") as other:
            activity.publish("ada", event(1))
            activity.publish("eve", event(2))
            activity.end()
            assert await heard(watcher) == [b"1"]
            assert await heard(other) == [b"2"]
        assert len(activity) == 1

    watched(live)


def test_it_is_told_from_any_thread() -> None:
    async def live(activity: Activity, watcher: Watcher) -> None:
        await asyncio.to_thread(activity.publish, "ada", event(1))
        assert await watcher.next(1.0) == event(1)

    watched(live)


def test_who_is_too_slow_misses_the_oldest() -> None:
    async def live(activity: Activity, watcher: Watcher) -> None:
        for number in range(WAITING_AT_MOST + 10):
            activity.publish("ada", event(number))
        await asyncio.sleep(0)
        assert await watcher.next(1.0) == event(10)
        activity.end()
        assert (await heard(watcher))[-1] == b"%d" % (WAITING_AT_MOST + 9)

    watched(live)


def test_the_end_is_never_pushed_out() -> None:
    async def live(activity: Activity, watcher: Watcher) -> None:
        activity.publish("ada", event(0), last=True)
        for number in range(2 * WAITING_AT_MOST):
            activity.publish("ada", event(number))
        activity.end()
        assert await heard(watcher) == [b"0"]

    watched(live)


def test_who_comes_after_the_end_does_not_wait_for_ever() -> None:
    async def live() -> None:
        activity = Activity()
        activity.end()
        async with activity.watch("ada") as watcher:
            assert await watcher.next(1.0) is None

    asyncio.run(live())


def test_silence_is_told() -> None:
    async def live(activity: Activity, watcher: Watcher) -> None:
        with pytest.raises(TimeoutError):
            await watcher.next(0.01)
        activity.publish("ada", event(1))
        assert await watcher.next(1.0) == event(1)

    watched(live)


def test_there_are_not_too_many() -> None:
    async def live() -> None:
        activity = Activity(1)
        async with activity.watch("ada"):
            with pytest.raises(Overloaded, match="1 streams") as refusal:
                async with activity.watch("ada"):
                    pass
            assert refusal.value.reason == "events"
        async with activity.watch("ada"):
            assert len(activity) == 1

    asyncio.run(live())


def test_whose_loop_is_gone_disturbs_nobody() -> None:
    loop, activity = asyncio.new_event_loop(), Activity()
    activity._watchers = (Watcher("ada", loop),)
    loop.close()
    activity.publish("ada", event(1))
    activity.end()

    async def watch() -> None:
        async with activity.watch("ada") as watcher:
            assert await watcher.next(1.0) is None

    asyncio.run(watch())
