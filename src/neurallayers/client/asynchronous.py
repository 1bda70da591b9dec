"""The client that awaits; it decides nothing that the one that blocks would decide otherwise."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from neurallayers.client import calls
from neurallayers.client.access import DEFAULT_URL, access
from neurallayers.client.answers import BrainSummary, Model, Page
from neurallayers.client.asynchronous_brains import AsyncRemoteBrain
from neurallayers.client.events import DELETED, Event, EventReader
from neurallayers.client.exchange import Answer, Call, Dialogue, Outcome, Pause, Send, Step
from neurallayers.client.retries import Patience, Retries
from neurallayers.client.wire import (
    broken_stream,
    check_open,
    http,
    is_stream,
    lost,
    options,
    silence,
    too_slow,
)

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")


class AsyncClient:
    """A service, from a program on asyncio.

    Close it, or use it with ``async with``. Arguments, methods and errors are those of
    :class:`~neurallayers.client.client.Client`; what comes from there is awaited, and lists are
    asynchronous iterators.

    Args:
        url: Address of the service.
        key: Key.
        timeout_s: How long one attempt waits for the service [s].
        retries: How often a request is sent again at most, where that is safe.
        deadline_s: How long all attempts at a request may take together [s].
        transport: Where requests go instead of the network, for tests.
        sleep: Waits so many seconds.
        clock: Seconds of a clock that never goes back.
        chance: Random numbers in [0, 1) for the waits between attempts.

    Raises:
        InvalidInput: If the address, the key or a number cannot be one.
        MissingExtra: Without the extra ``client``.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        key: str | None = None,
        timeout_s: float = 10.0,
        retries: int = 4,
        *,
        deadline_s: float = 60.0,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] | None = None,
    ) -> None:
        way = access(url, key)
        patience = Patience(retries, timeout_s, deadline_s)
        chance = chance or secrets.SystemRandom().random
        self._retries = Retries(patience, clock, chance, way.url)
        self._sleep = sleep
        self._clock = clock
        self.url = way.url
        self._http: httpx.AsyncClient = http().AsyncClient(**options(way), transport=transport)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    # -- networks and brains ------------------------------------------------------------------

    async def models(self) -> tuple[Model, ...]:
        """All networks that brains can be born with."""
        return (await self._ask(calls.models())).items

    async def model(self, name: str) -> Model:
        """One network, with its anatomy."""
        return await self._ask(calls.model(name))

    async def create_brain(
        self,
        model: str | None = None,
        name: str | None = None,
        seed: int = 0,
        *,
        idempotency_key: str | None = None,
    ) -> AsyncRemoteBrain:
        """A new brain."""
        born = await self._ask(calls.create_brain(model, name, seed, idempotency_key))
        return self.brain(born.id)

    def brains(self) -> AsyncIterator[BrainSummary]:
        """All brains, oldest first, fetched page by page as they are looked at."""
        return self._pages(calls.brains)

    def brain(self, brain_id: str) -> AsyncRemoteBrain:
        """A handle of a brain; whether there is one turns out when it is used."""
        return AsyncRemoteBrain(self, brain_id)

    # -- how ----------------------------------------------------------------------------------

    async def _ask(self, call: Call[T]) -> T:
        return await self._converse(self._retries.ask(call), self._exchange)

    async def _pages(self, page_after: Callable[[str | None], Call[Page[T]]]) -> AsyncIterator[T]:
        after: str | None = None
        while True:
            page = await self._ask(page_after(after))
            for item in page.items:
                yield item
            after = page.next
            if after is None:
                return

    async def _converse(
        self, dialogue: Dialogue[T], exchange: Callable[[Send], Awaitable[Outcome]]
    ) -> T:
        """Do what a dialogue asks for until it has its value."""
        check_open(self._http.is_closed)
        try:
            step: Step = next(dialogue)
            while True:
                if isinstance(step, Pause):
                    await self._sleep(step.seconds)
                    step = next(dialogue)
                else:
                    step = dialogue.send(await exchange(step))
        except StopIteration as end:
            value: T = end.value
            return value

    async def _exchange(self, send: Send) -> Outcome:
        """Send a request and read the whole answer."""
        async with AsyncExitStack() as stack:
            return (await self._receive(send, stack))[0]

    async def _receive(
        self, send: Send, stack: AsyncExitStack
    ) -> tuple[Outcome, httpx.Response | None]:
        """Send a request; a stream of events is left open in ``stack``, all else is read."""
        ends_at = self._clock() + send.timeout_s
        body = bytearray()
        try:
            response = await stack.enter_async_context(
                self._http.stream(
                    send.request.method,
                    send.request.path,
                    params=dict(send.request.query),
                    content=send.request.body,
                    headers={**send.request.headers(), "X-Request-Id": send.request_id},
                    timeout=http().Timeout(**silence(send)),
                )
            )
            headers = {name.lower(): value for name, value in response.headers.items()}
            if is_stream(send, response.status_code, headers):
                return Answer(response.status_code, headers, b""), response
            async for chunk in response.aiter_bytes():
                body += chunk
                if self._clock() > ends_at:
                    return too_slow(send), None
        except http().HTTPError as error:
            return lost(error), None
        return Answer(response.status_code, headers, bytes(body)), None

    async def _events(self, brain_id: str) -> AsyncGenerator[Event, None]:
        async with AsyncExitStack() as stack:
            opened: list[httpx.Response] = []

            async def exchange(send: Send) -> Outcome:
                await stack.aclose()
                outcome, response = await self._receive(send, stack)
                opened[:] = [] if response is None else [response]
                return outcome

            await self._converse(self._retries.ask(calls.events(brain_id)), exchange)
            reader = EventReader()
            try:
                async for chunk in opened[0].aiter_bytes():
                    for event in reader.feed(chunk):
                        yield event
                        if event.kind == DELETED:
                            return
            except http().HTTPError as error:
                raise broken_stream(self.url, error) from error
