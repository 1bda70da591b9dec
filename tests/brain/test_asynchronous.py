"""Networks in asynchronous programs: the bits of ``think``, in batches that nobody had to make."""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from tests.brain.individuals import bits, pictures, random_life, small_network
from torch import Tensor

from neurallayers.brain import BrainNetwork, think, thinking
from neurallayers.brain import asynchronous as module
from neurallayers.brain.asynchronous import settle
from neurallayers.brain.thinking import Thinking
from neurallayers.errors import InvalidInput, NeuralLayersError, ShapeMismatch
from neurallayers.state import gather

THREAD = "neurallayers-thinking"


@pytest.fixture(autouse=True)
def _short_of_patience(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Threads that end soon, and none that is left behind."""
    monkeypatch.setattr(module, "IDLE_S", 0.05)
    yield
    for thread in [one for one in threading.enumerate() if one.name == THREAD]:
        thread.join(10.0)
        assert not thread.is_alive()


@pytest.fixture
def network() -> BrainNetwork:
    return small_network()


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of stimuli of each batch."""
    sizes: list[int] = []
    real = thinking.think

    def noted(network: BrainNetwork, state: Any, stimuli: Tensor) -> Thinking:
        sizes.append(len(stimuli))
        return real(network, state, stimuli)

    monkeypatch.setattr(thinking, "think", noted)
    return sizes


def same(one: Thinking, other: Thinking) -> bool:
    return (
        torch.equal(one.scores, other.scores)
        and torch.equal(one.potentials, other.potentials)
        and torch.equal(one.features, other.features)
        and all(torch.equal(one.spikes[name], other.spikes[name]) for name in other.spikes)
        and bits(one.state) == bits(other.state)
    )


def test_answers_have_the_bits_of_think_whoever_asks_at_the_time(
    network: BrainNetwork, batches: list[int]
) -> None:
    images, lives = pictures(40, network), random_life(network, 40)

    async def main() -> list[Thinking]:
        return await asyncio.gather(
            *(network.async_process(image, gather(lives, [i])) for i, image in enumerate(images))
        )

    answers = asyncio.run(main())
    gathered = list(batches)
    for i, answer in enumerate(answers):
        assert same(answer, think(network, gather(lives, [i]), images[i : i + 1]))
    assert sum(gathered) == 40
    # The first may be alone; what came while it was thought about is together.
    assert len(gathered) < 20


def test_a_new_born_answers_when_nobody_is_named(network: BrainNetwork) -> None:
    image = pictures(1, network)
    answer = asyncio.run(network.async_process(image[0].squeeze(-1).numpy()))
    assert same(answer, think(network, network.initial_state(1), image))


def test_brains_that_grew_are_answered_beside_those_that_did_not(network: BrainNetwork) -> None:
    images, small = pictures(6, network), random_life(network, 1)
    grown = small._replace(readout=network.readout.grow(small.readout, 8))

    async def main() -> list[Thinking]:
        return await asyncio.gather(
            *(network.async_process(x, grown if i % 2 else small) for i, x in enumerate(images))
        )

    for i, answer in enumerate(asyncio.run(main())):
        state = grown if i % 2 else small
        assert answer.scores.shape == (1, 8 if i % 2 else 4)
        assert same(answer, think(network, state, images[i : i + 1]))


def test_who_stopped_waiting_is_left_out_and_the_others_are_answered(
    network: BrainNetwork, batches: list[int]
) -> None:
    images = pictures(8, network)

    async def main() -> list[Any]:
        waiting = [asyncio.ensure_future(network.async_process(image)) for image in images]
        await asyncio.sleep(0)
        for task in waiting[::2]:
            task.cancel()
        return await asyncio.gather(*waiting, return_exceptions=True)

    results = asyncio.run(main())
    for i, result in enumerate(results):
        if i % 2 == 0:
            assert isinstance(result, asyncio.CancelledError)
        else:
            assert same(result, think(network, network.initial_state(1), images[i : i + 1]))


def test_a_question_cancelled_in_the_queue_costs_nothing(
    network: BrainNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, proceed, sizes = threading.Event(), threading.Event(), []
    real = thinking.think

    def slow(network: BrainNetwork, state: Any, stimuli: Tensor) -> Thinking:
        sizes.append(len(stimuli))
        inside.set()
        assert proceed.wait(10.0)
        return real(network, state, stimuli)

    monkeypatch.setattr(thinking, "think", slow)
    images = pictures(4, network)

    async def main() -> None:
        first = asyncio.ensure_future(network.async_process(images[0]))
        await asyncio.to_thread(inside.wait, 10.0)
        rest = [asyncio.ensure_future(network.async_process(image)) for image in images[1:]]
        await asyncio.sleep(0)
        rest[0].cancel()
        await asyncio.sleep(0)
        proceed.set()
        await asyncio.gather(first, *rest, return_exceptions=True)

    asyncio.run(main())
    assert sizes == [1, 2]


def test_several_loops_ask_one_network(network: BrainNetwork) -> None:
    images = pictures(12, network)
    answers: dict[int, Thinking] = {}

    def program(begin: int) -> None:
        async def main() -> None:
            numbers = range(begin, 12, 3)
            found = await asyncio.gather(*(network.async_process(images[i]) for i in numbers))
            answers.update(zip(numbers, found, strict=True))

        asyncio.run(main())

    programs = [threading.Thread(target=program, args=(begin,)) for begin in range(3)]
    for one in programs:
        one.start()
    for one in programs:
        one.join(20.0)
    assert sorted(answers) == list(range(12))
    for i, answer in answers.items():
        assert same(answer, think(network, network.initial_state(1), images[i : i + 1]))


def test_a_loop_that_is_gone_keeps_nobody_else_waiting(network: BrainNetwork) -> None:
    gone = asyncio.new_event_loop()
    orphan = gone.create_future()
    gone.close()

    async def main() -> Any:
        future = asyncio.get_running_loop().create_future()
        done = asyncio.get_running_loop().create_future()
        done.set_result("before")
        settle([(orphan, 1), (done, "again"), (future, "answer")])
        return await future, done.result()

    assert asyncio.run(main()) == ("answer", "before")
    assert not orphan.done()


def test_a_loop_is_woken_once_for_all_its_futures() -> None:
    async def main() -> tuple[int, list[Any]]:
        loop = asyncio.get_running_loop()
        calls = 0
        real = loop.call_soon_threadsafe

        def counted(*arguments: Any) -> Any:
            nonlocal calls
            calls += 1
            return real(*arguments)

        loop.call_soon_threadsafe = counted  # type: ignore[method-assign]
        futures = [loop.create_future() for _ in range(5)]
        settle(zip(futures, [1, 2, 3, 4, ValueError("five")], strict=True))
        results = await asyncio.gather(*futures, return_exceptions=True)
        return calls, results

    calls, results = asyncio.run(main())
    assert calls == 1
    assert results[:4] == [1, 2, 3, 4]
    assert isinstance(results[4], ValueError)


@pytest.mark.parametrize("twin_of", [copy.deepcopy, copy.copy])
def test_a_copy_of_a_network_answers_by_itself(network: BrainNetwork, twin_of: Any) -> None:
    images = pictures(2, network)

    async def main() -> list[Thinking]:
        first = await network.async_process(images[0])
        twin = twin_of(network)
        return [first, *await asyncio.gather(
            network.async_process(images[1]), twin.async_process(images[1])
        )]  # fmt: skip

    first, original, copied = asyncio.run(main())
    assert same(original, copied)
    assert not same(first, original)
    assert copy.deepcopy(network)._door is not network._door


# ------------------------------------------------------------------------------ what is wrong


def ask_wrongly(network: BrainNetwork, wrong: Any, state: Any = None) -> tuple[Any, list[Any]]:
    """What a wrong question gets that comes together with good ones, and what they get."""
    images = pictures(4, network)

    async def main() -> list[Any]:
        good = [asyncio.ensure_future(network.async_process(image)) for image in images]
        bad = asyncio.ensure_future(network.async_process(wrong, state))
        return await asyncio.gather(bad, *good, return_exceptions=True)

    bad, *good = asyncio.run(main())
    for i, answer in enumerate(good):
        assert same(answer, think(network, network.initial_state(1), images[i : i + 1]))
    return bad, good


@pytest.mark.parametrize("wrong", [torch.zeros(5, 5), torch.full((4, 4), 7.0), "picture"])
def test_what_is_no_picture_is_refused_before_it_waits(network: BrainNetwork, wrong: Any) -> None:
    error, _ = ask_wrongly(network, wrong)
    assert isinstance(error, InvalidInput)


def test_many_pictures_or_brains_in_one_question_are_refused(network: BrainNetwork) -> None:
    images = pictures(3, network)
    for stimulus, state in ((images, None), (images[0], network.initial_state(3))):
        error, _ = ask_wrongly(network, stimulus, state)
        assert isinstance(error, ShapeMismatch)
        assert "one individual about one stimulus" in error.remedy


def test_a_brain_of_another_network_spoils_only_its_own_answer(network: BrainNetwork) -> None:
    other = small_network(name="other", readout=network.spec.readout.model_copy(
        update={"sources": ("cerebrum",)}))  # fmt: skip
    error, good = ask_wrongly(network, pictures(1, network)[0], other.initial_state(1))
    assert isinstance(error, Exception)
    assert all(isinstance(answer, Thinking) for answer in good)


def test_too_many_questions_are_refused(
    network: BrainNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network._door._batcher, "submit", lambda _: False)
    with pytest.raises(NeuralLayersError, match="Too many stimuli wait"):
        asyncio.run(network.async_process(pictures(1, network)[0]))
