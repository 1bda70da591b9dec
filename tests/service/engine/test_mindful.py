"""Minds in an engine are those of brains outside of it: the same nights, memories and reasons."""

from __future__ import annotations

import asyncio
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

from neurallayers.brain import Brain
from neurallayers.errors import InvalidInput, LogicSyntaxError, UnknownName
from neurallayers.service.engine import Engine
from neurallayers.service.engine.mindful import with_context
from neurallayers.service.failures import NotFound

RULE = 'one: sign(x) <- letter(x, "a")'


async def taught(engine: Engine) -> str:
    """A brain that two people taught."""
    ada = (await engine.create()).id
    for number in range(6):
        who = "Ben" if number % 2 else "Eve"
        await engine.learn(ada, images()[number], f"c{number % 2}", who=who, when=number)
    return ada


def taught_alone() -> Brain:
    """The same one outside."""
    brain = alone()
    for number in range(6):
        who = "Ben" if number % 2 else "Eve"
        brain.learn(images()[number], f"c{number % 2}", who=who, when=number)
    return brain


def test_a_night_in_the_engine_is_one_outside(tmp_path: Path) -> None:
    async def live() -> str:
        async with small_engine(tmp_path) as engine:
            ada, brain = await taught(engine), taught_alone()
            night, other = await engine.sleep(ada, 2), brain.sleep(2)
            assert night.entry == other.entry == 7
            assert night.replayed == list(other.replayed)
            assert night.change == other.change
            assert bits(await life_of(engine, ada)) == bits(brain.life)
        return ada

    async def again(ada: str) -> None:
        async with small_engine(tmp_path) as engine:
            brain = taught_alone()
            brain.sleep(2)
            assert bits(await life_of(engine, ada)) == bits(brain.life)

    asyncio.run(again(asyncio.run(live())))


def test_nights_of_many_come_in_their_turn(tmp_path: Path) -> None:
    async def live() -> None:
        async with small_engine(tmp_path) as engine:
            ada, eve = await taught(engine), await taught(engine)
            lesson, night, other = await in_one_turn(
                engine,
                engine.learn(ada, images()[7], "late"),
                engine.sleep(ada, 1),
                engine.sleep(eve, 1),
            )
            assert (lesson.entry, night.entry, other.entry) == (7, 8, 7)
            brain = taught_alone()
            brain.learn(images()[7], "late")
            brain.sleep(1)
            assert bits(await life_of(engine, ada)) == bits(brain.life)

    asyncio.run(live())


def test_the_same_request_is_one_night_one_forgetting_one_rule() -> None:
    pytest.importorskip("z3")

    async def live() -> None:
        async with small_engine() as engine:
            ada = await taught(engine)
            assert await engine.sleep(ada, request=key("n")) == await engine.sleep(
                ada, request=key("n")
            )
            gone = await engine.forget_memories(ada, who="Ben", request=key("f"))
            await engine.learn(ada, images()[1], "c1", who="Ben")
            assert await engine.forget_memories(ada, who="Ben", request=key("f")) == gone
            assert "Ben" in [one.who for one in (await engine.memories(ada)).episodes]
            rules = await engine.add_rules(ada, RULE, request=key("r"))
            assert await engine.add_rules(ada, RULE, request=key("r")) == rules
            assert (await engine.remove_rule(ada, "one", request=key("d"))).rules == []
            assert (await engine.remove_rule(ada, "one", request=key("d"))).rules == []
            assert (await engine.brain(ada)).sequence == 11

    asyncio.run(live())


def test_memories_are_listed_and_forgotten() -> None:
    async def live() -> None:
        async with small_engine() as engine:
            ada = await taught(engine)
            found = (await engine.memories(ada)).episodes
            assert [(one.entry, one.who, one.when) for one in found] == [
                (n + 1, "Ben" if n % 2 else "Eve", n) for n in range(6)
            ]
            assert found[0].picture == [[round(v * 255) for v in row] for row in images()[0]]
            gone = await engine.forget_memories(ada, who="Eve", last=2)
            assert gone.entries == [1, 3]
            gone = await engine.forget_memories(ada, like=images()[3], likeness=0.999)
            assert 4 in gone.entries
            for wrong in ({}, {"clock": "sun", "who": "Ben"}, {"first": 3, "last": 1}):
                with pytest.raises(InvalidInput):
                    await engine.forget_memories(ada, **wrong)

    asyncio.run(live())


def test_what_comes_to_mind_and_follows_is_told_with_each_thought() -> None:
    pytest.importorskip("z3")

    async def live() -> None:
        async with small_engine() as engine:
            ada, brain = await taught(engine), taught_alone()
            await engine.add_rules(ada, RULE)
            brain.rules.add(RULE)
            for image in images()[:3]:
                mine, theirs = await engine.process(ada, image), brain.process(image)
                assert [vars(one) for one in theirs.recalled] == [
                    {name: getattr(one, name) for name in one.__struct_fields__}
                    for one in mine.recalled
                ]
                assert mine.conclusions[0].lower == theirs.conclusions[0].lower
                why, reasons = await engine.explain(ada, image), brain.explain(image)
                assert why.words == str(reasons)
                assert why.score == reasons.score
            assert (await engine.explain(ada, images()[0], "c1")).label == "c1"
            with pytest.raises(InvalidInput):
                await engine.explain(ada, images()[0], "unheard")

    asyncio.run(live())


def test_rules_that_are_refused_change_nothing() -> None:
    pytest.importorskip("z3")

    async def live() -> None:
        async with small_engine() as engine:
            ada = (await engine.create()).id
            rules = await engine.add_rules(ada, RULE)
            assert (rules.rules[0].name, rules.rules[0].text) == ("one", RULE)
            with pytest.raises(LogicSyntaxError):
                await engine.add_rules(ada, "sign(x <- letter(x, a)")
            for wrong in (RULE, 'two: sign(x) <- letter(x, "unheard")', " "):
                with pytest.raises(InvalidInput):
                    await engine.add_rules(ada, wrong)
            with pytest.raises(UnknownName, match="no rule 'two'"):
                await engine.remove_rule(ada, "two")
            assert await engine.rules(ada) == rules
            assert (await engine.brain(ada)).sequence == 1

    asyncio.run(live())


@pytest.mark.parametrize(
    "ask",
    [
        lambda engine, who: engine.sleep(who),
        lambda engine, who: engine.memories(who),
        lambda engine, who: engine.forget_memories(who, who="Ben"),
        lambda engine, who: engine.rules(who),
        lambda engine, who: engine.add_rules(who, RULE),
        lambda engine, who: engine.remove_rule(who, "one"),
        lambda engine, who: engine.explain(who, images()[0]),
    ],
    ids=["sleep", "memories", "forget", "rules", "add", "remove", "explain"],
)
def test_nobody_has_no_mind(ask: Any) -> None:
    async def live() -> None:
        async with small_engine() as engine:
            with pytest.raises(NotFound):
                await ask(engine, "0" * 32)

    asyncio.run(live())


@pytest.mark.parametrize("cycles", [0, -1, 101, 1.5, True, "4"])
def test_a_night_of_no_length_is_refused(cycles: Any) -> None:
    async def live() -> None:
        async with small_engine() as engine:
            ada = (await engine.create()).id
            with pytest.raises(InvalidInput, match="cycles"):
                await engine.sleep(ada, cycles)
            assert (await engine.brain(ada)).sequence == 0

    asyncio.run(live())


def test_a_night_that_cannot_be_stored_did_not_happen(tmp_path: Path, disk: Disk) -> None:
    async def live() -> None:
        async with small_engine(tmp_path) as engine:
            ada = await taught(engine)
            before = bits(await life_of(engine, ada))
            disk.fail()
            assert refused(await outcome(engine.sleep(ada)))
            assert refused(await outcome(engine.forget_memories(ada, who="Ben")))
            disk.heal()
            await recovered(engine)
            assert bits(await life_of(engine, ada)) == before
            assert (await engine.sleep(ada)).entry == 7

    asyncio.run(live())


def test_circumstances_belong_to_what_is_lived_through() -> None:
    assert with_context({"a": 1}, {"who": "Ben"}, lived=True) == {
        "a": 1,
        "context": {"who": "Ben"},
    }
    assert with_context({"a": 1}, {}, lived=False) == {"a": 1}
    with pytest.raises(InvalidInput, match="who would be forgotten at once"):
        with_context({}, {"who": "Ben"}, lived=False)
