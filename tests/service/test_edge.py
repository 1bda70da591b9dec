"""Every request passes the edge once: named, checked, limited, counted."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.service.serving import (
    BEARER,
    BRAIN,
    Client,
    TinyApp,
    edge_of,
    serving,
    settings_of,
)

from neurallayers.service.edge import Edge
from neurallayers.service.failures import Overloaded
from neurallayers.service.logs import LineBuffer, RequestLog


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server that tests share which leave nothing behind."""
    with serving() as (port, _edge):
        yield port


@pytest.fixture
def client(port: int) -> Iterator[Client]:
    with Client(port) as client:
        yield client


def metric(edge: Edge, name: str, **labels: str) -> float:
    return edge.telemetry.registry.get_sample_value(name, labels) or 0.0


# ------------------------------------------------------------------ names


def test_a_sane_request_id_is_kept_and_given_back(client: Client) -> None:
    answer = client.ask("GET", BRAIN, BEARER, "X-Request-Id: my-request.1_a")
    assert answer.headers["x-request-id"] == "my-request.1_a"
    assert answer.json["id"] == "my-request.1_a"


@pytest.mark.parametrize("bad", ["a b", "x" * 65, "ä", "a;b", ""])
def test_another_request_id_is_replaced(client: Client, bad: str) -> None:
    answer = client.ask("GET", BRAIN, BEARER, f"X-Request-Id: {bad}")
    assert answer.status == 200
    assert answer.headers["x-request-id"] not in ("", bad)


def test_new_request_ids_are_unique(client: Client) -> None:
    names = {client.ask("GET", BRAIN, BEARER).headers["x-request-id"] for _ in range(20)}
    assert len(names) == 20


def test_every_answer_has_the_security_headers(client: Client) -> None:
    for path in (BRAIN, "/nowhere"):
        headers = client.ask("GET", path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_a_page_may_have_a_policy_of_its_own() -> None:
    edge = edge_of(TinyApp(), settings_of(), policies={"/": "script-src 'self'"})
    assert (b"content-security-policy", b"script-src 'self'") in edge.extras("/")
    assert (b"content-security-policy", b"script-src 'self'") not in edge.extras("/docs")


# ------------------------------------------------------------------ keys


@pytest.mark.parametrize(
    "headers",
    [
        [],
        ["Authorization: Bearer wrong-key-for-the-tests"],
        ["Authorization: Basic YTpi"],
        ["Authorization: Bearer"],
        [f"{BEARER}x"],
        [BEARER[:-1]],
    ],
)
def test_v1_needs_the_key(client: Client, headers: list[str]) -> None:
    answer = client.ask("GET", BRAIN, *headers)
    assert answer.status == 401
    assert answer.slug == "unauthorized"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    assert client.ask("GET", BRAIN, BEARER).status == 200  # on the same connection


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/nowhere", "/%761/brains", "/v1/brains/"])
def test_no_spelling_of_v1_gets_around_the_key(client: Client, path: str) -> None:
    assert client.ask("GET", path).status == 401


@pytest.mark.parametrize("path", ["/", "/docs", "/health/live", "/metrics", "/v12"])
def test_everything_else_is_open(client: Client, path: str) -> None:
    assert client.ask("GET", path).status == 200


def test_metrics_can_be_closed() -> None:
    with serving(public_metrics=False) as (port, _edge), Client(port) as client:
        assert client.ask("GET", "/metrics").status == 401
        assert client.ask("GET", "/metrics", BEARER).status == 200
        assert client.ask("GET", "/health/live").status == 200


# ------------------------------------------------------------------ addresses


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/brains/%00", 404),
        ("/v1/brains/a%0Ab", 404),
        ("/v1/brains/%7F", 404),
        ("/v1/brains/" + "a" * 10_000, 414),
        ("/v1/brains?after=" + "a" * 10_000, 414),
        ("/v1/brains/%FF%FE", 200),  # an address like any other; the application knows it or not
        ("/v1/../../etc/passwd", 200),
    ],
)
def test_odd_addresses_are_no_mistake_of_ours(client: Client, path: str, status: int) -> None:
    answer = client.ask("GET", path, BEARER)
    assert answer.status == status
    assert client.ask("GET", BRAIN, BEARER).status == 200


# ------------------------------------------------------------------ bodies


def test_a_body_arrives_whole_however_it_is_sent(client: Client) -> None:
    body = bytes(range(256)) * 1000
    assert client.ask("POST", BRAIN, BEARER, body=body).json["bytes"] == len(body)
    client.send(f"POST {BRAIN} HTTP/1.1\r\nHost: x\r\n{BEARER}\r\n".encode())
    client.send(b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    client.send(b"4\r\ndefg\r\n0\r\n\r\n")
    assert client.answer().json["bytes"] == 7


def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    app = TinyApp()
    with serving(app, body_limit_bytes=1000) as (port, edge), Client(port) as client:
        client.send(f"POST {BRAIN} HTTP/1.1\r\n{BEARER}\r\nContent-Length: 1001\r\n\r\n".encode())
        answer = client.answer()
        assert answer.status == 413
        assert answer.slug == "too-large"
        assert app.requests == 0
        client.send(b"x" * 1001)
        assert client.ask("POST", BRAIN, BEARER, body=b"x" * 1000).json["bytes"] == 1000
        assert metric(edge, "neurallayers_errors_total", problem="too-large") == 1


def test_fifty_megabytes_are_refused_and_never_held() -> None:
    with serving() as (port, edge), Client(port) as client:
        most = 0
        client.send(
            f"POST {BRAIN} HTTP/1.1\r\n{BEARER}\r\nContent-Length: 50000000\r\n\r\n".encode()
        )
        for _ in range(50):
            client.send(b"x" * 1_000_000)
            most = max(most, edge.bodies.held_bytes)
        answer = client.answer()
        assert answer.status == 413
        assert answer.headers["connection"] == "close"
        assert client.is_closed()
        assert most == 0


def test_a_streamed_body_over_the_limit_is_refused_when_it_passes_it() -> None:
    app = TinyApp()
    with serving(app, body_limit_bytes=100_000) as (port, edge), Client(port) as client:
        client.send(f"POST {BRAIN} HTTP/1.1\r\n{BEARER}\r\n".encode())
        client.send(b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(20):
            client.send(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
        answer = client.answer()
        assert answer.status == 413
        client.send(b"0\r\n\r\n")
        assert client.is_closed()
        assert edge.bodies.held_bytes == 0
        assert app.requests == 0


def test_a_body_shorter_than_it_says_is_not_waited_for_long(client: Client) -> None:
    begin = time.monotonic()
    client.send(f"POST {BRAIN} HTTP/1.1\r\n{BEARER}\r\nContent-Length: 100\r\n\r\nabc".encode())
    answer = client.answer()
    assert answer.status == 408
    assert answer.slug == "too-slow"
    assert client.is_closed()
    assert time.monotonic() - begin < 2


def test_a_body_that_trickles_is_not_waited_for_long(client: Client) -> None:
    client.send(f"POST {BRAIN} HTTP/1.1\r\n{BEARER}\r\nContent-Length: 100\r\n\r\n".encode())
    for _ in range(3):
        time.sleep(0.1)
        client.send(b"x")
    assert client.answer().status == 408


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, identity", "x" * 300])
def test_encoded_bodies_are_not_understood(client: Client, encoding: str) -> None:
    answer = client.ask("POST", BRAIN, BEARER, f"Content-Encoding: {encoding}", body=b"abc")
    assert answer.status == 415
    assert answer.slug == "unsupported"


def test_identity_is_no_encoding(client: Client) -> None:
    assert client.ask("POST", BRAIN, BEARER, "Content-Encoding: identity", body=b"a").status == 200


def test_bodies_held_together_are_limited() -> None:
    with serving(bodies_limit_bytes=150_000) as (port, edge), Client(port) as first:
        head = f"POST {BRAIN} HTTP/1.1\r\n{BEARER}\r\nContent-Length: 100000\r\n\r\n".encode()
        first.send(head + b"x" * 99_999)
        until(lambda: edge.bodies.held_bytes == 99_999)
        with Client(port) as second:
            second.send(head + b"x" * 100_000)
            answer = second.answer()
            assert answer.status == 503
            assert "retry-after" in answer.headers
        first.send(b"x")
        assert first.answer().status == 200
        assert metric(edge, "neurallayers_refused_total", reason="bodies") == 1
    assert edge.bodies.held_bytes == 0


def test_who_waits_to_be_asked_is_asked_only_if_the_body_is_wanted(port: int) -> None:
    head = "POST {} HTTP/1.1\r\n{}\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    with Client(port) as client:
        client.send(head.format(BRAIN, BEARER).encode())
        assert client.answer().status == 100
        client.send(b"abc")
        assert client.answer().status == 200
    with Client(port) as client:
        client.send(head.format(BRAIN, "X: y").encode())
        assert client.answer().status == 401
        assert client.is_closed()  # nobody knows whether a body comes now


def test_a_client_that_leaves_is_forgotten() -> None:
    with serving() as (port, edge):
        with Client(port) as client:
            client.send(f"POST {BRAIN} HTTP/1.1\r\n{BEARER}\r\nContent-Length: 9\r\n\r\na".encode())
            until(lambda: edge.bodies.held_bytes == 1)
        until(lambda: edge.bodies.held_bytes == 0)


# ------------------------------------------------------------------ refusals


def test_work_is_refused_before_its_body_is_read() -> None:
    app, full = TinyApp(), Overloaded("Too many wait.", "Wait a little.", retry_after_s=2.4)
    with serving(app, refuse=lambda _template, _more: full) as (port, edge), Client(port) as client:
        head = f"POST {BRAIN}/process HTTP/1.1\r\n{BEARER}\r\nContent-Length: 5000\r\n\r\n"
        client.send(head.encode())
        answer = client.answer()
        assert answer.status == 503
        assert answer.slug == "overloaded"
        assert answer.headers["retry-after"] == "3"
        # The body that nobody read does not become the next request.
        client.send(b"x" * 5000)
        assert client.ask("GET", BRAIN, BEARER).status == 200
        assert client.ask("GET", BRAIN + "/process", BEARER).status == 200
        assert app.requests == 2
        assert metric(edge, "neurallayers_refused_total", reason="queue") == 1


def test_the_key_is_checked_before_anything_is_told() -> None:
    full = Overloaded("Too many wait.", "Wait a little.")
    with serving(refuse=lambda _template, _more: full) as (port, _edge), Client(port) as client:
        assert client.ask("POST", BRAIN + "/learn", body=b"{}").status == 401


def test_when_draining_nothing_new_is_let_in() -> None:
    calls: list[str] = []
    edge = edge_of(TinyApp(), settings_of(), on_drain=lambda: calls.append("drain"))
    edge.drain()
    edge.drain()
    assert calls == ["drain"]
    status, slug = asyncio.run(asked(edge, BRAIN))
    assert (status, slug) == (503, "unavailable")
    assert asyncio.run(asked(edge, "/health/live"))[0] == 200


# ------------------------------------------------------------------ time, mistakes


def test_an_answer_that_does_not_come_is_504(client: Client) -> None:
    answer = client.ask("GET", "/v1/brains/slow", BEARER)
    assert answer.status == 504
    assert answer.slug == "timed-out"
    assert client.ask("GET", BRAIN, BEARER).status == 200


def test_a_stream_has_no_time_limit(client: Client) -> None:
    assert client.ask("GET", BRAIN + "/events", BEARER).status == 200


def test_our_mistake_is_logged_and_not_told(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    answer = client.ask("GET", "/v1/brains/broken", BEARER)
    assert answer.status == 500
    assert answer.slug == "internal-error"
    assert b"secret" not in answer.body
    [record] = [one for one in caplog.records if one.name == "neurallayers.service.edge"]
    assert record.exc_info is not None
    assert "a secret of the inside" in str(record.exc_info[1])
    assert record.__dict__["request_id"] == answer.headers["x-request-id"]


def test_an_answer_that_breaks_off_ends_the_connection(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.CRITICAL, logger="uvicorn.error"):
        assert client.ask("GET", "/v1/brains/half", BEARER).status == 200
        assert client.is_closed()


def test_work_that_the_end_of_the_service_cuts_off_is_503() -> None:
    async def cut_off() -> tuple[int, str]:
        edge = edge_of(TinyApp(), settings_of(request_timeout_s=60))
        task = asyncio.create_task(asked(edge, "/v1/brains/slow"))
        await asyncio.sleep(0.05)
        edge.drain()
        task.cancel()
        return await task

    assert asyncio.run(cut_off()) == (503, "unavailable")


# ------------------------------------------------------------------ counting, logging


def test_requests_are_counted_by_route_and_never_by_address() -> None:
    with serving() as (port, edge), Client(port) as client:
        for number in range(3):
            client.ask("GET", f"/v1/brains/{number:032x}", BEARER)
        client.ask("GET", f"/nowhere/{'x' * 100}")
        labels = {"route": "/v1/brains/{brain_id}", "method": "GET", "status": "200"}
        assert metric(edge, "neurallayers_requests_total", **labels) == 3
        assert metric(edge, "neurallayers_request_seconds_count", **labels) == 3
        labels = {"route": "(unknown)", "method": "GET", "status": "200"}
        assert metric(edge, "neurallayers_requests_total", **labels) == 1
        assert b"xxx" not in edge.telemetry.render()


def test_each_request_is_one_line() -> None:
    reader, writer = os.pipe()
    request_log = RequestLog(LineBuffer(writer), text=False)
    edge = edge_of(TinyApp(), settings_of(), request_log=request_log)

    async def requests() -> None:
        await asked(edge, BRAIN + "/process", method="POST", body=b"abc")
        await asked(edge, BRAIN, key="")

    asyncio.run(requests())
    request_log.lines.flush()
    os.close(writer)
    with os.fdopen(reader) as lines:
        good, bad = [json.loads(line) for line in lines]
    assert good["event"] == "request"
    assert good["route"] == "/v1/brains/{brain_id}/process"
    assert (good["method"], good["status"], good["bytes_in"]) == ("POST", 200, 3)
    assert good["duration_ms"] > 0
    assert good["request_id"]
    assert (bad["status"], bad["problem"]) == (401, "unauthorized")


# ------------------------------------------------------------------ without a server


async def asked(
    edge: Edge, path: str, *, method: str = "GET", body: bytes = b"", key: str = BEARER[15:]
) -> tuple[int, str]:
    """The status and the slug of the problem of a request that goes straight to the edge."""
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [
            (b"authorization", key.encode()),
            (b"content-length", b"%d" % len(body)),
        ],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await edge(scope, receive, send)
    start, *rest = sent
    problem = json.loads(b"".join(part["body"] for part in rest)).get("type", "")
    return start["status"], problem.rpartition(":")[2]


def until(condition: Any, seconds: float = 3.0) -> None:
    """Wait for something that another thread does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)
