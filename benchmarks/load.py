"""A load generator that costs little: prepared bytes over kept connections, closed or open loop.

    python -m benchmarks.load http://127.0.0.1:8077/health/live --connections 64 --seconds 10
    python -m benchmarks.load http://127.0.0.1:8077/v1/brains/ID/process --rate 1000 \
        --header 'Authorization: Bearer KEY' --header 'Content-Type: application/json' \
        --method POST --body @stimulus.json

A closed loop asks again as soon as it is answered; it finds the most that a server can do, and
hides how long requests would have waited. An open loop lets requests come by the clock, whatever
the server does, and counts their time from when they were *due*: a server that stalls for 200 ms
has kept all those waiting that came meanwhile (G. Tene's "coordinated omission").
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import math
import time
import urllib.parse
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.connection import Connection, Finished, Prepared, request
from benchmarks.tally import LATE_SECONDS, LOST, TIMED_OUT, Tally

NextRequest = Callable[[], Prepared]

REFUSED_PAUSE_SECONDS = 0.02
_TICK_SECONDS = 0.001
_SWEEP_SECONDS = 0.1


class Run:
    """What both loops share: connections, the tally, timeouts, and the end."""

    def __init__(self, host: str, port: int, following: NextRequest, timeout_s: float) -> None:
        self._address = (host, port)
        self._loop = asyncio.get_running_loop()
        self._timeout_s = timeout_s
        self.following = following
        self.tally = Tally()
        self.connections: set[Connection] = set()

    async def connect(self, finished: Finished) -> Connection:
        """One more connection."""
        _, connection = await self._loop.create_connection(
            lambda: Connection(finished), *self._address
        )
        self.connections.add(connection)
        self.tally.connections = max(self.tally.connections, len(self.connections))
        return connection

    def note(self, connection: Connection, status: int, now: float) -> None:
        """Record a finished request, and forget a connection that is gone."""
        self.tally.add(connection.due, connection.sent, now, status)
        if not connection.open:
            self._count_bytes(connection)
            self.connections.discard(connection)

    async def finish(self, waiting: Callable[[], int]) -> Tally:
        """Wait for what is on its way (at most the timeout), then close everything."""
        give_up = time.perf_counter() + self._timeout_s + 1.0
        while waiting() and time.perf_counter() < give_up:
            await asyncio.sleep(0.005)
        for connection in list(self.connections):
            self._count_bytes(connection)
            connection.busy = False
            connection.close()
        await asyncio.sleep(0)
        return self.tally

    def busy(self) -> int:
        """Requests on their way."""
        return sum(connection.busy for connection in self.connections)

    async def sweep(self) -> None:
        """Give up what waits for too long."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            oldest = time.perf_counter() - self._timeout_s
            for connection in [c for c in self.connections if c.busy and c.sent < oldest]:
                connection.give_up()

    def _count_bytes(self, connection: Connection) -> None:
        self.tally.bytes_in += connection.bytes_in
        self.tally.bytes_out += connection.bytes_out
        connection.bytes_in = connection.bytes_out = 0


async def closed_loop(
    host: str,
    port: int,
    following: NextRequest,
    *,
    connections: int = 64,
    seconds: float = 10.0,
    warm_seconds: float = 0.0,
    timeout_s: float = 30.0,
    answered: Callable[[int, bytes], None] | None = None,
) -> Tally:
    """Each connection asks again as soon as it is answered; after a refusal (503) a little later.

    Args:
        host: Address of the server.
        port: Its port.
        following: Gives the next request.
        connections: How many ask at once.
        seconds: How long requests are let in, after the warm-up.
        warm_seconds: Time before the measurement, not counted.
        timeout_s: A request without an answer for as long is given up.
        answered: Called with every status and body.
    """
    run = _ClosedLoop(host, port, following, timeout_s)
    run.answered = answered
    with _measured(run.tally):
        return await run.go(connections, seconds, warm_seconds)


class _ClosedLoop(Run):
    """Each connection has one request on its way, until the deadline."""

    answered: Callable[[int, bytes], None] | None = None

    def __init__(self, host: str, port: int, following: NextRequest, timeout_s: float) -> None:
        super().__init__(host, port, following, timeout_s)
        self._deadline = 0.0
        self._starting: set[asyncio.Task[None]] = set()

    async def go(self, connections: int, seconds: float, warm_seconds: float) -> Tally:
        """Start every connection, and wait for the last answers."""
        begin = time.perf_counter() + warm_seconds
        self._deadline = begin + seconds
        self.tally.begun, self.tally.ended = begin, self._deadline
        sweeper = self._loop.create_task(self.sweep())
        await asyncio.gather(*(self._start(0.0) for _ in range(connections)))
        await asyncio.sleep(max(0.0, self._deadline - time.perf_counter()))
        tally = await self.finish(self.busy)
        await _stop([sweeper, *self._starting])
        return tally

    async def _start(self, pause_s: float) -> None:
        while time.perf_counter() + pause_s < self._deadline:
            await asyncio.sleep(pause_s)
            with contextlib.suppress(OSError):
                connection = await self.connect(self._finished)
                connection.send(self.following(), time.perf_counter())
                return
            pause_s = 0.05  # nobody listens (yet)

    def _finished(self, connection: Connection, status: int, body: bytes, now: float) -> None:
        self.note(connection, status, now)
        if self.answered is not None:
            self.answered(status, body)
        if status == 503:
            self._loop.call_later(REFUSED_PAUSE_SECONDS, self._ask_again, connection)
        else:
            self._ask_again(connection, 0.01 if status == LOST else 0.0)

    def _ask_again(self, connection: Connection, pause_s: float = 0.0) -> None:
        now = time.perf_counter()
        if now >= self._deadline:
            return
        if connection.open:
            connection.send(self.following(), now)
            return
        self.connections.discard(connection)
        task = self._loop.create_task(self._start(pause_s))
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)


async def open_loop(
    host: str,
    port: int,
    following: NextRequest,
    *,
    rate: float,
    seconds: float = 10.0,
    connections: int = 64,
    connections_at_most: int = 512,
    warm_seconds: float = 0.0,
    timeout_s: float = 30.0,
    answered: Callable[[int, bytes], None] | None = None,
) -> Tally:
    """Requests come by the clock, evenly, whatever the server does.

    Args:
        host: Address of the server.
        port: Its port.
        following: Gives the next request.
        rate: Requests a second.
        seconds: How long requests are let in, after the warm-up.
        connections: Opened beforehand.
        connections_at_most: More are opened when all are busy, up to this; beyond it requests
            wait at the client, which their latency includes.
        warm_seconds: Time before the measurement, not counted.
        timeout_s: A request without an answer for as long is given up.
        answered: Called with every status and body.
    """
    tally = await in_phases(
        host,
        port,
        following,
        [(rate, warm_seconds + seconds)],
        connections=connections,
        connections_at_most=connections_at_most,
        timeout_s=timeout_s,
        answered=answered,
    )
    tally.begun += warm_seconds
    return tally


async def in_phases(
    host: str,
    port: int,
    following: NextRequest,
    phases: Sequence[tuple[float, float]],
    *,
    connections: int = 64,
    connections_at_most: int = 512,
    timeout_s: float = 30.0,
    answered: Callable[[int, bytes], None] | None = None,
) -> Tally:
    """An open loop whose rate changes: ``phases`` are requests a second, and for how many seconds.

    The other arguments are those of :func:`open_loop`; :meth:`Tally.part` gives the phases.
    """
    run = _OpenLoop(host, port, following, timeout_s)
    run.connections_at_most, run.answered = connections_at_most, answered
    with _measured(run.tally):
        return await run.go(phases, connections)


class _OpenLoop(Run):
    """Requests that are due take the connection that was idle the longest, or wait for one."""

    connections_at_most = 512
    answered: Callable[[int, bytes], None] | None = None

    def __init__(self, host: str, port: int, following: NextRequest, timeout_s: float) -> None:
        super().__init__(host, port, following, timeout_s)
        self._idle: deque[Connection] = deque()
        self._waiting: deque[float] = deque()
        self._opening: set[asyncio.Task[None]] = set()

    async def go(self, phases: Sequence[tuple[float, float]], opened: int) -> Tally:
        """Open connections, let requests come by the clock, wait for the last."""
        sweeper = self._loop.create_task(self.sweep())
        self._idle.extend(
            await asyncio.gather(*(self.connect(self._finished) for _ in range(opened)))
        )
        first = time.perf_counter() + 0.01
        self.tally.begun = self.tally.ended = first
        for rate, seconds in phases:
            await self._arrive(self.tally.ended, rate, round(rate * seconds))
            self.tally.ended += seconds
        tally = await self.finish(lambda: self.busy() + len(self._waiting) + len(self._opening))
        now = time.perf_counter()
        for due in self._waiting:
            tally.add(due, now, now, TIMED_OUT)
        await _stop([sweeper, *self._opening])
        return tally

    async def _arrive(self, first: float, rate: float, total: int) -> None:
        count = 0
        while count < total:
            pause_s = first + count / rate - time.perf_counter()
            await asyncio.sleep(max(_TICK_SECONDS if count else 0.0, pause_s))
            now = time.perf_counter()
            due_by_now = min(total, int((now - first) * rate) + 1)
            late_by_now = min(due_by_now, math.floor((now - LATE_SECONDS - first) * rate) + 1)
            self.tally.noticed_late += max(0, late_by_now - count)
            if len(self.connections) >= self.connections_at_most and not self._idle:
                self.tally.queued_at_the_bound += max(0, due_by_now - count)
            self._waiting.extend(first + number / rate for number in range(count, due_by_now))
            count = max(count, due_by_now)
            self._serve()

    def _serve(self) -> None:
        while self._waiting:
            if not self._idle:
                self._grow()
                return
            connection = self._idle.popleft()
            if connection.open:
                connection.send(self.following(), self._waiting.popleft())
            else:
                self.connections.discard(connection)

    def _grow(self) -> None:
        room = self.connections_at_most - len(self.connections) - len(self._opening)
        for _ in range(min(room, len(self._waiting) - len(self._opening))):
            task = self._loop.create_task(self._open_one())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open_one(self) -> None:
        try:
            self._idle.append(await self.connect(self._finished))
        except OSError:  # nobody listens: whoever is due now has lost
            if self._waiting:
                due, now = self._waiting.popleft(), time.perf_counter()
                self.tally.add(due, now, now, LOST)
            await asyncio.sleep(0.01)
        self._serve()

    def _finished(self, connection: Connection, status: int, body: bytes, now: float) -> None:
        self.note(connection, status, now)
        if self.answered is not None:
            self.answered(status, body)
        if connection.open:
            self._idle.append(connection)
        self._serve()


@contextlib.contextmanager
def _measured(tally: Tally) -> Iterator[None]:
    """Count the client's own processor time; keep the garbage collector from stalling it."""
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    begin = time.process_time()
    try:
        yield
    finally:
        tally.client_cpu_seconds = time.process_time() - begin
        if collecting:
            gc.enable()


async def _stop(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def around(prepared: Sequence[Prepared]) -> NextRequest:
    """The requests one after the other, again and again."""
    place, count = -1, len(prepared)

    def following() -> Prepared:
        nonlocal place
        place = (place + 1) % count
        return prepared[place]

    return following


def run(work: Any) -> Any:
    """Run a coroutine on the fastest event loop that is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def main() -> None:
    """Load a URL and print the figures as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url")
    parser.add_argument("--method", default="GET")
    parser.add_argument("--body", default="", help="text, or @FILE")
    parser.add_argument("--header", action="append", default=[], metavar="'NAME: VALUE'")
    parser.add_argument("--rate", type=float, help="open loop at this many a second")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--warm-seconds", type=float, default=1.0)
    parser.add_argument("--windows", action="store_true", help="every second by itself as well")
    options = parser.parse_args()
    url = urllib.parse.urlsplit(options.url)
    body = options.body.encode()
    if options.body.startswith("@"):
        body = Path(options.body[1:]).read_bytes()
    headers = [tuple(part.strip() for part in line.split(":", 1)) for line in options.header]
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    following = around([request(options.method, target, body, headers)])  # type: ignore[arg-type]
    place = (url.hostname or "127.0.0.1", url.port or 80, following)
    chosen: dict[str, Any] = {
        "connections": options.connections,
        "seconds": options.seconds,
        "warm_seconds": options.warm_seconds,
    }
    if options.rate:
        tally = run(open_loop(*place, rate=options.rate, **chosen))
    else:
        tally = run(closed_loop(*place, **chosen))
    figures = tally.summary() | ({"windows": tally.windows()} if options.windows else {})
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
