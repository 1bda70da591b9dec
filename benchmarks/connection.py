"""HTTP/1.1 as a load generator needs it: prepared bytes out, status and length back, no more."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterable

from benchmarks.tally import LOST, TIMED_OUT

Prepared = bytes
Finished = Callable[["Connection", int, bytes, float], None]

_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"
_CLOSE = b"\r\nconnection: close"
_WITHOUT_BODY = frozenset({204, 304})


class BadAnswer(RuntimeError):
    """The server sent what is not an HTTP/1.1 answer of known length."""


def request(
    method: str, target: str, body: bytes = b"", headers: Iterable[tuple[str, str]] = ()
) -> Prepared:
    """The bytes of a request, made once and sent often."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body or method in {"POST", "PUT", "PATCH"}:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + _END + body


def parse_head(data: bytes | bytearray) -> tuple[int, int, int, bool] | None:
    """The status, where the body begins, its length, and whether the connection stays.

    Returns:
        None while the head is not complete; a length of -1 means: until the connection ends.

    Raises:
        BadAnswer: If it is no HTTP/1 answer, or one in chunks (which no measured server sends).
    """
    end = data.find(_END)
    if end < 0:
        return None
    if data[:7] != b"HTTP/1." or not data[9:12].isdigit():
        raise BadAnswer(f"{bytes(data[:40])!r} is not the beginning of an HTTP/1.1 answer.")
    status = int(data[9:12])
    head = data[:end].lower()
    stays = _CLOSE not in head and data[7:8] == b"1"
    place = head.find(_LENGTH)
    if place >= 0:
        line_end = head.find(b"\r\n", place + 2)
        text = head[place + len(_LENGTH) : line_end if line_end >= 0 else end]
        return status, end + 4, int(text), stays
    if b"\r\ntransfer-encoding:" in head:
        raise BadAnswer("The answer comes in chunks; this client measures answers of known length.")
    if status in _WITHOUT_BODY:
        return status, end + 4, 0, stays
    return status, end + 4, -1, False


class Connection(asyncio.Protocol):
    """One kept connection with at most one request on its way."""

    def __init__(self, finished: Finished) -> None:
        self._finished = finished
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._needed = 0
        self._clock = time.perf_counter
        self.busy = False
        self.due = self.sent = 0.0
        self.bytes_in = self.bytes_out = 0

    @property
    def open(self) -> bool:
        """Whether a request can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102
        self._transport = transport  # type: ignore[assignment]

    def send(self, prepared: Prepared, due: float) -> None:
        """Send a request; ``finished`` is called when it is over."""
        assert self._transport is not None
        assert not self.busy
        self.busy, self.due, self.sent = True, due, self._clock()
        self._needed = 0
        self.bytes_out += len(prepared)
        self._transport.write(prepared)

    def data_received(self, data: bytes) -> None:  # noqa: D102
        self.bytes_in += len(data)
        if self._buffer:
            data = self._buffer + data
        if len(data) < self._needed:
            self._buffer = data
            return
        head = parse_head(data)
        if head is None:
            self._buffer = data
            return
        status, begin, length, stays = head
        if status < 200:  # an interim answer: the real one follows
            self._buffer = b""
            if len(data) > begin:
                rest = data[begin:]
                self.bytes_in -= len(rest)
                self.data_received(rest)
            return
        if length < 0 or len(data) < begin + length:
            # The head is parsed again when the rest is there: rare, and free for small answers.
            self._buffer, self._needed = data, begin + max(length, 0)
            if length < 0:
                self._needed = sys.maxsize
            return
        self._finish(status, data[begin : begin + length], stays)

    def _finish(self, status: int, body: bytes, stays: bool) -> None:
        self._buffer = b""
        self.busy = False
        if not stays:
            self.close()
        self._finished(self, status, body, self._clock())

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: D102
        self._transport = None
        if not self.busy:
            return
        head = parse_head(self._buffer) if self._buffer else None
        if head is not None and head[2] < 0 and exc is None:
            self._finish(head[0], self._buffer[head[1] :], False)
        else:
            self._finish(LOST, b"", False)

    def give_up(self) -> None:
        """Stop waiting for the answer."""
        self._finish(TIMED_OUT, b"", False)

    def close(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()


class Asker:
    """One connection to await answers on; for whoever needs the answers themselves."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._connection: Connection | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    async def ask(self, prepared: Prepared, timeout_s: float = 30.0) -> tuple[int, bytes]:
        """The status and the body; LOST or TIMED_OUT when no answer came."""
        loop = asyncio.get_running_loop()
        if self._connection is None or not self._connection.open:
            try:
                _, self._connection = await loop.create_connection(
                    lambda: Connection(self._finished), *self._address
                )
            except OSError:
                return LOST, b""
        self._answer = loop.create_future()
        timer = loop.call_later(timeout_s, self._connection.give_up)
        self._connection.send(prepared, time.perf_counter())
        try:
            return await self._answer
        finally:
            timer.cancel()

    def _finished(self, _: Connection, status: int, body: bytes, __: float) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((status, body))

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.busy = False
            self._connection.close()
