"""The pulse of an engine: a store that fails, a thread that hangs, and much to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from neurallayers.errors import JournalError
from neurallayers.service.engine import pulse
from neurallayers.service.engine.pulse import Pulse
from neurallayers.service.failures import Overloaded, TimedOut, Unavailable

GOOD = {"store": "ok", "compute": "ok"}


class Heart:
    """What beats, as long as it is well."""

    def __init__(self) -> None:
        self.beats = 0
        self.error: Exception | None = None
        self.hangs = False
        self.room_every = 1

    async def beat(self) -> None:
        """One beat."""
        self.beats += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.beats % self.room_every:
            raise Overloaded("The queue is full.", "Try again in a moment.")
        if self.error is not None:
            raise self.error


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "EVERY_S", 0.02)
    monkeypatch.setattr(pulse, "LATE_S", 0.25)


async def until(true: Callable[[], bool], within_s: float = 3.0) -> None:
    """Wait for something."""
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.005)


def beating(heart: Heart, look: Callable[[Pulse], object]) -> None:
    """Run the pulse of a heart while a coroutine function looks at it."""

    async def live() -> None:
        one = Pulse(heart.beat)
        task = asyncio.create_task(one.run())
        try:
            await look(one)  # type: ignore[misc]
        finally:
            task.cancel()
            await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(live())


def test_a_heart_that_beats_is_well() -> None:
    heart = Heart()

    async def look(one: Pulse) -> None:
        assert one.health() == GOOD
        await until(lambda: heart.beats > 3)
        assert one.health() == GOOD

    beating(heart, look)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Unavailable("The store cannot do this.", "Wait."), "The store cannot do this. Wait."),
        (JournalError("Damaged.", "Restore."), "Damaged. Restore."),
        (OSError(5, "failed", "/private/place"), "failing; the log says why"),
        (RuntimeError(), "failing; the log says why"),
    ],
    ids=["unavailable", "journal", "private", "silent"],
)
def test_a_failing_store_is_told_until_it_recovers(
    error: Exception, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    heart = Heart()
    caplog.set_level("INFO")

    async def look(one: Pulse) -> None:
        heart.error = error
        await until(lambda: one.health()["store"] != "ok")
        assert one.health() == {"store": told, "compute": "ok"}
        beats = heart.beats
        await until(lambda: heart.beats > beats + 2)
        heart.error = None
        await until(lambda: one.health() == GOOD)

    beating(heart, look)
    # Once each, not at every beat; and the log knows all of it.
    assert [record.getMessage() for record in caplog.records] == [
        "store.failing",
        "store.recovered",
    ]
    assert caplog.records[0].__dict__["error"] == (str(error) or repr(error))


@pytest.mark.parametrize("way", ["hangs", "gives up"])
def test_a_thread_that_hangs_is_told_and_comes_back(way: str) -> None:
    heart = Heart()

    async def look(one: Pulse) -> None:
        if way == "hangs":
            heart.hangs = True
        else:
            heart.error = TimedOut("It waited too long.", "Try again later.")
        await until(lambda: one.health()["compute"] != "ok")
        assert one.health()["compute"] == "no sign of life for 0 s"
        assert one.health()["store"] == "ok"
        heart.hangs, heart.error = False, None
        await until(lambda: one.health() == GOOD)

    beating(heart, look)


def test_much_to_do_is_no_sickness() -> None:
    heart = Heart()
    heart.room_every = 5

    async def look(one: Pulse) -> None:
        for _ in range(100):
            assert one.health() == GOOD
            await asyncio.sleep(0.005)

    beating(heart, look)


def test_a_queue_that_is_never_worked_on_is_a_sickness() -> None:
    heart = Heart()
    heart.room_every = 10**9

    async def look(one: Pulse) -> None:
        await until(lambda: one.health()["compute"] != "ok")
        heart.room_every = 1
        await until(lambda: one.health() == GOOD)

    beating(heart, look)
