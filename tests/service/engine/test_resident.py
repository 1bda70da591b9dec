"""Brains that are awake: what they take, and who goes first when there is no room."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.service.engine.company import (
    alone,
    images,
    life_of,
    resident_of,
    small_engine,
    small_model,
)

from neurallayers.brain import Life
from neurallayers.service.engine.resident import OVERHEAD_BYTES, Pool, Resident
from neurallayers.service.store import BrainRecord
from neurallayers.state import tensors


def resident(name: str, snapshot_at: int = -1) -> Resident:
    record = BrainRecord(name, name, "small", "", "", 0, 1)
    return Resident(record, small_model(), None, alone().life, snapshot_at)  # type: ignore[arg-type]


def lived(lessons: int) -> Life:
    brain = alone()
    for number in range(lessons):
        brain.learn(images()[number], f"class {number}")
    return brain.life


def test_a_brain_takes_what_its_tensors_take() -> None:
    one = resident("ada")
    states = sum(tensor.nbytes for tensor in tensors(one.life.state))
    assert one.bytes == OVERHEAD_BYTES + states
    before = one.bytes
    one.life = lived(3)
    assert one.bytes > before
    assert len(one.lasting) < len(tensors(one.life.state))


def test_a_pool_counts_what_is_in_it() -> None:
    pool, ada, eve = Pool(10**9), resident("ada"), resident("eve")
    pool.put(ada)
    pool.put(eve)
    assert pool.bytes == ada.bytes + eve.bytes
    pool.live_on(ada, lived(4))
    assert pool.bytes == ada.bytes + eve.bytes
    # The same brain again takes the place of itself.
    again = resident("ada")
    pool.put(again)
    assert pool.get("ada") is again
    assert pool.bytes == again.bytes + eve.bytes
    assert pool.drop("ada") is again
    assert pool.drop("ada") is None
    assert (len(pool), pool.bytes) == (1, eve.bytes)
    assert list(pool) == [eve]


def test_who_was_used_longest_ago_goes_first() -> None:
    brains = [resident(name) for name in "abcd"]
    pool = Pool(2 * brains[0].bytes)
    for one in brains:
        pool.put(one)
    pool.get("a")
    assert [one.record.id for one in pool.surplus(())] == ["b", "c"]
    assert [one.record.id for one in pool.surplus({"b", "c"})] == ["d", "a"]
    assert pool.surplus({"a", "b", "c", "d"}) == []
    pool.bytes_at_most = 10**9
    assert pool.surplus(()) == []


def test_who_lived_since_its_snapshot_is_dirty() -> None:
    one = resident("ada")
    assert not one.dirty
    one.life = lived(2)
    assert one.dirty
    one.snapshot_at = 2
    assert not one.dirty


def test_the_pool_of_an_engine_stays_within_its_bound(tmp_path: Path) -> None:
    async def live() -> None:
        async with small_engine(tmp_path) as engine:
            pool = engine._opened.stepper.pool
            ids = [(await engine.create()).id for _ in range(12)]
            # A new-born shares its memories with all others; who lived has its own.
            await engine.learn(ids[0], images()[0], "x")
            size = (await resident_of(engine, ids[0])).bytes
            pool.bytes_at_most = 5 * size
            for one in [*ids[1:], *ids]:
                await engine.learn(one, images()[0], "x")
                await engine.process(one, images()[1])
            await engine.brains()
            assert len(pool) in (3, 4, 5)
            assert pool.bytes == sum(one.bytes for one in pool) <= pool.bytes_at_most
            assert all([(await life_of(engine, one)).sequence == 2 for one in ids])

    asyncio.run(live())
