"""Many brains in one engine, asked all at once, live as each would alone: to the bit."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
from tests.brain.individuals import bits
from tests.service.engine.company import (
    alone,
    images,
    in_one_turn,
    life_of,
    outcome,
    small_engine,
    small_model,
)

from neurallayers.brain import Brain
from neurallayers.errors import InvalidInput
from neurallayers.service.engine import Engine
from neurallayers.service.engine.answers import thought_out

BRAINS, STEPS = 6, 60
Step = tuple[str, Any]
Program = list[list[Step]]


def program(seed: int) -> Program:
    """What happens to one brain, in bursts that are asked for at once."""
    chance = random.Random(seed)
    steps: list[Step] = []
    for _ in range(STEPS):
        picture = chance.randrange(40)
        steps.append(
            chance.choices(
                [
                    ("think", picture),
                    ("think many", [chance.randrange(40) for _ in range(3)]),
                    ("live", picture),
                    ("learn", (picture, chance.choice("abcdef"))),
                    ("reward", (picture, chance.uniform(-1, 1))),
                    ("forget class", chance.choice("abcdef")),
                    ("snapshot", None),
                    ("restore", chance.random()),
                    ("forget", chance.random()),
                ],
                weights=[8, 2, 4, 8, 3, 2, 2, 1, 1],
            )[0]
        )
    bursts: Program = []
    while steps:
        count = chance.randint(1, 5)
        bursts.append(steps[:count])
        steps = steps[count:]
    return bursts


def plain(result: Any) -> Any:
    """A result as it can be compared: errors by their class."""
    return type(result) if isinstance(result, Exception) else result


class Crowd:
    """Does a program with a brain of an engine."""

    def __init__(self, engine: Engine, brain_id: str) -> None:
        self.engine, self.id = engine, brain_id
        self.kept: list[tuple[str, int]] = []

    async def do(self, bursts: Program) -> list[Any]:
        results: list[Any] = []
        for burst in bursts:
            for result in await asyncio.gather(*(outcome(self.step(*step)) for step in burst)):
                results.append(plain(result))
        return results

    async def step(self, kind: str, what: Any) -> Any:
        engine, brain_id = self.engine, self.id
        match kind:
            case "think":
                return await engine.process(brain_id, images()[what])
            case "think many":
                return await engine.process_many(brain_id, [images()[one] for one in what])
            case "live":
                return await engine.process(brain_id, images()[what], stateful=True)
            case "learn":
                lesson = await engine.learn(brain_id, images()[what[0]], what[1])
                return lesson.entry, lesson.change, lesson.thought
            case "reward":
                lesson = await engine.learn(brain_id, images()[what[0]], reward=what[1])
                return lesson.entry, lesson.change, lesson.thought
            case "forget class":
                out = await engine.forget(brain_id, label=what)
                return out.sequence, out.labels
            case "snapshot":
                kept = await engine.snapshot(brain_id)
                self.kept.append((kept.id, kept.sequence))
                return kept.sequence
            case "restore" if self.kept:
                snapshot_id, _ = self.kept[int(what * len(self.kept))]
                out = await engine.restore(brain_id, snapshot_id)
                return out.sequence, out.labels
            case "forget":
                return await self.forget(what)
        return None

    async def forget(self, share: float) -> Any:
        known = (await self.engine.entries(self.id, 500)).entries
        moments = {sequence for _, sequence in self.kept}
        may = [one.sequence for one in known if one.kind in ("lesson", "stimulus")]
        may = [one for one in may if one not in moments]
        if not may:
            return None
        out = await self.engine.forget(self.id, entries=[may[int(share * len(may))]])
        return out.sequence, out.labels


class Alone(Crowd):
    """Does the same with a brain in a folder of its own."""

    def __init__(self, brain: Brain) -> None:
        self.brain = brain
        self.kept = []

    async def step(self, kind: str, what: Any) -> Any:
        brain = self.brain
        match kind:
            case "think":
                return thought_out(brain.process(images()[what]))
            case "think many":
                thoughts = brain.process_batch([images()[one] for one in what])
                return [thought_out(thought) for thought in thoughts]
            case "live":
                thought = brain.process(images()[what], stateful=True)
                return thought_out(thought, brain.sequence)
            case "learn":
                lesson = brain.learn(images()[what[0]], what[1])
                return lesson.entry, lesson.change, thought_out(lesson.thought)
            case "reward":
                lesson = brain.learn(images()[what[0]], reward=what[1])
                return lesson.entry, lesson.change, thought_out(lesson.thought)
            case "forget class":
                brain.forget_class(what)
                return brain.sequence, list(brain.labels)
            case "snapshot":
                self.kept.append(("", brain.sequence))
                return brain.sequence
            case "restore" if self.kept:
                brain.rollback(self.kept[int(what * len(self.kept))][1])
                return brain.sequence, list(brain.labels)
            case "forget":
                return await self.forget(what)
        return None

    async def forget(self, share: float) -> Any:
        assert self.brain._home is not None
        entries = list(self.brain._home.journal.read())
        moments = {sequence for _, sequence in self.kept}
        may = [one.sequence for one in entries if one.kind in ("lesson", "stimulus")]
        may = [one for one in may if one not in moments]
        if not may:
            return None
        self.brain.forget(may[int(share * len(may))])
        return self.brain.sequence, list(self.brain.labels)


def one_by_one(steps: Program) -> Program:
    return [[step] for burst in steps for step in burst]


def sequential(bursts: Program) -> Program:
    """The same program with bursts only of what needs no earlier result."""
    found: Program = []
    for burst in bursts:
        free: list[Step] = []
        for step in burst:
            if step[0] in ("snapshot", "restore", "forget"):
                found += [free, [step]] if free else [[step]]
                free = []
            else:
                free.append(step)
        if free:
            found.append(free)
    return found


PROGRAMS = [sequential(program(seed)) for seed in range(BRAINS)]


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[list[Any], Any]]:
    """What each brain gives and becomes alone."""
    found = []
    for seed, bursts in enumerate(PROGRAMS):
        with alone(tmp_path_factory.mktemp("alone") / "home", seed=seed) as brain:
            results = asyncio.run(Alone(brain).do(one_by_one(bursts)))
            found.append((results, bits(brain.life)))
    return found


def test_the_programs_do_everything(expected: list[tuple[list[Any], Any]]) -> None:
    kinds = {step[0] for bursts in PROGRAMS for burst in bursts for step in burst}
    assert len(kinds) == 9
    assert max(len(burst) for bursts in PROGRAMS for burst in bursts) >= 4
    assert any(InvalidInput in results for results, _ in expected)


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param({}, id="all awake"),
        pytest.param({"brains_in_memory_mib": 0, "snapshot_every": 3}, id="none stays awake"),
        pytest.param({"batch_at_most": 3, "snapshot_every": 1}, id="small batches"),
    ],
)
def test_a_crowd_lives_as_each_would_alone(
    tmp_path: Path, expected: list[tuple[list[Any], Any]], limits: dict[str, Any]
) -> None:
    async def crowd() -> tuple[list[str], list[Any], list[Any]]:
        async with small_engine(tmp_path, **limits) as engine:
            ids = [(await engine.create(seed=seed)).id for seed in range(BRAINS)]
            does = (Crowd(engine, ids[i]).do(PROGRAMS[i]) for i in range(BRAINS))
            results = await asyncio.gather(*does)
            return ids, results, [bits(await life_of(engine, one)) for one in ids]

    async def again(ids: list[str]) -> list[Any]:
        async with small_engine(tmp_path) as engine:
            return [bits(await life_of(engine, one)) for one in ids]

    ids, results, lives = asyncio.run(crowd())
    for i, (wanted, life) in enumerate(expected):
        assert results[i] == wanted
        assert lives[i] == life
    assert asyncio.run(again(ids)) == lives


def test_brains_of_several_networks_share_turns() -> None:
    other = small_model("other", seed=2)

    async def live() -> None:
        async with small_engine(None, small_model(), other) as engine:
            assert [model.name for model in engine.models()] == ["small", "other"]
            ids = [(await engine.create(model)).id for model in ("small", "other", None)]
            asked = [engine.learn(one, images()[0], "new") for one in ids]
            asked += [engine.process(one, images()[1]) for one in ids]
            got = await in_one_turn(engine, *asked)
            for one, model in zip((0, 1, 2), (small_model(), other, small_model()), strict=True):
                brain = Brain(model.network)
                assert got[one].change == brain.learn(images()[0], "new").change
                assert got[3 + one] == thought_out(brain.process(images()[1]))

    asyncio.run(live())
