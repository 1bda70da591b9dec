"""A brain that lives in a service, from a program on asyncio."""

from __future__ import annotations

import asyncio
import inspect

import pytest
from tests.client.small_service import KEY, Mishap, SmallService, transport
from tests.client.test_retries import BRAIN, IMAGE, with_a_brain

from neurallayers.client import AsyncClient, AsyncRemoteBrain, RemoteBrain, Rule
from neurallayers.errors import InvalidInput


async def at_once(seconds: float) -> None:
    """Sleep without waiting."""


def client(service: SmallService) -> AsyncClient:
    """One without a network."""
    return AsyncClient(key=KEY, transport=transport(service), sleep=at_once)


def test_it_remembers_sleeps_and_heeds_rules() -> None:
    service = with_a_brain()

    async def live() -> None:
        async with client(service) as one:
            ada = one.brain(BRAIN)
            lesson = await ada.learn(IMAGE, target="cross", where="lab", when=7, who="Ben")
            await ada.process(IMAGE, stateful=True, who="Ben")
            memories = await ada.memories()
            assert [(e.entry, e.where, e.who) for e in memories.episodes] == [
                (lesson.entry, "lab", "Ben")
            ]
            assert (await ada.sleep(cycles=2)).replayed == (1, 1)
            rule = Rule("one", "one: sign(x) <- digit(x, 0)")
            assert await ada.add_rules(rule.text) == (rule,)
            assert await ada.rules() == (rule,)
            assert await ada.remove_rule("one") == ()
            assert str(await ada.explain(IMAGE, "cross")) == "'cross' scored 1.50"
            assert await ada.forget_memories(who="Ben") == (1,)
            assert (await ada.memories()).episodes == ()
            with pytest.raises(InvalidInput, match="forgotten at once"):
                await ada.process(IMAGE, who="Ben")

    asyncio.run(live())


def test_a_night_whose_answer_is_lost_is_no_second_night() -> None:
    service = with_a_brain(Mishap.BROKEN_AFTER, Mishap.GATEWAY)

    async def live() -> int:
        async with client(service) as one:
            return (await one.brain(BRAIN).sleep()).entry

    assert asyncio.run(live()) == 1


def test_its_arguments_are_told_as_where_they_are_explained() -> None:
    for name, method in vars(RemoteBrain).items():
        if inspect.isfunction(method) and not name.startswith("_"):
            theirs = inspect.signature(getattr(AsyncRemoteBrain, name)).parameters
            for parameter in inspect.signature(method).parameters.values():
                assert theirs[parameter.name].default == parameter.default, (name, parameter)
