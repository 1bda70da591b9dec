"""Heads are taken apart and bodies read within their limits; test_edge.py tries it over a wire."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.service.serving import settings_of

from neurallayers.service.failures import (
    Failure,
    NotFound,
    Overloaded,
    TooLarge,
    TooLong,
    TooSlow,
    Unsupported,
)
from neurallayers.service.limits import (
    BodyReader,
    ClientGone,
    Receive,
    check_address,
    check_body,
    read_head,
    swallow,
)


def parts_of(*parts: bytes, more: bool = False, wait_s: float = 0.0) -> Receive:
    """A server that gives these parts of a body."""
    left = list(parts)

    async def receive() -> dict[str, Any]:
        if not left:
            await asyncio.sleep(wait_s or 60)
            return {"type": "http.disconnect"}
        body = left.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(left) or more}

    return receive


def test_a_head_is_taken_apart() -> None:
    head = read_head(
        [
            (b"host", b"here"),
            (b"authorization", b"Bearer x"),
            (b"content-length", b"12"),
            (b"x-request-id", b"r-1"),
            (b"expect", b"100-Continue"),
        ]
    )
    assert head == (b"Bearer x", b"r-1", 12, None, True)
    assert head.has_body


@pytest.mark.parametrize(
    ("headers", "length"),
    [
        ([], 0),
        ([(b"host", b"x")], 0),
        ([(b"content-length", b"0")], 0),
        ([(b"transfer-encoding", b"chunked")], None),
        ([(b"transfer-encoding", b"chunked"), (b"content-length", b"3")], None),
        ([(b"content-length", b"-3")], None),
        ([(b"content-length", b"\xb2")], None),
    ],
)
def test_the_length_of_a_body_is_known_or_not(
    headers: list[tuple[bytes, bytes]], length: int | None
) -> None:
    assert read_head(headers).length == length


@pytest.mark.parametrize(
    ("path", "query", "failure"),
    [
        ("/v1", b"", None),
        ("/ä", b"", None),
        ("/\x00", b"", NotFound),
        ("/\x85\u200b", b"", None),
        ("/" + "a" * 5000, b"", TooLong),
        ("/", b"a" * 9000, TooLong),
    ],
)
def test_an_address_is_checked(path: str, query: bytes, failure: type[Failure] | None) -> None:
    found = check_address({"path": path, "query_string": query})
    assert found is None if failure is None else isinstance(found, failure)


@pytest.mark.parametrize(
    ("encoding", "length", "failure"),
    [
        (None, 10, None),
        (b"identity", 10, None),
        (b"", 10, None),
        (b"gzip", 10, Unsupported),
        (None, 11, TooLarge),
        (None, None, None),
    ],
)
def test_a_body_is_checked_by_its_head(
    encoding: bytes | None, length: int | None, failure: type[Failure] | None
) -> None:
    head = read_head([])._replace(encoding=encoding, length=length)
    found = check_body(head, settings_of(body_limit_bytes=10))
    assert found is None if failure is None else isinstance(found, failure)


def read(receive: Receive, **changes: Any) -> tuple[bytes | Exception, int]:
    """What became of a body, and what the reader still holds."""
    reader = BodyReader(settings_of(**changes))

    async def body() -> bytes:
        return await reader.read(receive)

    try:
        return asyncio.run(body()), reader.held_bytes
    except Exception as error:
        return error, reader.held_bytes


@pytest.mark.parametrize("parts", [[b""], [b"abc"], [b"a", b"", b"bc"], [b"x" * 10]])
def test_a_body_is_read_whole(parts: list[bytes]) -> None:
    whole = b"".join(parts)
    assert read(parts_of(*parts), body_limit_bytes=10) == (whole, len(whole))


@pytest.mark.parametrize(
    ("receive", "error"),
    [
        (parts_of(b"x" * 6, b"x" * 6), TooLarge),
        (parts_of(b"abc", more=True), TooSlow),
        (parts_of(b"abc", more=True, wait_s=0.01), ClientGone),
        (parts_of(b"x" * 4, b"x" * 4), Overloaded),
    ],
)
def test_a_body_that_is_not_read_is_not_held(receive: Receive, error: type[Exception]) -> None:
    found, held = read(receive, body_limit_bytes=10, bodies_limit_bytes=7 + 5 * (error is TooLarge))
    assert isinstance(found, error)
    assert held == 0


def test_a_timeout_of_the_server_is_not_taken_for_ours() -> None:
    async def receive() -> dict[str, Any]:
        raise TimeoutError("another one")

    found, held = read(receive)
    assert isinstance(found, TimeoutError)
    assert held == 0


def test_the_rest_of_a_body_is_swallowed_for_a_while_only() -> None:
    async def timed(receive: Receive) -> float:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        await swallow(receive, 0.1)
        return loop.time() - begin

    assert asyncio.run(timed(parts_of(b"a", b"b"))) < 0.05
    assert asyncio.run(timed(parts_of(b"a", more=True, wait_s=0.01))) < 0.08
    assert 0.09 < asyncio.run(timed(parts_of(b"a", more=True))) < 1.0
