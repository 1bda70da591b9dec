"""Nothing is acknowledged that is not stored, and the same request happens once."""

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

from neurallayers.service.engine import Engine
from neurallayers.service.engine.answers import thought_out
from neurallayers.service.engine.staging import Staging
from neurallayers.service.failures import Conflict, KeyReused
from neurallayers.service.store import store as store_module

# ------------------------------------------------------------------ stored or not answered


@pytest.mark.parametrize("at", ["BEGIN", "INSERT INTO entries", "INSERT INTO answers", "COMMIT"])
def test_what_depends_on_a_lesson_that_is_not_stored_is_not_answered(
    tmp_path: Path, disk: Disk, at: str
) -> None:
    async def live() -> None:
        async with small_engine(tmp_path) as engine:
            ada, eve = (await engine.create()).id, (await engine.create()).id
            await engine.learn(ada, images()[0], "kept")
            before = bits(await life_of(engine, ada))
            thought = await engine.process(ada, images()[1])
            own = await engine.process(eve, images()[1])
            disk.fail(at)
            got = await in_one_turn(
                engine,
                engine.process(ada, images()[1]),
                engine.learn(ada, images()[2], "lost", request=key("k")),
                engine.process(ada, images()[1]),
                engine.process_many(ada, images()[:3]),
                engine.process(ada, images()[3], stateful=True),
                engine.process(eve, images()[1]),
            )
            # What came before it, and what others think, depends on nothing.
            assert got[0] == thought
            assert got[5] == own
            assert all(refused(one) for one in got[1:5])
            assert disk.failed
            disk.heal()
            await recovered(engine)
            assert bits(await life_of(engine, ada)) == before
            assert await engine.process(ada, images()[1]) == thought
            assert [one.sequence for one in (await engine.entries(ada)).entries] == [1]
            # The same request succeeds when it is made again.
            lesson = await engine.learn(ada, images()[2], "found", request=key("k"))
            assert lesson.entry == 2
            assert engine.waiting == 0

    asyncio.run(live())


def test_watchers_hear_only_of_what_was_stored_and_in_order(tmp_path: Path, disk: Disk) -> None:
    async def live() -> None:
        async with small_engine(tmp_path) as engine:
            ada = (await engine.create()).id
            async with engine.activity.watch(ada) as watcher:

                async def burst() -> None:
                    await in_one_turn(
                        engine,
                        engine.process(ada, images()[0]),
                        engine.learn(ada, images()[0], "x"),
                        engine.process(ada, images()[0]),
                        engine.process(ada, images()[0], stateful=True),
                        engine.forget(ada, label="x"),
                        engine.learn(ada, images()[0], "x"),
                    )

                await engine.brain(ada)  # A sleeping one could not even wake.
                disk.fail("COMMIT")
                await burst()
                disk.heal()
                await recovered(engine)
                await burst()
                heard = []
                for _ in range(7):
                    event = await watcher.next(2.0)
                    assert event is not None
                    heard.append((event.name, json.loads(event.data)["sequence"]))
                assert heard == [
                    ("thought", 0),
                    ("thought", 0),
                    ("lesson", 1),
                    ("thought", 1),
                    ("thought", 2),
                    ("forgotten", 3),
                    ("lesson", 4),
                ]

    asyncio.run(live())


def test_many_lessons_of_a_turn_are_one_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits: list[int] = []
    commit = Staging.commit

    def counted(staging: Staging) -> None:
        if staging._staged:
            commits.append(sum(len(one.entries) for one in staging._staged.values()))
        commit(staging)

    async def live() -> None:
        async with small_engine(tmp_path) as engine:
            ids = [(await engine.create()).id for _ in range(3)]
            await asyncio.gather(*(engine.brain(one) for one in ids))
            monkeypatch.setattr(Staging, "commit", counted)
            asked = [engine.learn(ids[i % 3], images()[i], "x") for i in range(12)]
            got = await in_one_turn(engine, *asked)
            assert sorted(one.entry for one in got) == sorted([1, 2, 3, 4] * 3)
            assert commits == [12]

    asyncio.run(live())


# ------------------------------------------------------------------ the same request again


async def teach(engine: Engine, brain_id: str, picture: int = 0, name: str = "k") -> Any:
    asked = key(name, str(picture))
    return await outcome(engine.learn(brain_id, images()[picture], "x", request=asked))


def test_the_same_request_happens_once_in_one_turn(tmp_path: Path) -> None:
    async def live() -> None:
        async with small_engine(tmp_path) as engine:
            ada = (await engine.create()).id
            got = await in_one_turn(engine, *(teach(engine, ada) for _ in range(5)))
            assert all(one == got[0] for one in got)
            assert got[0].entry == 1
            other = await in_one_turn(engine, teach(engine, ada, 1), teach(engine, ada))
            assert isinstance(other[0], KeyReused)
            assert other[1] == got[0]
            both = await in_one_turn(
                engine, teach(engine, ada, 1, "new"), teach(engine, ada, 2, "new")
            )
            assert both[0].entry == 2
            assert isinstance(both[1], KeyReused)
            assert (await engine.brain(ada)).sequence == 2

    asyncio.run(live())


def test_the_same_request_happens_once_whenever_it_comes_again(tmp_path: Path) -> None:
    async def first() -> tuple[str, Any]:
        async with small_engine(tmp_path, brains_in_memory_mib=0) as engine:
            ada = (await engine.create()).id
            answer = await teach(engine, ada)
            await engine.learn(ada, images()[5], "later")
            # It was let go in between.
            await engine.brains()
            assert len(engine._opened.stepper.pool) == 0
            assert await teach(engine, ada) == answer
            got = await asyncio.gather(*(teach(engine, ada) for _ in range(10)))
            assert all(one == answer for one in got)
        return ada, answer

    async def second(ada: str, answer: Any) -> None:
        async with small_engine(tmp_path) as engine:
            assert await teach(engine, ada) == answer
            assert isinstance(await teach(engine, ada, 3), KeyReused)
            kept = await engine.snapshot(ada)
            await engine.restore(ada, kept.id)
            assert await teach(engine, ada) == answer
            assert (await engine.brain(ada)).sequence == 3

    asyncio.run(second(*asyncio.run(first())))


def test_every_kind_of_request_happens_once(tmp_path: Path) -> None:
    async def live() -> None:
        async with small_engine(tmp_path) as engine:
            ada = (await engine.create()).id

            async def reward() -> Any:
                return await engine.learn(ada, images()[0], reward=1.0, request=key("r"))

            async def stimulus() -> Any:
                asked = key("s")
                return await engine.process(ada, images()[0], stateful=True, request=asked)

            async def forget() -> Any:
                out = await engine.forget(ada, label="a", request=key("f"))
                return out.labels

            for ask in (reward, stimulus, forget):
                once, twice = await in_one_turn(engine, ask(), ask())
                assert once == twice == await ask()
            assert (await engine.brain(ada)).sequence == 3
            # A class that was taught anew since is not forgotten again.
            await engine.learn(ada, images()[0], "a")
            assert "a" in await forget()
            kinds = [one.kind for one in (await engine.entries(ada)).entries]
            assert kinds == ["reward", "stimulus", "forget_class", "lesson"]

    asyncio.run(live())


def test_an_answer_that_was_forgotten_in_part_is_given_anew(tmp_path: Path) -> None:
    async def live() -> None:
        async with small_engine(tmp_path) as engine:
            ada = (await engine.create()).id
            await teach(engine, ada, 0, "first")
            second = await teach(engine, ada, 1, "second")
            asked = key("third")
            third = await engine.process(ada, images()[2], stateful=True, request=asked)
            await engine.forget(ada, entries=[1])

            again = await teach(engine, ada, 1, "second")
            brain = alone()
            # Entry 2 is the first that this brain lived through now.
            brain.learn(images()[1], "x")
            brain.process(images()[2], stateful=True)
            assert again.entry == second.entry == 2
            alone_now = thought_out(brain.process(images()[1]))
            assert again.thought.scores == alone_now.scores
            # It remembers the lesson under its own number, the other under the first.
            assert [one.entry for one in again.thought.recalled] == [2]
            assert [one.entry for one in alone_now.recalled] == [1]
            live = await engine.process(ada, images()[2], stateful=True, request=asked)
            assert live.entry == third.entry == 3
            assert isinstance(await teach(engine, ada, 0, "first"), Conflict)
            assert isinstance(await teach(engine, ada, 7, "first"), KeyReused)
            assert (await engine.brain(ada)).sequence == 3

    asyncio.run(live())


def test_keys_of_one_brain_are_not_those_of_another(tmp_path: Path) -> None:
    async def live() -> None:
        async with small_engine(tmp_path) as engine:
            ada, eve = (await engine.create()).id, (await engine.create()).id
            await teach(engine, ada, 0)
            assert (await teach(engine, eve, 1)).entry == 1

    asyncio.run(live())


def test_old_answers_go_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "ANSWERS_KEPT", 3)

    async def live() -> None:
        async with small_engine(tmp_path) as engine:
            ada = (await engine.create()).id
            for number in range(5):
                await teach(engine, ada, number, f"k{number}")
            assert (await teach(engine, ada, 4, "k4")).entry == 5
            assert (await teach(engine, ada, 2, "k2")).entry == 3
            assert (await teach(engine, ada, 0, "k0")).entry == 6

    asyncio.run(live())
