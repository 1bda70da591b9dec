"""Waking brains: what cannot be woken disturbs nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.brain.individuals import bits
from tests.service.engine.company import (
    alone,
    images,
    life_of,
    outcome,
    small_engine,
    small_model,
)

from neurallayers.brain.entry import Entry
from neurallayers.service.engine import Engine
from neurallayers.service.engine.restoring import Restoring
from neurallayers.service.engine.work import Chore
from neurallayers.service.failures import NotFound, Unavailable
from neurallayers.service.store import Store
from neurallayers.service.store.store import Group


async def change(engine: Engine, statement: str) -> None:
    """Change the database under the engine's feet, and let all brains go."""

    def do() -> None:
        with engine._opened.store.database.transaction() as connection:
            connection.execute(statement)
        for one in engine._opened.stepper.pool:
            engine._opened.stepper.pool.drop(one.record.id)

    await engine._submit(Chore, do=do)


def test_a_brain_whose_network_is_not_served_waits_for_it(tmp_path: Path) -> None:
    other = small_model("other", seed=2)

    async def first() -> tuple[str, str]:
        async with small_engine(tmp_path, small_model(), other) as engine:
            ada, eve = (await engine.create()).id, (await engine.create("other")).id
            await engine.learn(eve, images()[0], "x")
        return ada, eve

    async def second(ada: str, eve: str) -> None:
        async with small_engine(tmp_path, small_model()) as engine:
            refusal, thought = await asyncio.gather(
                outcome(engine.process(eve, images()[0])), engine.process(ada, images()[0])
            )
            assert isinstance(refusal, Unavailable)
            assert refusal.reason == "model"
            assert "'other'" in refusal.problem
            assert thought.label in ("a", "b")
            # It is listed, and can be looked at and deleted.
            assert [one.id for one in (await engine.brains()).brains] == [ada, eve]
            assert len((await engine.entries(eve)).entries) == 1
            assert engine.ready
        async with small_engine(tmp_path, other) as engine:
            assert (await engine.brain(eve)).labels == ["a", "b", "x"]
            await engine.delete(ada)

    asyncio.run(second(*asyncio.run(first())))


def test_a_damaged_snapshot_only_costs_time(tmp_path: Path) -> None:
    async def live() -> None:
        async with small_engine(tmp_path, snapshot_every=2) as engine:
            ada = (await engine.create()).id
            for number in range(5):
                await engine.learn(ada, images()[number], "x")
            await engine.brain(ada)
            before = bits(await life_of(engine, ada))
            for damage in (
                "UPDATE snapshots SET data = x'00' WHERE sequence = 4",
                "UPDATE snapshots SET digest = zeroblob(32)",
                "DELETE FROM snapshots",
            ):
                await change(engine, damage)
                assert bits(await life_of(engine, ada)) == before

    asyncio.run(live())


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE entries SET payload = x'00' WHERE brain = 1",
        "UPDATE entries SET digest = zeroblob(32) WHERE brain = 1",
        "DELETE FROM entries WHERE brain = 1 AND sequence = 1",
    ],
)
def test_a_damaged_journal_is_that_brains_alone(tmp_path: Path, damage: str) -> None:
    async def live() -> None:
        async with small_engine(tmp_path) as engine:
            ids = [(await engine.create()).id for _ in range(4)]
            for one in ids:
                await engine.learn(one, images()[0], "x")
                await engine.learn(one, images()[1], "y")
            await change(engine, damage)
            await change(engine, "DELETE FROM snapshots")
            got = await asyncio.gather(*(outcome(engine.brain(one)) for one in ids))
            assert isinstance(got[0], Unavailable)
            assert [one.sequence for one in got[1:]] == [2, 2, 2]
            assert (await engine.learn(ids[1], images()[2], "z")).entry == 3
            assert engine.waiting == 0

    asyncio.run(live())


@pytest.mark.parametrize(
    "poison",
    [
        Entry(1, "lesson", {"target": "x"}, {}),
        Entry(1, "lesson", {}, {"stimulus": torch.zeros(4, 4, 1)}),
        Entry(1, "lesson", {"target": "x"}, {"stimulus": torch.zeros(9, 9, 1)}),
        Entry(1, "dream", {}, {}),
        Entry(1, "rollback", {}, {}),
    ],
    ids=["no stimulus", "no target", "shape", "kind", "rollback to nowhere"],
)
def test_an_entry_that_nobody_can_live_through_is_that_brains_alone(
    tmp_path: Path, poison: Entry
) -> None:
    async def born() -> list[str]:
        async with small_engine(tmp_path) as engine:
            return [(await engine.create()).id for _ in range(4)]

    ids = asyncio.run(born())
    store = Store(tmp_path)
    whole = Entry(1, "lesson", {"target": "x"}, {"stimulus": torch.full((4, 4, 1), 0.5)})
    for one in ids:
        store.append([Group(store.journal(one), [poison if one == ids[1] else whole])])
    store.close()

    async def live() -> None:
        async with small_engine(tmp_path) as engine, asyncio.timeout(10):
            got = await asyncio.gather(*(outcome(engine.brain(one)) for one in ids))
            assert isinstance(got[1], Exception)
            assert [one.labels for i, one in enumerate(got) if i != 1] == [["a", "b", "x"]] * 3
            brain = alone()
            brain.learn([[0.5] * 4] * 4, "x")
            assert bits(await life_of(engine, ids[2])) == bits(brain.life)
            # It goes on being refused, and being no trouble.
            assert isinstance(await outcome(engine.process(ids[1], images()[0])), Exception)
            assert (await engine.learn(ids[0], images()[0], "y")).entry == 2
            assert engine.waiting == 0
            assert engine.ready
            await engine.delete(ids[1])

    asyncio.run(live())


def test_who_does_not_exist_is_not_found(tmp_path: Path) -> None:
    store = Store(tmp_path)
    restoring = Restoring(store, {}, lambda _: None)
    results: list[object] = []
    restoring.start("0" * 32, results.append)
    assert isinstance(results[0], NotFound)
    assert len(restoring) == 0
    assert "0" * 32 not in restoring
    store.close()


def test_waking_goes_in_slices(tmp_path: Path) -> None:
    async def live() -> str:
        async with small_engine(tmp_path, snapshot_every=10**6) as engine:
            engine._opened.stepper.rest = lambda: None  # type: ignore[method-assign]
            ada = (await engine.create()).id
            for number in range(6):
                await engine.learn(ada, images()[number], "x")
        return ada

    ada = asyncio.run(live())
    store = Store(tmp_path)
    seen: list[int] = []
    model = small_model()
    restoring = Restoring(store, {model.fingerprint: model}, seen.append)
    woken: list[object] = []
    done: Callable[[object], None] = woken.append
    restoring.start(ada, done, upto=4)
    slices = 0
    while len(restoring):
        assert not woken
        restoring.advance(1e-9)
        slices += 1
    assert slices == 5
    assert sum(seen) == 4
    (resident,) = woken
    assert resident.life.sequence == 4  # type: ignore[attr-defined]
    assert resident.record.position == 6  # type: ignore[attr-defined]
    restoring.advance(1.0)
    store.close()
