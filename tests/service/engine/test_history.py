"""The past as one asks an engine for it; how it is kept is tested with the errands."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.service.engine.company import images, key, small_engine

from neurallayers.errors import InvalidInput
from neurallayers.service.failures import NotFound


def test_the_past_of_a_brain(tmp_path: Path) -> None:
    async def live() -> None:
        async with small_engine(tmp_path) as engine:
            ada = (await engine.create()).id
            kept = await engine.snapshot(ada, "newborn", request_key="k")
            assert await engine.snapshot(ada, "newborn", request_key="k") == kept
            await engine.learn(ada, images()[0], "x")
            await engine.sleep(ada, 1)
            entries = (await engine.entries(ada)).entries
            assert [(one.sequence, one.kind) for one in entries] == [(1, "lesson"), (2, "sleep")]
            assert entries[1].content == {"cycles": 1}
            assert [one.id for one in (await engine.snapshots(ada)).snapshots] == [kept.id]
            back = await engine.restore(ada, kept.id, request=key("r"))
            assert (back.sequence, back.labels) == (3, ["a", "b"])
            assert await engine.restore(ada, kept.id, request=key("r")) == back
            assert (await engine.memories(ada)).episodes == []

    asyncio.run(live())


def test_the_last_thought_is_there_with_its_spikes() -> None:
    async def live() -> None:
        async with small_engine() as engine:
            ada = (await engine.create()).id
            for asked in (engine.thought, engine.raster):
                with pytest.raises(NotFound):
                    await asked(ada)
            told = await engine.process(ada, images()[0])
            assert (await engine.thought(ada)).label == told.label
            raster = await engine.raster(ada)
            assert sum(map(len, raster.spikes.values())) == told.vitals.spikes

    asyncio.run(live())


def test_what_is_asked_wrongly_is_refused() -> None:
    async def live() -> None:
        async with small_engine() as engine:
            ada = (await engine.create()).id
            with pytest.raises(InvalidInput, match="name"):
                await engine.snapshot(ada, "")
            with pytest.raises(InvalidInput, match="after"):
                await engine.snapshots(ada, 5, "soon")
            with pytest.raises(NotFound):
                await engine.restore(ada, "0" * 32)
            for asked in (engine.entries, engine.snapshots, engine.snapshot):
                with pytest.raises(NotFound):
                    await asked("0" * 32)

    asyncio.run(live())
