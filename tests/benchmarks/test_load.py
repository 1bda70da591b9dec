"""The load generator reports the delays that a server of known delays has."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count

import pytest
from benchmarks.connection import Asker, BadAnswer, parse_head, request
from benchmarks.load import around, closed_loop, in_phases, open_loop

Answer = Callable[[int, bytes], Awaitable[bytes | None]]


def answer(status: int = 200, body: bytes = b"{}", more: str = "") -> bytes:
    head = f"HTTP/1.1 {status} Word\r\ncontent-length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


@contextlib.asynccontextmanager
async def serving(act: Answer) -> AsyncIterator[int]:
    """A server that answers the n-th request with what ``act(n, body)`` returns; None hangs up."""
    numbers = count()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with (
            contextlib.closing(writer),
            contextlib.suppress(asyncio.IncompleteReadError, ConnectionError),
        ):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
                sent = await act(next(numbers), await reader.readexactly(length))
                if sent is None:
                    break
                writer.write(sent)
                if b"connection: close" in sent:
                    break

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(0.01)  # let the handlers see that their clients are gone


GET = around([request("GET", "/")])


def test_a_closed_loop_reports_the_percentiles_that_the_server_has() -> None:
    async def run() -> None:
        async def act(number: int, _: bytes) -> bytes:
            await asyncio.sleep(0.1 if number % 10 == 9 else 0.01)
            return answer()

        async with serving(act) as port:
            tally = await closed_loop("127.0.0.1", port, GET, connections=4, seconds=1.0)
        figures = tally.summary()
        latency = figures["latency_ms"]["2xx"]
        assert 9 < latency["p50"] < 40
        assert 95 < latency["p95"] < 180
        # 4 connections, 9 of 10 answers after 10 ms and one after 100 ms: 4 / 19 ms.
        assert 100 < figures["answered_per_second"] < 215
        assert figures["connections"] == 4
        assert figures["bytes_out"] == len(tally) * len(GET())

    asyncio.run(run())


def test_an_open_loop_counts_the_wait_of_those_that_came_during_a_stall() -> None:
    """At 200 a second a stall of 200 ms keeps 40 requests waiting, 100 ms in the mean.

    A client that waits for its answers before it asks again would see a single slow request.
    """

    async def run() -> None:
        stalled_until = 0.0

        async def act(number: int, _: bytes) -> bytes:
            nonlocal stalled_until
            now = asyncio.get_running_loop().time()
            if number == 100:
                stalled_until = now + 0.2
            await asyncio.sleep(max(0.0, stalled_until - now))
            return answer()

        async with serving(act) as port:
            tally = await open_loop("127.0.0.1", port, GET, rate=200, seconds=1.0, connections=2)
        figures = tally.summary()
        slow = tally.latencies_ms()
        assert len(tally) == 200
        assert figures["statuses"] == {"200": 200}
        assert 35 <= (slow > 15).sum() <= 70
        assert 80 < slow[slow > 15].mean() < 125
        assert figures["latency_ms"]["2xx"]["p50"] < 30
        assert 180 < figures["latency_ms"]["2xx"]["max"] < 320
        assert figures["connections"] > 2  # more were opened while the first ones waited

    asyncio.run(run())


def test_an_open_loop_at_its_bound_counts_the_wait_at_the_client() -> None:
    """One connection and 20 ms an answer serve 50 a second; asked for 100, waits must grow."""

    async def run() -> None:
        async def act(_: int, __: bytes) -> bytes:
            await asyncio.sleep(0.02)
            return answer()

        async with serving(act) as port:
            tally = await open_loop(
                "127.0.0.1",
                port,
                GET,
                rate=100,
                seconds=1.0,
                connections=1,
                connections_at_most=1,
            )
        figures = tally.summary()
        assert figures["connections"] == 1
        assert figures["statuses"] == {"200": 100}
        # The last was due after 1 s and answered after 2 s or a little more.
        assert 900 < figures["latency_ms"]["2xx"]["max"] < 1500
        assert figures["held_by_client_ms"]["max"] > 850
        assert figures["queued_at_the_bound"] > 80
        assert figures["late_share"] < 0.5  # it was the server that was late
        slices = tally.windows(0.25)
        assert [slice_["due"] for slice_ in slices] == pytest.approx([25] * 4, abs=1)
        assert slices[0]["p95_ms"] < slices[-1]["p95_ms"]

    asyncio.run(run())


def test_a_client_that_is_busy_itself_says_so() -> None:
    async def act(number: int, _: bytes) -> bytes:
        if number == 10:
            # The server is in the client's own thread, which can send nothing meanwhile.
            time.sleep(0.25)
        return answer()

    async def run() -> None:
        async with serving(act) as port:
            tally = await open_loop("127.0.0.1", port, GET, rate=100, seconds=0.5, connections=4)
        # 25 of the 50 were due meanwhile; others may be late where the machine is busy as well.
        assert tally.summary()["late_share"] > 0.3

    asyncio.run(run())


def test_the_rate_changes_from_phase_to_phase() -> None:
    async def run() -> None:
        async with serving(lambda _, __: asyncio.sleep(0.005, answer())) as port:
            phases = [(50.0, 0.4), (200.0, 0.4), (100.0, 0.2)]
            tally = await in_phases("127.0.0.1", port, GET, phases, connections=4)
        assert len(tally) == 120
        assert tally.seconds == pytest.approx(1.0)
        middle = tally.part(0.4, 0.8)
        assert len(middle) == pytest.approx(80, abs=1)
        assert middle.statuses() == {"200": len(middle)}

    asyncio.run(run())


def test_statuses_refusals_and_broken_connections_are_told_apart() -> None:
    async def run() -> None:
        async def act(number: int, _: bytes) -> bytes | None:
            await asyncio.sleep(0.002)
            wanted = [answer(), answer(503, more="connection: close\r\n"), answer(204, b""), None]
            return wanted[number % 4]

        bodies: Counter[tuple[int, bytes]] = Counter()
        async with serving(act) as port:
            tally = await closed_loop(
                "127.0.0.1",
                port,
                GET,
                connections=2,
                seconds=0.4,
                answered=lambda status, body: bodies.update([(status, body)]),
            )
        statuses = tally.statuses()
        assert set(statuses) == {"200", "204", "503", "lost"}
        assert max(statuses.values()) - min(statuses.values()) <= 2
        assert bodies[200, b"{}"] == statuses["200"]
        assert tally.summary()["latency_ms"].keys() == {"all", "2xx", "5xx", "failed"}

    asyncio.run(run())


def test_what_gets_no_answer_is_given_up_and_counted() -> None:
    async def run() -> None:
        async def act(_: int, __: bytes) -> None:
            await asyncio.sleep(0.3)

        async with serving(act) as port:
            tally = await open_loop(
                "127.0.0.1", port, GET, rate=20, seconds=0.2, connections=1, timeout_s=0.2
            )
        assert tally.statuses() == {"timed_out": 4}
        assert tally.per_second() == 0.0

    asyncio.run(run())


def test_nobody_listening_is_counted_as_lost() -> None:
    async def run() -> None:
        async with serving(lambda _, __: asyncio.sleep(0, answer())) as port:
            pass
        tally = await open_loop("127.0.0.1", port, GET, rate=50, seconds=0.2, connections=0)
        assert tally.statuses() == {"lost": 10}

    asyncio.run(run())


def test_an_asker_gets_bodies_and_connects_again() -> None:
    async def run() -> None:
        async def act(number: int, body: bytes) -> bytes | None:
            return None if number == 1 else answer(200, body * 20_000)

        async with serving(act) as port:
            asker = Asker("127.0.0.1", port)
            large = await asker.ask(request("POST", "/", b"abcd"))
            lost = await asker.ask(request("POST", "/", b"e"))
            again = await asker.ask(request("POST", "/", b"f"))
            asker.close()
        assert large == (200, b"abcd" * 20_000)
        assert lost == (0, b"")
        assert again == (200, b"f" * 20_000)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", (200, 38, 5, True)),
        (b"HTTP/1.1 200 OK\r\nCONTENT-LENGTH:5\r\nConnection: Close\r\n\r\n", (200, 56, 5, False)),
        (b"HTTP/1.1 204 No Content\r\n\r\n", (204, 27, 0, True)),
        (b"HTTP/1.0 200 OK\r\n\r\n", (200, 19, -1, False)),
        (b"HTTP/1.1 200 OK\r\nContent-Le", None),
    ],
)
def test_heads_of_answers(head: bytes, expected: tuple[int, int, int, bool] | None) -> None:
    assert parse_head(head) == expected


@pytest.mark.parametrize(
    "head", [b"SSH-2.0\r\n\r\n", b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n"]
)
def test_what_cannot_be_measured_is_refused(head: bytes) -> None:
    with pytest.raises(BadAnswer):
        parse_head(head)
