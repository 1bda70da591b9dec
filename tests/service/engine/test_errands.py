"""Moments to return to, forgetting, history and the end of a brain."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.brain.individuals import bits
from tests.service.engine.company import (
    Disk,
    alone,
    images,
    in_one_turn,
    key,
    life_of,
    outcome,
    recovered,
    refused,
    small_engine,
)

from neurallayers.errors import InvalidInput
from neurallayers.service.engine import Engine
from neurallayers.service.engine.work import Chore
from neurallayers.service.failures import KeyReused, NotFound

LABELS = ["x", "y", "x", "z", "y"]


async def taught(engine: Engine, lessons: int = 5) -> str:
    """A brain that had lessons 1 to 5."""
    ada = (await engine.create()).id
    for number in range(lessons):
        await engine.learn(ada, images()[number], LABELS[number])
    return ada


def lived(lessons: list[int]) -> Any:
    """The life that these lessons alone would have made, without its numbers."""
    brain = alone()
    for number in lessons:
        brain.learn(images()[number - 1], LABELS[number - 1])
    return bits(brain.life)["state"]


# ------------------------------------------------------------------ moments


def test_a_brain_returns_to_a_moment_and_the_way_is_kept(tmp_path: Path) -> None:
    async def first() -> str:
        async with small_engine(tmp_path) as engine:
            ada = await taught(engine, 2)
            kept = await engine.snapshot(ada, "two")
            assert (kept.name, kept.sequence) == ("two", 2)
            for number in (2, 3):
                await engine.learn(ada, images()[number], LABELS[number])
            back = await engine.restore(ada, kept.id)
            assert (back.sequence, back.labels) == (5, ["a", "b", "x", "y"])
            assert bits((await life_of(engine, ada)).state) == lived([1, 2])
            assert (await engine.learn(ada, images()[4], LABELS[4])).entry == 6
            assert bits((await life_of(engine, ada)).state) == lived([1, 2, 5])
            kinds = [one.kind for one in (await engine.entries(ada)).entries]
            assert kinds == ["lesson"] * 4 + ["rollback", "lesson"]
        return ada

    async def second(ada: str) -> None:
        async with small_engine(tmp_path) as engine:
            assert bits((await life_of(engine, ada)).state) == lived([1, 2, 5])

    asyncio.run(second(asyncio.run(first())))


@pytest.mark.parametrize("forgotten", [[1], [2], [3], [1, 2, 3], [5]])
def test_a_moment_is_returned_to_without_what_was_forgotten_since(
    tmp_path: Path, forgotten: list[int]
) -> None:
    async def live() -> None:
        async with small_engine(tmp_path, snapshot_every=2) as engine:
            ada = await taught(engine, 3)
            kept = await engine.snapshot(ada)
            for number in (3, 4):
                await engine.learn(ada, images()[number], LABELS[number])
            await engine.forget(ada, entries=forgotten)
            left = [number for number in range(1, 6) if number not in forgotten]
            assert bits((await life_of(engine, ada)).state) == lived(left)
            await engine.restore(ada, kept.id)
            early = [number for number in left if number <= 3]
            assert bits((await life_of(engine, ada)).state) == lived(early)
            await engine.forget(ada, entries=early[:1] or [4 if 4 in left else 5])
            assert bits((await life_of(engine, ada)).state) == lived(early[1:])
            ada_again = bits(await life_of(engine, ada))
        async with small_engine(tmp_path) as engine:
            assert bits(await life_of(engine, ada)) == ada_again

    asyncio.run(live())


def test_a_moment_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    async def live() -> None:
        async with small_engine(tmp_path) as engine:
            ada, eve = await taught(engine, 1), (await engine.create()).id
            kept = await engine.snapshot(ada)
            with pytest.raises(NotFound, match="snapshot"):
                await engine.restore(ada, "0" * 32)
            with pytest.raises(NotFound, match="snapshot"):
                await engine.restore(eve, kept.id)
            with pytest.raises(NotFound, match="brain"):
                await engine.restore("0" * 32, kept.id)

    asyncio.run(live())


def test_moments_are_listed_the_latest_first(tmp_path: Path) -> None:
    async def live() -> None:
        async with small_engine(tmp_path, snapshot_every=1) as engine:
            ada = await taught(engine, 3)
            kept = [await engine.snapshot(ada, f"moment {i}") for i in range(5)]
            first = await engine.snapshots(ada, 3)
            second = await engine.snapshots(ada, 3, first.next)
            assert first.snapshots + second.snapshots == kept[::-1]
            assert second.next is None
            with pytest.raises(NotFound):
                await engine.snapshots("0" * 32)
            with pytest.raises(InvalidInput):
                await engine.snapshot(ada, "\x00")

    asyncio.run(live())


def test_the_same_request_keeps_or_returns_once(tmp_path: Path) -> None:
    async def live() -> None:
        async with small_engine(tmp_path) as engine:
            ada = await taught(engine, 1)
            kept = [await engine.snapshot(ada, request_key="k") for _ in range(2)]
            assert kept[0] == kept[1]
            await engine.learn(ada, images()[1], LABELS[1])
            asked = key("back")
            for _ in range(2):
                back = await engine.restore(ada, kept[0].id, request=asked)
                assert back.sequence == 3
            await engine.learn(ada, images()[1], LABELS[1])
            assert (await engine.restore(ada, kept[0].id, request=asked)).sequence == 4
            with pytest.raises(KeyReused):
                await engine.restore(ada, kept[0].id, request=key("back", "another"))

    asyncio.run(live())


# ------------------------------------------------------------------ forgetting


def test_what_is_forgotten_never_was(tmp_path: Path) -> None:
    async def live() -> None:
        async with small_engine(tmp_path, snapshot_every=2) as engine:
            ada = await taught(engine)
            got = await in_one_turn(
                engine,
                engine.forget(ada, entries=[4, 2, 4]),
                engine.brain(ada),
                engine.learn(ada, images()[3], LABELS[3]),
            )
            assert (got[0].sequence, got[0].labels) == (5, ["a", "b", "x", "y"])
            assert got[1] == got[0]
            assert got[2].entry == 6
            assert bits((await life_of(engine, ada)).state) == lived([1, 3, 5, 4])
            left = [one.sequence for one in (await engine.entries(ada)).entries]
            assert left == [1, 3, 5, 6]

    asyncio.run(live())


@pytest.mark.parametrize("wrong", [[0], [6], [-1], [2**70], [-(2**70)], [1, 99], [2], [5]])
def test_what_cannot_be_forgotten_changes_nothing(tmp_path: Path, wrong: list[int]) -> None:
    async def live() -> None:
        async with small_engine(tmp_path) as engine:
            ada = await taught(engine, 3)
            await engine.forget(ada, entries=[2])
            kept = await engine.snapshot(ada)
            await engine.learn(ada, images()[3], LABELS[3])
            await engine.restore(ada, kept.id)
            before = bits(await life_of(engine, ada))
            with pytest.raises(InvalidInput, match="no lesson or stimulus"):
                await engine.forget(ada, entries=wrong)
            assert bits(await life_of(engine, ada)) == before
            assert len((await engine.entries(ada)).entries) == 4

    asyncio.run(live())


@pytest.mark.parametrize("at", ["BEGIN", "UPDATE entries", "COMMIT"])
def test_forgetting_and_returning_fail_whole_when_the_disk_does(
    tmp_path: Path, disk: Disk, at: str
) -> None:
    async def live() -> None:
        async with small_engine(tmp_path) as engine:
            ada = await taught(engine, 3)
            kept = await engine.snapshot(ada)
            await engine.learn(ada, images()[3], LABELS[3])
            before = bits(await life_of(engine, ada))
            disk.fail(at)
            assert refused(await outcome(engine.forget(ada, entries=[2])))
            disk.heal()
            await recovered(engine)
            assert bits(await life_of(engine, ada)) == before
            disk.fail("BEGIN" if at == "BEGIN" else "COMMIT")
            assert refused(await outcome(engine.restore(ada, kept.id)))
            disk.heal()
            await recovered(engine)
            assert bits(await life_of(engine, ada)) == before
            assert len((await engine.entries(ada)).entries) == 4
            await engine.forget(ada, entries=[2])
            await engine.restore(ada, kept.id)
            assert bits((await life_of(engine, ada)).state) == lived([1, 3])
            assert engine.waiting == 0

    asyncio.run(live())


# ------------------------------------------------------------------ looking


def test_history_comes_in_pages(tmp_path: Path) -> None:
    async def live() -> None:
        async with small_engine(tmp_path) as engine:
            ada = await taught(engine)
            await engine.forget(ada, entries=[2])
            await engine.learn(ada, images()[0], reward=-0.5)
            first = await engine.entries(ada, 3)
            second = await engine.entries(ada, 3, first.next or 0)
            assert [one.sequence for one in first.entries + second.entries] == [1, 3, 4, 5, 6]
            assert (first.next, second.next) == (4, None)
            assert second.entries[-1].kind == "reward"
            assert second.entries[-1].content == {"reward": -0.5}
            assert (await engine.entries(ada, 3, 10**9)).entries == []
            with pytest.raises(NotFound):
                await engine.entries("0" * 32)

    asyncio.run(live())


def test_the_last_thought_is_there_until_it_sleeps(tmp_path: Path) -> None:
    async def live() -> None:
        async with small_engine(tmp_path) as engine:
            ada = (await engine.create()).id
            with pytest.raises(NotFound, match="has not thought"):
                await engine.raster(ada)
            thought = await engine.process(ada, images()[0])
            raster = await engine.raster(ada)
            assert raster.label == thought.label
            assert sum(map(len, raster.spikes.values())) == thought.vitals.spikes
            many = await engine.process_many(ada, images()[1:4])
            assert sum(map(len, (await engine.raster(ada)).spikes.values())) == (
                many[-1].vitals.spikes
            )
            lesson = await engine.learn(ada, images()[5], "x")
            assert (await engine.thought(ada)).scores == lesson.thought.scores

    asyncio.run(live())


# ------------------------------------------------------------------ the end


def test_a_brain_goes_with_all_that_is_kept_of_it(tmp_path: Path) -> None:
    async def live() -> None:
        async with small_engine(tmp_path, snapshot_every=1) as engine:
            ada, eve = await taught(engine, 3), await taught(engine, 2)
            await engine.snapshot(ada)
            await engine.learn(ada, images()[0], "x", request=key("k"))
            async with engine.activity.watch(ada) as watcher:
                got = await in_one_turn(
                    engine,
                    engine.learn(ada, images()[0], "x"),
                    engine.delete(ada),
                    engine.process(ada, images()[0]),
                    engine.delete(ada),
                    engine.process(eve, images()[0]),
                )
                assert got[0].entry == 5
                assert got[1] is None
                assert isinstance(got[2], NotFound)
                assert isinstance(got[3], NotFound)
                assert got[4].label is not None
                names = []
                while (event := await watcher.next(2.0)) is not None:
                    names.append(event.name)
                assert names == ["lesson", "deleted"]
            query = engine._opened.store.database.query
            for table in ("entries", "answers", "snapshots"):
                asked = f"SELECT count(DISTINCT brain) FROM {table}"
                found = await engine._submit(Chore, do=lambda asked=asked: query(asked))
                assert found[0][0] == (0 if table == "answers" else 1)
            assert (await engine.brain(eve)).sequence == 2

    asyncio.run(live())


def test_those_who_watch_hear_of_changes(tmp_path: Path) -> None:
    async def live() -> None:
        async with small_engine(tmp_path) as engine:
            ada = await taught(engine, 2)
            kept = await engine.snapshot(ada)
            async with engine.activity.watch(ada) as watcher:
                await engine.forget(ada, entries=[2])
                await engine.restore(ada, kept.id)
                for name, sequence in (("forgotten", 2), ("restored", 3)):
                    event = await watcher.next(2.0)
                    assert event is not None
                    told = {"sequence": sequence, "labels": ["a", "b", "x"]}
                    assert (event.name, json.loads(event.data)) == (name, told)

    asyncio.run(live())
