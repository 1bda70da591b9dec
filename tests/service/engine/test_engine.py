"""The engine as programs use it: failing disks, too much to do, beginning and end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.brain.individuals import bits
from tests.service.engine.company import (
    Disk,
    held,
    images,
    life_of,
    outcome,
    recovered,
    refused,
    small_engine,
    small_model,
)

from neurallayers.errors import InvalidInput, JournalError, NeuralLayersError, UnknownName
from neurallayers.service.engine import Engine
from neurallayers.service.failures import (
    Conflict,
    NotFound,
    Overloaded,
    TimedOut,
    Unavailable,
)
from neurallayers.service.store import database

# ------------------------------------------------------------------ a failing disk


@pytest.mark.parametrize("error", ["disk I/O error", "database or disk is full"])
def test_a_failing_disk_is_told_outlived_and_loses_nothing(
    tmp_path: Path, disk: Disk, error: str
) -> None:
    async def live() -> None:
        loop = asyncio.get_running_loop()
        async with small_engine(tmp_path) as engine:
            ada, eve = (await engine.create()).id, (await engine.create()).id
            await engine.learn(ada, images()[0], "kept")
            before = bits(await life_of(engine, ada))
            thought = await engine.process(eve, images()[1])
            assert engine.ready

            disk.fail(error=error)
            failed_at = loop.time()
            assert refused(await outcome(engine.learn(ada, images()[2], "lost")))
            assert refused(await outcome(engine.create()))
            while engine.ready:
                await asyncio.sleep(0.02)
                assert loop.time() - failed_at < 2.0
            assert engine.health()["store"] != "ok"
            assert tmp_path.name not in str(engine.health())
            # A brain that is awake thinks on.
            assert await engine.process(eve, images()[1]) == thought
            assert refused(await outcome(engine.process(eve, images()[1], stateful=True)))
            assert refused(await outcome(engine.brains()))

            disk.heal()
            await recovered(engine)
            assert bits(await life_of(engine, ada)) == before
            assert (await engine.learn(ada, images()[2], "new")).entry == 2
            assert len((await engine.brains()).brains) == 2
            after = bits(await life_of(engine, ada))
        async with small_engine(tmp_path) as engine:
            assert bits(await life_of(engine, ada)) == after
            content = [one.content for one in (await engine.entries(ada)).entries]
            assert content == [{"target": "kept"}, {"target": "new"}]

    asyncio.run(live())


def test_a_stop_while_the_disk_fails_is_orderly(tmp_path: Path, disk: Disk) -> None:
    async def live() -> str:
        async with small_engine(tmp_path) as engine:
            ada = (await engine.create()).id
            await engine.learn(ada, images()[0], "kept")
            disk.fail()
            assert refused(await outcome(engine.learn(ada, images()[0], "lost")))
        return ada

    async def again(ada: str) -> None:
        async with small_engine(tmp_path) as engine:
            assert (await engine.brain(ada)).labels == ["a", "b", "kept"]

    ada = asyncio.run(live())
    disk.heal()
    asyncio.run(again(ada))


# ------------------------------------------------------------------ too much to do


def test_when_too_much_waits_new_work_is_refused(tmp_path: Path) -> None:
    async def live() -> None:
        async with small_engine(
            tmp_path, queue_wait_ms=1.0, lesson_wait_ms=4.0, batch_at_most=1
        ) as engine:
            ada = (await engine.create()).id
            async with held(engine):
                # A lesson that waits counts for more than a thought may wait.
                lesson = asyncio.create_task(engine.learn(ada, images()[0], "x"))
                await asyncio.sleep(0)
                refusal = await outcome(engine.process(ada, images()[0]))
                assert isinstance(refusal, Overloaded)
                assert refusal.retry_after_s > 0
                assert (b"retry-after", b"1") in refusal.headers
                # Lessons may wait longer, up to a point.
                others = [
                    asyncio.create_task(outcome(engine.learn(ada, images()[i], "x")))
                    for i in range(1, 8)
                ]
                await asyncio.sleep(0)
                assert engine.overload(thought=False) is not None
                # A brain that is refused is not born either.
                assert isinstance(await outcome(engine.create()), Overloaded)
            assert (await lesson).entry == 1
            results = await asyncio.gather(*others)
            taken = [one.entry for one in results if not isinstance(one, Overloaded)]
            assert taken == list(range(2, 2 + len(taken)))
            assert 0 < len(taken) < 7
            assert engine.overload() is None
            assert engine.waiting == 0
            assert len((await engine.brains()).brains) == 1

    asyncio.run(live())


def test_a_full_queue_refuses_and_stays_healthy(tmp_path: Path) -> None:
    async def live() -> None:
        limits = {"queue_at_most": 4, "queue_wait_ms": 1e6, "lesson_wait_ms": 1e6}
        async with small_engine(tmp_path, **limits) as engine:
            ada = (await engine.create()).id
            await engine.process(ada, images()[0])
            async with held(engine):
                asked = [
                    asyncio.create_task(outcome(engine.process(ada, images()[i])))
                    for i in range(12)
                ]
            results = await asyncio.gather(*asked)
            refusals = [one for one in results if isinstance(one, Overloaded)]
            assert len(refusals) >= 8
            assert len(results) - len(refusals) >= 1
            assert engine.waiting == 0
            assert engine.ready

    asyncio.run(live())


def test_who_waited_too_long_is_told(tmp_path: Path) -> None:
    async def live() -> None:
        async with small_engine(tmp_path, timeout_s=0.1) as engine:
            ada = (await engine.create()).id
            await engine.process(ada, images()[0])
            async with held(engine):
                late = asyncio.create_task(outcome(engine.learn(ada, images()[0], "x")))
                await asyncio.sleep(0.15)
            assert isinstance(await late, TimedOut)
            assert (await engine.brain(ada)).sequence == 0
            assert engine.waiting == 0

    asyncio.run(live())


def test_who_gives_up_leaves_no_trace(tmp_path: Path) -> None:
    async def live() -> None:
        async with small_engine(tmp_path) as engine:
            ada = (await engine.create()).id
            async with held(engine):
                asked = [
                    asyncio.create_task(engine.learn(ada, images()[0], "x")),
                    asyncio.create_task(engine.process(ada, images()[0])),
                    asyncio.create_task(engine.process_many(ada, images()[:9])),
                    asyncio.create_task(engine.snapshot(ada)),
                ]
                await asyncio.sleep(0)
                assert engine.waiting >= 12
                for task in asked:
                    task.cancel()
                await asyncio.gather(*asked, return_exceptions=True)
            assert (await engine.brain(ada)).sequence == 0
            assert (await engine.snapshots(ada)).snapshots == []
            assert engine.waiting == 0

    asyncio.run(live())


# ------------------------------------------------------------------ beginning and end


def test_outside_of_its_block_it_says_so() -> None:
    engine = small_engine()
    assert engine.health() == {"engine": "not running"}
    assert not engine.ready

    async def use() -> None:
        with pytest.raises(NeuralLayersError, match="async with"):
            await engine.create()
        async with engine:
            ada = (await engine.create()).id
        with pytest.raises(NeuralLayersError, match="async with"):
            await engine.process(ada, images()[0])

    asyncio.run(use())


def test_two_engines_do_not_share_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.05)

    async def live() -> None:
        async with small_engine(tmp_path) as engine:
            ada = (await engine.create()).id
            with pytest.raises(JournalError, match="folder"):
                await small_engine(tmp_path).__aenter__()
            assert (await engine.learn(ada, images()[0], "x")).entry == 1

    asyncio.run(live())


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda folder: Engine(folder, models=()), InvalidInput),
        (lambda folder: Engine(folder, models=("hasn-nano-digit",)), UnknownName),
        (lambda folder: small_engine(folder, small_model(), small_model()), InvalidInput),
        (lambda folder: small_engine(folder, queue_at_most=0), InvalidInput),
    ],
)
def test_what_it_cannot_begin_with_is_refused(
    tmp_path: Path, make: Callable[[Path], Engine], error: type[Exception]
) -> None:
    async def begin() -> None:
        with pytest.raises(error):
            await make(tmp_path).__aenter__()
        # The folder is not held by what failed.
        async with small_engine(tmp_path) as engine:
            assert engine.ready

    asyncio.run(begin())


def test_a_stop_finishes_what_was_taken(tmp_path: Path) -> None:
    async def live() -> tuple[str, list[Any]]:
        async with small_engine(tmp_path, brains_in_memory_mib=0) as engine:
            ada = (await engine.create()).id
            async with held(engine):
                asked = [
                    asyncio.create_task(engine.learn(ada, images()[i], "x")) for i in range(20)
                ]
                asked.append(asyncio.create_task(engine.process(ada, images()[0])))
                await asyncio.sleep(0)
                engine.stop_taking()
                refusal = await outcome(engine.process(ada, images()[0]))
                assert isinstance(refusal, Unavailable)
                assert refusal.reason == "stopping"
                assert engine.health()["engine"] == "stopping"
        assert all(task.done() for task in asked)
        return ada, [await task for task in asked]

    async def again(ada: str, thought: Any) -> None:
        async with small_engine(tmp_path) as engine:
            assert (await engine.brain(ada)).sequence == 20
            assert await engine.process(ada, images()[0]) == thought

    ada, results = asyncio.run(live())
    assert [one.entry for one in results[:20]] == list(range(1, 21))
    asyncio.run(again(ada, results[20]))


def test_watchers_end_with_the_engine(tmp_path: Path) -> None:
    async def live() -> None:
        async with small_engine(tmp_path) as engine:
            ada = (await engine.create()).id
            watching = engine.activity.watch(ada)
            watcher = await watching.__aenter__()
            await engine.process(ada, images()[0])
        event = await watcher.next(1.0)
        assert event is not None
        assert event.name == "thought"
        assert await watcher.next(1.0) is None
        await watching.__aexit__(None, None, None)

    asyncio.run(live())


def test_a_temporary_folder_goes_with_the_engine() -> None:
    async def live() -> Path:
        async with small_engine() as engine:
            path = engine._opened.store.database.path
            assert path.exists()
        return path

    assert not asyncio.run(live()).parent.exists()


# ------------------------------------------------------------------ brains


def test_brains_are_born_once_per_key_and_not_too_many(tmp_path: Path) -> None:
    async def live() -> None:
        async with small_engine(tmp_path, brains_at_most=2) as engine:
            one = await engine.create(name="Ada", request_key="k")
            await engine.learn(one.id, images()[0], "x")
            again = await engine.create(name="Ada", request_key="k")
            assert (again.id, again.sequence) == (one.id, 1)
            assert (one.name, one.model, one.labels) == ("Ada", "small", ["a", "b"])
            second = await engine.create()
            assert await engine.brain(second.id) == second
            with pytest.raises(Conflict, match="brains_at_most"):
                await engine.create()
            await engine.delete(one.id)
            with pytest.raises(NotFound):
                await engine.brain(one.id)
            assert (await engine.create()).sequence == 0

    asyncio.run(live())


def test_pages_of_brains_follow_each_other(tmp_path: Path) -> None:
    async def live() -> None:
        async with small_engine(tmp_path) as engine:
            ids = [(await engine.create()).id for _ in range(5)]
            first = await engine.brains(2)
            second = await engine.brains(2, first.next)
            third = await engine.brains(2, second.next)
            assert [one.id for page in (first, second, third) for one in page.brains] == ids
            assert third.next is None
            with pytest.raises(InvalidInput, match="after"):
                await engine.brains(2, "soon")

    asyncio.run(live())


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "  "},
        {"name": "x" * 101},
        {"name": "a\nb"},
        {"seed": -1},
        {"seed": 2**63},
        {"model": "smal"},
    ],
)
def test_a_wrong_birth_is_refused(wrong: dict[str, Any]) -> None:
    async def live() -> None:
        async with small_engine() as engine:
            with pytest.raises(NeuralLayersError, match=r"(?i)name|seed|network"):
                await engine.create(**wrong)
            assert (await engine.brains()).brains == []

    asyncio.run(live())


def test_nothing_to_think_about_gives_no_thoughts() -> None:
    async def live() -> None:
        async with small_engine() as engine:
            assert await engine.process_many((await engine.create()).id, []) == []

    asyncio.run(live())


def test_what_to_forget_is_one_thing() -> None:
    async def live() -> None:
        async with small_engine() as engine:
            ada = (await engine.create()).id
            for what in ({}, {"label": "a", "entries": [1]}):
                with pytest.raises(InvalidInput, match="exactly one"):
                    await engine.forget(ada, **what)

    asyncio.run(live())
