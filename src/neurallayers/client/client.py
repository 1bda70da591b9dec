"""The client that blocks."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from neurallayers.client import calls
from neurallayers.client.access import DEFAULT_URL, access
from neurallayers.client.answers import BrainSummary, Model, Page
from neurallayers.client.brains import RemoteBrain
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


class Client:
    """A service, from a program that waits for its answers.

    May be used by several threads at once. Close it, or use it as a context manager.

    Args:
        url: Address of the service.
        key: Key; found as :mod:`neurallayers.client.access` says when left out.
        timeout_s: How long one attempt waits for the service [s].
        retries: How often a request is sent again at most, where that is safe.
        deadline_s: How long all attempts at a request may take together [s].
        transport: Where requests go instead of the network, for tests.
        sleep: Waits so many seconds.
        clock: Seconds of a clock that never goes back.
        chance: Random numbers in [0, 1) for the waits between attempts; from the operating system
            unless given, such as ``random.Random(7).random``.

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
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
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
        self._http: httpx.Client = http().Client(**options(way), transport=transport)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    # -- networks and brains ------------------------------------------------------------------

    def models(self) -> tuple[Model, ...]:
        """All networks that brains can be born with."""
        return self._ask(calls.models()).items

    def model(self, name: str) -> Model:
        """One network, with its anatomy.

        Raises:
            NotFound: If there is none of this name.
        """
        return self._ask(calls.model(name))

    def create_brain(
        self,
        model: str | None = None,
        name: str | None = None,
        seed: int = 0,
        *,
        idempotency_key: str | None = None,
    ) -> RemoteBrain:
        """A new brain.

        Args:
            model: Its network; the first that the service has when left out.
            name: A name for people.
            seed: Seed of the noise within its steps.
            idempotency_key: Repeats an earlier call with this key instead of making another one.
        """
        born = self._ask(calls.create_brain(model, name, seed, idempotency_key))
        return self.brain(born.id)

    def brains(self) -> Iterator[BrainSummary]:
        """All brains, oldest first, fetched page by page as they are looked at."""
        return self._pages(calls.brains)

    def brain(self, brain_id: str) -> RemoteBrain:
        """A handle of a brain; whether there is one turns out when it is used."""
        return RemoteBrain(self, brain_id)

    # -- how ----------------------------------------------------------------------------------

    def _ask(self, call: Call[T]) -> T:
        return self._converse(self._retries.ask(call), self._exchange)

    def _pages(self, page_after: Callable[[str | None], Call[Page[T]]]) -> Iterator[T]:
        after: str | None = None
        while True:
            page = self._ask(page_after(after))
            yield from page.items
            after = page.next
            if after is None:
                return

    def _converse(self, dialogue: Dialogue[T], exchange: Callable[[Send], Outcome]) -> T:
        """Do what a dialogue asks for until it has its value."""
        check_open(self._http.is_closed)
        try:
            step: Step = next(dialogue)
            while True:
                if isinstance(step, Pause):
                    self._sleep(step.seconds)
                    step = next(dialogue)
                else:
                    step = dialogue.send(exchange(step))
        except StopIteration as end:
            value: T = end.value
            return value

    def _exchange(self, send: Send) -> Outcome:
        """Send a request and read the whole answer."""
        with ExitStack() as stack:
            return self._receive(send, stack)[0]

    def _receive(self, send: Send, stack: ExitStack) -> tuple[Outcome, httpx.Response | None]:
        """Send a request; a stream of events is left open in ``stack``, all else is read."""
        ends_at = self._clock() + send.timeout_s
        body = bytearray()
        try:
            response = stack.enter_context(
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
            for chunk in response.iter_bytes():
                body += chunk
                if self._clock() > ends_at:
                    return too_slow(send), None
        except http().HTTPError as error:
            return lost(error), None
        return Answer(response.status_code, headers, bytes(body)), None

    def _events(self, brain_id: str) -> Generator[Event, None, None]:
        with ExitStack() as stack:
            opened: list[httpx.Response] = []

            def exchange(send: Send) -> Outcome:
                stack.close()
                outcome, response = self._receive(send, stack)
                opened[:] = [] if response is None else [response]
                return outcome

            self._converse(self._retries.ask(calls.events(brain_id)), exchange)
            reader = EventReader()
            try:
                for chunk in opened[0].iter_bytes():
                    for event in reader.feed(chunk):
                        yield event
                        if event.kind == DELETED:
                            return
            except http().HTTPError as error:
                raise broken_stream(self.url, error) from error
