"""An engine in a process of its own: the same answers, counts and events."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.brain.individuals import small_network
from tests.service.engine.company import images, key, outcome
from tests.service.engine.remotes import (
    Running,
    born,
    encode,
    encode_answer,
    until,
)

from neurallayers.brain.pretrained import save_pretrained
from neurallayers.errors import InvalidInput, NeuralLayersError, UnknownName
from neurallayers.service.engine import Engine, Limits, Stimulus
from neurallayers.service.engine.remote import RemoteEngine
from neurallayers.service.failures import NotFound, Overloaded


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small network in a folder."""
    return str(save_pretrained(small_network(), tmp_path_factory.mktemp("networks") / "small"))


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, network: str) -> Iterator[Running]:
    """One process for most tests, as each takes seconds to start."""
    one = Running(tmp_path_factory.mktemp("store"), network)
    one.run(one.engine.__aenter__())
    yield one
    one.run(one.engine.__aexit__())
    one.runner.close()


# ------------------------------------------------------------------ the same answers


class Script:
    """A life whose answers, and refusals, are noted; what differs by chance has stand-ins."""

    def __init__(self, engine: RemoteEngine | Engine) -> None:
        self.engine = engine
        self.notes: list[bytes] = []
        self._stand_ins: dict[str, str] = {}

    async def note(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Note what it gives, or how it is refused."""
        result = await outcome(coroutine)
        if isinstance(result, NeuralLayersError):
            result = [type(result).__name__, result.problem, result.remedy]
        text = encode_answer(result).decode()
        text = re.sub(r'"created_at":"[^"]*"', "", text)
        text = re.sub(r'"name":"brain [0-9a-f]{6}"', "", text)
        for found in re.findall(r"[0-9a-f]{32}", text):
            stand_in = self._stand_ins.setdefault(found, f"<{len(self._stand_ins)}>")
            text = text.replace(found, stand_in)
        self.notes.append(text.encode())
        return msgspec.json.decode(encode_answer(result))

    async def run(self) -> list[bytes]:
        """A life with everything in it."""
        note, engine = self.note, self.engine
        ada = (await note(engine.create(name="Ada", seed=3, request_key="ada")))["id"]
        await note(engine.create(name="Eve", request_key="ada"))
        await note(engine.create("small"))
        await self.think(ada)
        await self.learn(ada)
        await self.remember(ada)
        await self.return_and_forget(ada)
        await self.be_refused(ada)
        await note(engine.delete(ada))
        await note(engine.brain(ada))
        await note(engine.delete(ada))
        await note(engine.brains())
        return self.notes

    async def think(self, ada: str) -> None:
        note, engine = self.note, self.engine
        picture = np.random.default_rng(5).integers(0, 256, (4, 4), dtype="u1")
        await note(engine.raster(ada))
        for shown in (
            Stimulus(images()[0]),
            Stimulus(np.array(images()[1])),
            Stimulus(np.array(images()[1], dtype=">f4")),
            Stimulus(picture),
            Stimulus(np.kron(picture, np.ones((3, 3), "u1")), fit=True, invert=True),
            Stimulus((np.array(images()[2]) * 16).round().astype("i8"), maximum=16.0),
        ):
            await note(engine.process(ada, shown))
            await note(engine.raster(ada))
        await note(engine.process_many(ada, [Stimulus(image) for image in images()[:20]]))
        await note(engine.process_many(ada, []))

    async def learn(self, ada: str) -> None:
        note, engine = self.note, self.engine
        shown = [Stimulus(image) for image in images()]
        await note(engine.learn(ada, shown[0], "new", request=key("1")))
        await note(engine.learn(ada, shown[0], "new", request=key("1")))
        await note(engine.learn(ada, shown[1], "other", request=key("1", "other")))
        await note(engine.learn(ada, shown[2], reward=-0.5))
        await note(engine.process(ada, shown[3], stateful=True, request=key("2")))
        await note(engine.process(ada, shown[3], stateful=True, request=key("2")))

    async def remember(self, ada: str) -> None:
        note, engine = self.note, self.engine
        shown = [Stimulus(image) for image in images()]
        await note(engine.learn(ada, shown[4], "new", where="lab", when=7, who="Bob", pinned=True))
        await note(engine.process(ada, shown[5], stateful=True, who="Bob"))
        await note(engine.process(ada, shown[5], who="Bob"))
        for _ in range(2):
            await note(engine.sleep(ada, 2, request=key("night")))
            await note(engine.add_rules(ada, 'vowel(x) <- letter(x, "a")', request=key("rule")))
        await note(engine.add_rules(ada, 'not: !vowel(x) <- letter(x, "a")'))
        await note(engine.add_rules(ada, "vowel(x) <- letter(x"))
        await note(engine.process(ada, shown[4]))
        await note(engine.explain(ada, shown[4]))
        await note(engine.explain(ada, shown[4], "b"))
        await note(engine.explain(ada, shown[4], "unknown"))
        await note(engine.memories(ada))
        await note(engine.forget_memories(ada, who="Bob", request=key("bob")))
        await note(engine.forget_memories(ada, like=shown[0], likeness=0.99))
        await note(engine.forget_memories(ada))
        await note(engine.rules(ada))
        await note(engine.remove_rule(ada, "vowel", request=key("gone")))
        await note(engine.remove_rule(ada, "vowel"))

    async def return_and_forget(self, ada: str) -> None:
        note, engine = self.note, self.engine
        kept = await note(engine.snapshot(ada, "kept", request_key="kept"))
        await note(engine.snapshot(ada, "again", request_key="kept"))
        await note(engine.learn(ada, Stimulus(images()[4]), "late"))
        await note(engine.restore(ada, kept["id"], request=key("3")))
        await note(engine.restore(ada, kept["id"], request=key("3")))
        await note(engine.forget(ada, entries=[1]))
        await note(engine.forget(ada, label="b", request=key("4")))
        await note(engine.snapshot(ada))
        await note(engine.snapshots(ada, 1))
        await note(engine.entries(ada))
        await note(engine.entries(ada, 2, 1))
        await note(engine.brain(ada))
        await note(engine.brains(1))
        await note(engine.brains(5, "1"))
        await note(engine.process(ada, Stimulus(images()[5])))

    async def be_refused(self, ada: str) -> None:
        note, engine = self.note, self.engine
        good, nobody = Stimulus(images()[0]), "0" * 31 + "x"
        await note(engine.process(nobody, good))
        await note(engine.restore(ada, nobody))
        await note(engine.snapshots(nobody))
        await note(engine.process(ada, Stimulus([[0.0]])))
        await note(engine.process(ada, Stimulus([[2.0] * 4] * 4)))
        await note(engine.process(ada, Stimulus([[float("nan")] * 4] * 4)))
        await note(engine.process(ada, Stimulus([[0.0] * 4] * 3 + [[0.0]])))
        await note(engine.process(ada, Stimulus(np.zeros((2, 4, 4)))))
        await note(engine.process_many(ada, [good, Stimulus(None)]))
        await note(engine.learn(ada, good))
        await note(engine.learn(ada, good, "both", reward=1.0))
        await note(engine.learn(ada, good, ""))
        await note(engine.learn(ada, good, reward=float("inf")))
        await note(engine.forget(ada))
        await note(engine.forget(ada, label="unknown"))
        await note(engine.forget(ada, entries=[99]))
        await note(engine.create("no-such-network"))
        await note(engine.create(name=""))
        await note(engine.create(seed=-1))
        await note(engine.brains(after="x"))


def test_every_answer_and_refusal_is_that_of_an_engine_in_process(
    live: Running, network: str, tmp_path: Path
) -> None:
    async def here() -> list[bytes]:
        async with Engine(tmp_path, models=[network]) as engine:
            assert [encode(one) for one in engine.models()] == [
                encode(one) for one in live.engine.models()
            ]
            assert encode(engine.model("small")) == encode(live.engine.model("small"))
            return await Script(engine).run()

    direct, told = asyncio.run(here()), live.run(Script(live.engine).run())
    assert len(direct) == len(told) > 80
    for mine, theirs in zip(direct, told, strict=True):
        assert mine == theirs
    assert live.engine.waiting == 0
    with pytest.raises(UnknownName, match="no network 'smal' here"):
        live.engine.model("smal")


def test_work_that_comes_together_is_answered_each_to_its_own(live: Running) -> None:
    async def crowd() -> None:
        brains = [await born(live.engine, seed=seed) for seed in range(4)]
        asked = [(brain, image) for brain in brains for image in images()]
        alone = {image: i for i, image in enumerate(map(str, images()))}
        answers = await asyncio.gather(
            *(live.engine.process(brain, Stimulus(image)) for brain, image in asked)
        )
        first = answers[: len(images())]
        for (_, image), answer in zip(asked, answers, strict=True):
            assert answer == first[alone[str(image)]]
        lessons = await asyncio.gather(
            *(live.engine.learn(brain, Stimulus(image), "new") for brain, image in asked)
        )
        entries = [msgspec.json.decode(lesson)["entry"] for lesson in lessons]
        assert entries == list(range(1, len(images()) + 1)) * 4
        assert live.engine.waiting == 0

    live.run(crowd())


@pytest.mark.parametrize("image", [object(), 2**80, [[2**80] * 4] * 4, np.array([object()])])
def test_what_cannot_be_sent_is_refused_and_harms_nobody(live: Running, image: Any) -> None:
    async def show() -> None:
        ada = await born(live.engine)
        with pytest.raises(InvalidInput, match="cannot be handed"):
            await live.engine.process(ada, Stimulus(image))
        assert live.engine.waiting == 0
        assert await live.engine.process(ada, Stimulus(images()[0]))

    live.run(show())


# ------------------------------------------------------------------ condition and counts


def test_it_is_well_and_retells_what_was_measured(live: Running) -> None:
    async def work() -> list[list[Any]]:
        ada = await born(live.engine)
        await asyncio.sleep(0.3)
        live.told.take()
        await live.engine.process_many(ada, [Stimulus(image) for image in images()[:5]])
        await asyncio.gather(
            *(live.engine.learn(ada, Stimulus(image), "new") for image in images()[:3])
        )
        await live.engine.snapshot(ada)
        await asyncio.sleep(0.3)
        return live.told.take()

    told = live.run(work())
    assert ["batch", [5]] in told
    assert ["snapshot", []] in told
    assert sum(arguments[0] for name, arguments in told if name == "lessons") == 3
    models = {arguments[0] for name, arguments in told if name == "thoughts"}
    assert models == {"small"}
    assert all(arguments[0] > 0 for name, arguments in told if name == "commit")
    assert next(arguments for name, arguments in told if name == "memory")[0] >= 1
    assert live.engine.health() == {"engine": "ok", "store": "ok", "compute": "ok"}
    assert live.engine.ready
    assert live.engine._condition["thought_s"] > 0


def test_waiting_is_counted_until_answered_given_up_or_refused(live: Running) -> None:
    async def wait() -> None:
        engine = live.engine
        ada = await born(engine)
        with contextlib.suppress(NotFound):
            await engine.brain("nobody")
        assert engine.waiting == 0
        shown = [Stimulus(images()[0])] * 20
        tasks = [asyncio.create_task(engine.process_many(ada, shown)) for _ in range(5)]
        lesson = asyncio.create_task(engine.learn(ada, shown[0], "new"))
        await asyncio.sleep(0)
        assert engine.waiting == 101
        for task in tasks[1:]:
            task.cancel()
        done = await asyncio.gather(*tasks, lesson, return_exceptions=True)
        assert [type(one) for one in done] == [bytes, *[asyncio.CancelledError] * 4, bytes]
        await until(lambda: engine.waiting == 0, 5)

    live.run(wait())


def test_what_comes_is_refused_by_what_waits(live: Running, tmp_path: Path) -> None:
    limits = Limits(queue_at_most=8, queue_wait_ms=20.0, lesson_wait_ms=60.0, batch_at_most=1)
    engine = RemoteEngine(tmp_path, models=["small"], limits=limits)
    assert engine.overload() is None
    engine._condition = {"health": {}, "thought_s": 0.005, "entry_s": 0.010}
    engine._count(4, thought=True)
    assert engine.overload() is None
    engine._count(1, thought=False)
    refusal = engine.overload()
    assert isinstance(refusal, Overloaded)
    assert (refusal.problem, refusal.reason) == ("5 stimuli wait.", "queue")
    # What must not be lost is taken longer.
    assert engine.overload(thought=False) is None
    engine._count(3, thought=True)
    assert engine.overload(thought=False) is not None
    engine._count(-7, thought=True)
    assert engine.overload() is None


# ------------------------------------------------------------------ events


def test_events_come_as_long_as_somebody_watches(live: Running) -> None:
    async def watch() -> None:
        engine = live.engine
        ada, eve = await born(engine), await born(engine)
        shown = Stimulus(images()[0])
        async with engine.activity.watch(ada) as one:
            async with engine.activity.watch(ada) as other:
                await engine.process(ada, shown)
                await engine.process(eve, shown)
                first = await one.next(5)
                assert first == await other.next(5)
                assert first is not None
                assert first.name == "thought"
            await engine.learn(ada, shown, "new")
            second = await one.next(5)
            assert second is not None
            assert (second.name, msgspec.json.decode(second.data)["entry"]) == ("lesson", 1)
            with pytest.raises(TimeoutError):
                await other.next(0.05)
            await engine.delete(ada)
            last = await one.next(5)
            assert last is not None
            assert last.name == "deleted"
            assert await one.next(5) is None
        assert len(engine.activity) == 0

    live.run(watch())
