"""What an engine tells whoever measures it."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path
from typing import Any

from tests.service.engine.company import (
    Disk,
    images,
    in_one_turn,
    key,
    outcome,
    recovered,
    small_model,
)

from neurallayers.service.engine import Engine, Limits
from neurallayers.service.engine.observing import Observer


class Noting(Observer):
    """An observer that keeps all it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, tuple[Any, ...]]] = []

    def __getattribute__(self, name: str) -> Any:
        if name in vars(Observer) and not name.startswith("_"):
            return lambda *what: self.told.append((name, what))
        return super().__getattribute__(name)

    def all(self, name: str) -> list[tuple[Any, ...]]:
        return [what for one, what in self.told if one == name]

    def total(self, name: str) -> int:
        return int(sum(what[0] for what in self.all(name)))


def test_an_observer_need_not_look() -> None:
    nobody = Observer()
    for name, method in inspect.getmembers(Observer, inspect.isfunction):
        arguments = [1] * (len(inspect.signature(method).parameters) - 1)
        assert getattr(nobody, name)(*arguments) is None
    assert vars(nobody) == {}


def test_an_engine_tells_what_it_does(tmp_path: Path, disk: Disk) -> None:
    noting = Noting()

    async def live() -> None:
        limits = Limits(snapshot_every=2)
        engine = Engine(tmp_path, models=(small_model(),), observer=noting, limits=limits)
        async with engine:
            ada = (await engine.create()).id
            thought = await engine.process(ada, images()[0])
            (_, count, spikes, rates), *_ = noting.all("thoughts")
            assert count == 1
            assert sum(spikes.values()) == thought.vitals.spikes
            assert rates == thought.vitals.rates_hz

            again = key("k")
            lessons = [engine.learn(ada, images()[i], "x", request=again) for i in (1, 1)]
            await in_one_turn(engine, *lessons, engine.process_many(ada, images()[:5]))
            # The same request again is no lesson.
            assert noting.total("lessons") == 1
            assert noting.total("batch") == 1 + 1 + 5
            await engine.learn(ada, images()[2], "x")
            assert len(noting.all("commit")) == 2
            await engine.brain(ada)
            assert len(noting.all("snapshot")) == 1

            disk.fail()
            await outcome(engine.learn(ada, images()[2], "x"))
            assert len(noting.all("commit_failed")) == 1
            disk.heal()
            await recovered(engine)
            await engine.forget(ada, entries=[1])
            assert noting.total("replayed") >= 1
            brains, size = noting.all("memory")[-1]
            assert brains == 1
            assert size > 0
            assert noting.total("lessons") == 2

    asyncio.run(live())
