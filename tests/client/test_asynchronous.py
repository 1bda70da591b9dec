"""The client that awaits does what the one that blocks does."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.client.small_service import KEY, Mishap, SmallService, listening, transport
from tests.client.test_retries import BRAIN, IMAGE, MISHAPS, ON_SOCKETS, with_a_brain

from neurallayers.client import (
    AsyncClient,
    AsyncRemoteBrain,
    Client,
    Event,
    NotFound,
    RemoteBrain,
    ServiceError,
    Unavailable,
)


async def at_once(seconds: float) -> None:
    """Sleep without waiting."""


def run(service: SmallService, act: Callable[[AsyncClient], Awaitable[Any]], **given: Any) -> Any:
    """Do something with a client connected to the service without a network."""

    async def doing() -> Any:
        async with AsyncClient(
            key=KEY, transport=transport(service), sleep=at_once, **given
        ) as client:
            return await act(client)

    return asyncio.run(doing())


@pytest.mark.parametrize(
    ("blocking", "awaiting"), [(Client, AsyncClient), (RemoteBrain, AsyncRemoteBrain)]
)
def test_both_clients_offer_the_same(blocking: type, awaiting: type) -> None:
    def offered(kind: type) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(value).parameters)
            for name, value in vars(kind).items()
            if inspect.isfunction(value) and not name.startswith("_")
        }

    assert offered(awaiting) == offered(blocking)
    assert list(inspect.signature(awaiting).parameters) == list(
        inspect.signature(blocking).parameters
    )


@given(st.lists(st.sampled_from(MISHAPS), max_size=6))
def test_a_lesson_is_taught_once_or_the_caller_knows(mishaps: list[Mishap]) -> None:
    service = with_a_brain(*mishaps)

    async def teach(client: AsyncClient) -> ServiceError | None:
        try:
            await client.brain(BRAIN).learn(IMAGE, target="cross")
        except ServiceError as error:
            return error
        return None

    failure = run(service, teach)
    if failure is None:
        assert service.lessons(BRAIN) == ["cross"]
    else:
        assert len(mishaps) > 4
        assert len(service.lessons(BRAIN)) <= int(failure.maybe_done)


@pytest.mark.parametrize("mishap", ON_SOCKETS)
def test_a_lesson_is_taught_once_over_real_connections(mishap: Mishap) -> None:
    service = with_a_brain(mishap, mishap)
    timeout_s = 0.2 if mishap is Mishap.TIMEOUT else 10.0

    async def teach(url: str) -> int:
        async with AsyncClient(url, KEY, timeout_s=timeout_s, sleep=at_once) as client:
            return (await client.brain(BRAIN).learn(IMAGE, target="cross")).entry

    with listening(service) as url:
        assert asyncio.run(teach(url)) == 1
    assert service.lessons(BRAIN) == ["cross"]


def test_a_whole_life() -> None:
    service = SmallService()

    async def live(client: AsyncClient) -> None:
        assert [model.name for model in await client.models()] == ["small"]
        assert (await client.model("small")).spec == {"name": "small"}
        ada = await client.create_brain(name="Ada")
        assert (await ada.process(IMAGE)).label == "0"
        assert len(await ada.process_many([IMAGE] * 3)) == 3
        for _ in range(5):
            await ada.learn(IMAGE, target="cross")
        await ada.forget(entries=[2])
        assert [entry.sequence async for entry in ada.entries()] == [1, 3, 4, 5]
        moment = await ada.snapshot("now")
        assert [one async for one in ada.snapshots()] == [moment]
        assert (await ada.restore(moment)).sequence == 6
        assert (await ada.raster()).steps == 20
        assert (await ada.raster_png()).startswith(b"\x89PNG")
        assert [brain.id async for brain in client.brains()] == [ada.id]
        assert repr(ada).startswith(f"<AsyncRemoteBrain {ada.id}")
        await ada.delete()
        with pytest.raises(NotFound):
            await ada.info()

    run(service, live)


def test_many_lessons_at_once() -> None:
    service = with_a_brain(*[Mishap.BROKEN_AFTER, Mishap.OVERLOADED] * 5)

    async def teach(client: AsyncClient) -> list[int]:
        ada = client.brain(BRAIN)
        lessons = await asyncio.gather(*(ada.learn(IMAGE, target=f"t{n}") for n in range(20)))
        return [lesson.entry for lesson in lessons]

    assert sorted(run(service, teach, retries=20)) == list(range(1, 21))
    assert sorted(service.lessons(BRAIN)) == sorted(f"t{n}" for n in range(20))


def test_events_come_as_they_happen_and_closing_closes() -> None:
    service = with_a_brain()
    service.events = b'event: thought\ndata: {"sequence": 1}\n\n' * 2

    async def watch(url: str) -> tuple[list[Event], int]:
        async with AsyncClient(url, KEY) as client:
            seen = []
            async with aclosing(client.brain(BRAIN).events()) as events:
                async for event in events:
                    seen.append(event)
                    if len(seen) == 2:
                        break
            pool = client._http._transport._pool  # type: ignore[attr-defined]
            return seen, len(pool.connections)

    with listening(service) as url:
        seen, connections = asyncio.run(watch(url))
    assert seen == [Event("thought", sequence=1)] * 2
    assert connections == 0


def test_events_end_with_the_brain_and_a_broken_stream_says_so() -> None:
    service = with_a_brain()

    async def kinds(url: str) -> list[str]:
        async with AsyncClient(url, KEY) as client:
            return [event.kind async for event in client.brain(BRAIN).events()]

    with listening(service) as url:
        service.events = b'event: deleted\ndata: {"sequence": 1}\n\n'
        assert asyncio.run(kinds(url)) == ["deleted"]
        service.broken_events = True
        service.events = b": alive\n\n"
        with pytest.raises(Unavailable, match="events broke"):
            asyncio.run(kinds(url))


def test_a_cancelled_lesson_leaves_no_connection_open() -> None:
    service = with_a_brain(Mishap.TIMEOUT)

    async def cancel(url: str) -> int:
        async with AsyncClient(url, KEY) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await client.brain(BRAIN).learn(IMAGE, target="cross")
            pool = client._http._transport._pool  # type: ignore[attr-defined]
            return len(pool.connections)

    with listening(service) as url:
        assert asyncio.run(cancel(url)) == 0


def test_an_answer_that_trickles_is_not_waited_for() -> None:
    now = [0.0]

    class Trickle(httpx.AsyncByteStream):
        async def __aiter__(self) -> Any:
            for _ in range(1000):
                now[0] += 1.0
                yield b" "

    handed = httpx.MockTransport(
        lambda request: httpx.Response(
            200, stream=Trickle(), headers={"content-type": "application/json"}
        )
    )

    async def ask() -> None:
        async with AsyncClient(
            key=KEY, transport=handed, retries=0, clock=lambda: now[0]
        ) as client:
            await client.models()

    with pytest.raises(Unavailable, match="not whole within 10 s"):
        asyncio.run(ask())
    assert now[0] < 20.0


def test_a_closed_client_says_so() -> None:
    async def ask() -> None:
        client = AsyncClient(key=KEY)
        await client.close()
        await client.models()

    with pytest.raises(ServiceError, match="closed"):
        asyncio.run(ask())
