"""Turns of the thread that computes: order, company, bad rows, waking and letting go."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.brain.individuals import bits
from tests.service.engine.company import (
    alone,
    held,
    images,
    in_one_turn,
    life_of,
    outcome,
    recovered,
    small_engine,
)

from neurallayers.brain.thinking import ROWS_AT_ONCE
from neurallayers.errors import InvalidInput
from neurallayers.service.engine import Stimulus
from neurallayers.service.engine import restoring as restoring_module
from neurallayers.service.engine import stepper as stepper_module
from neurallayers.service.engine.answers import thought_out
from neurallayers.service.engine.observing import Observer
from neurallayers.service.engine.work import Chore
from neurallayers.service.failures import NotFound, TimedOut

NAN = [[float("nan")] * 4] * 4


def test_a_brains_work_is_done_in_the_order_of_asking(tmp_path: Path) -> None:
    async def live() -> None:
        async with small_engine(tmp_path) as engine:
            ada = (await engine.create()).id
            got = await in_one_turn(
                engine,
                engine.process(ada, images()[1]),
                engine.learn(ada, images()[0], "new"),
                engine.process(ada, images()[1]),
                engine.brain(ada),
                engine.learn(ada, images()[2], "newer"),
                engine.process_many(ada, images()[:2]),
                engine.snapshot(ada),
                engine.forget(ada, label="new"),
                engine.brain(ada),
                engine.process(ada, images()[1]),
            )
            brain = alone()
            assert got[0] == thought_out(brain.process(images()[1]))
            brain.learn(images()[0], "new")
            assert got[2] == thought_out(brain.process(images()[1]))
            assert (got[3].sequence, got[3].labels) == (1, ["a", "b", "new"])
            brain.learn(images()[2], "newer")
            assert got[5] == [thought_out(brain.process(one)) for one in images()[:2]]
            assert got[6].sequence == 2
            brain.forget_class("new")
            assert (got[7].sequence, got[7].labels) == (3, ["a", "b", "newer"])
            assert got[8] == got[7]
            assert got[9] == thought_out(brain.process(images()[1]))
            assert bits(await life_of(engine, ada)) == bits(brain.life)

    asyncio.run(live())


BAD_STIMULI = {
    "shape": [[0.5] * 3] * 4,
    "NaN": NAN,
    "no numbers": "dog",
    "no array": object(),
    "too large a number": Stimulus([[10**400] * 4] * 4, maximum=2.0),
    "text like numbers": [["0.5"] * 4] * 4,
    # As many as fill the same tile of sixteen rows: nobody else may get their answers.
    "several in one": [images()[5], images()[6], images()[7]],
    "channels": Stimulus(np.full((9, 9, 2), 0.5), fit=True),
}


@pytest.mark.parametrize("stimulus", BAD_STIMULI.values(), ids=list(BAD_STIMULI))
def test_a_bad_stimulus_fails_alone(stimulus: Any) -> None:
    async def live() -> None:
        async with small_engine() as engine:
            ids = [(await engine.create(seed=seed)).id for seed in range(6)]
            asked = []
            for i, one in enumerate(ids):
                asked.append(engine.process(one, stimulus if i == 2 else images()[i]))
                asked.append(engine.learn(one, stimulus if i == 3 else images()[i], f"n{i}"))
                asked.append(engine.process(one, images()[i + 10], stateful=True))
                many = [images()[i], stimulus if i == 4 else images()[0]]
                asked.append(engine.process_many(one, many))
            got = await in_one_turn(engine, *asked)
            for i in range(6):
                brain = alone(seed=i)
                first, lesson, live, many = got[4 * i : 4 * i + 4]
                assert isinstance(first, InvalidInput) == (i == 2)
                assert isinstance(lesson, InvalidInput) == (i == 3)
                assert isinstance(many, InvalidInput) == (i == 4)
                if i != 2:
                    assert first == thought_out(brain.process(images()[i]))
                if i != 3:
                    assert lesson.change == brain.learn(images()[i], f"n{i}").change
                thought = brain.process(images()[i + 10], stateful=True)
                assert live == thought_out(thought, brain.sequence)
                if i != 4:
                    expected = brain.process_batch([images()[i], images()[0]])
                    assert many == [thought_out(one) for one in expected]
                assert bits(await life_of(engine, ids[i])) == bits(brain.life)
            assert engine.waiting == 0

    asyncio.run(live())


def test_other_bad_entries_fail_alone_as_well() -> None:
    async def live() -> None:
        async with small_engine() as engine:
            ids = [(await engine.create()).id for _ in range(3)]
            for label in "ab":
                await engine.forget(ids[0], label=label)
            got = await in_one_turn(
                engine,
                engine.learn(ids[0], images()[0], reward=1.0),
                engine.forget(ids[1], label="unknown"),
                engine.learn(ids[2], images()[0], reward=0.5),
                engine.learn("f" * 32, images()[0], "x"),
                engine.learn(ids[1], images()[0], "x"),
            )
            assert isinstance(got[0], InvalidInput)
            assert isinstance(got[1], InvalidInput)
            brain = alone()
            assert got[2].change == brain.learn(images()[0], reward=0.5).change
            assert isinstance(got[3], NotFound)
            assert got[4].entry == 1
            for wrong in ({}, {"target": "x", "reward": 1.0}, {"reward": 1e9}, {"target": " "}):
                with pytest.raises(InvalidInput):
                    await engine.learn(ids[2], images()[0], **wrong)
            assert (await engine.brain(ids[2])).sequence == 1

    asyncio.run(live())


def test_a_batch_holds_no_more_than_is_computed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    class Sizes(Observer):
        def batch(self, rows: int) -> None:
            sizes.append(rows)

    async def live() -> None:
        engine = small_engine()
        monkeypatch.setattr(engine, "_observer", Sizes())
        async with engine:
            ids = [(await engine.create()).id for _ in range(5)]
            count = ROWS_AT_ONCE // 2 + 1
            shown = [images()[i % 40] for i in range(count)]
            got = await in_one_turn(engine, *(engine.process_many(one, shown) for one in ids))
            assert sizes == [count] * 5
            single = await engine.process_many(ids[0], shown[:40])
            assert all(many[:40] == single for many in got)

    asyncio.run(live())


# ------------------------------------------------------------------ waking and letting go


def test_many_wake_at_once_and_come_back_as_they_were(tmp_path: Path) -> None:
    async def first() -> list[str]:
        # Snapshots never come due, so that all of it is lived through again.
        async with small_engine(tmp_path, snapshot_every=10**6) as engine:
            engine._opened.stepper.rest = lambda: None  # type: ignore[method-assign]
            ids = [(await engine.create(seed=seed)).id for seed in range(80)]
            asked = [
                engine.learn(one, images()[(i + lesson) % 40], f"class {lesson % 3}")
                for lesson in range(4)
                for i, one in enumerate(ids)
            ]
            await asyncio.gather(*asked)
        return ids

    async def second(ids: list[str]) -> None:
        async with small_engine(tmp_path) as engine:
            assert len(engine._opened.stepper.pool) == 0
            thoughts = await asyncio.gather(*(engine.process(one, images()[7]) for one in ids))
            for i, one in enumerate(ids):
                brain = alone(seed=i)
                for lesson in range(4):
                    brain.learn(images()[(i + lesson) % 40], f"class {lesson % 3}")
                assert thoughts[i] == thought_out(brain.process(images()[7]))
                if i % 8 == 0:
                    assert bits(await life_of(engine, one)) == bits(brain.life)

    asyncio.run(second(asyncio.run(first())))


def test_work_waits_in_order_while_a_brain_wakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def live() -> None:
        async with small_engine(tmp_path, brains_in_memory_mib=0, snapshot_every=50) as engine:
            ada, eve = (await engine.create()).id, (await engine.create()).id
            for number in range(12):
                await engine.learn(ada, images()[number], "x")
            await engine.brains()
            assert len(engine._opened.stepper.pool) == 0
            # One entry a turn: others are served in between.
            monkeypatch.setattr(stepper_module, "WAKING_S", 1e-9)
            got = await asyncio.gather(
                engine.learn(ada, images()[0], "y"),
                engine.process(ada, images()[1]),
                engine.learn(ada, images()[2], "z"),
                engine.brain(ada),
                engine.process(eve, images()[1]),
            )
            assert [got[0].entry, got[2].entry, got[3].sequence] == [13, 14, 14]
            assert "y" in got[1].scores
            assert "z" not in got[1].scores
            assert got[3].labels[-2:] == ["y", "z"]

    asyncio.run(live())


def test_who_waits_for_a_waking_brain_is_not_held_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def live() -> None:
        async with small_engine(tmp_path, timeout_s=0.2) as engine:
            ada, eve = (await engine.create()).id, (await engine.create()).id
            await engine.learn(ada, images()[0], "x")
            engine._opened.stepper.pool.drop(ada)
            # It takes for ever to wake.
            monkeypatch.setattr(
                restoring_module.Restoring, "advance", lambda *_: asyncio.run(asyncio.sleep(0.01))
            )
            late = asyncio.create_task(outcome(engine.learn(ada, images()[0], "y")))
            gone = asyncio.create_task(engine.process(ada, images()[0]))
            await asyncio.sleep(0.05)
            gone.cancel()
            assert isinstance(await late, TimedOut)
            await asyncio.gather(gone, return_exceptions=True)
            monkeypatch.undo()
            assert (await engine.brain(ada)).sequence == 1
            assert (await engine.brain(eve)).sequence == 0
            assert engine.waiting == 0

    asyncio.run(live())


def test_snapshots_are_kept_as_brains_live_on(tmp_path: Path) -> None:
    async def live() -> None:
        async with small_engine(tmp_path, snapshot_every=4) as engine:
            ada = (await engine.create()).id
            query = engine._opened.store.database.query
            asked = "SELECT sequence FROM snapshots ORDER BY sequence"
            for number in range(10):
                await engine.learn(ada, images()[number], "x")
            await engine.brain(ada)
            assert await engine._submit(Chore, do=lambda: query(asked)) == [(4,), (8,)]
        async with small_engine(tmp_path) as engine:
            query = engine._opened.store.database.query
            # The end of a good day; older ones went.
            assert await engine._submit(Chore, do=lambda: query(asked)) == [(8,), (10,)]

    asyncio.run(live())


# ------------------------------------------------------------------ our own mistakes


def test_a_turn_that_breaks_leaves_nobody_waiting(tmp_path: Path) -> None:
    class Broken(Observer):
        broken = False

        def batch(self, rows: int) -> None:
            if self.broken:
                raise RuntimeError("a mistake of ours")

        def commit(self, seconds: float) -> None:
            self.batch(1)

    async def live() -> None:
        observer = Broken()
        engine = small_engine(tmp_path)
        engine._observer = observer
        async with engine:
            ada, eve = (await engine.create()).id, (await engine.create()).id
            await engine.learn(ada, images()[0], "x")
            await engine.process(eve, images()[0])
            observer.broken = True
            async with asyncio.timeout(5):
                got = await in_one_turn(
                    engine,
                    engine.process(eve, images()[0]),
                    engine.learn(ada, images()[1], "y"),
                    engine.process(ada, images()[1]),
                    engine.brain(eve),
                )
                assert any(isinstance(one, RuntimeError) for one in got)
                observer.broken = False
                await recovered(engine)
                # What was stored counts, whatever became of the answer.
                for _ in range(2):
                    await outcome(engine.learn(ada, images()[2], "z"))
            assert engine.waiting == 0
            brain = alone()
            for entry in (await engine.entries(ada)).entries:
                target = entry.content["target"]
                brain.learn(images()["xyz".index(target)], target)
            assert bits(await life_of(engine, ada)) == bits(brain.life)

    asyncio.run(live())


def test_a_mistake_in_an_errand_is_that_errands(tmp_path: Path) -> None:
    def stumble() -> None:
        raise RuntimeError("a mistake of ours")

    async def live() -> None:
        async with small_engine(tmp_path) as engine:
            ada = (await engine.create()).id
            async with held(engine):
                failing = asyncio.create_task(outcome(engine._submit(Chore, do=stumble)))
                thinking = asyncio.create_task(engine.process(ada, images()[0]))
            assert isinstance(await failing, RuntimeError)
            assert (await thinking).label in ("a", "b")
            assert engine.ready

    asyncio.run(live())
