"""A connection has limits before there is a request."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from tests.service.serving import BEARER, BRAIN, Client, TinyApp, serving

from neurallayers.service.failures import Overloaded

HEAD = f"GET {BRAIN} HTTP/1.1\r\nHost: x\r\n{BEARER}\r\n".encode()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(header_limit_bytes=4096) as (port, _edge):
        yield port


@pytest.fixture
def client(port: int) -> Iterator[Client]:
    with Client(port, timeout_s=2.0) as client:
        yield client


def trickles(client: Client, drop: bytes) -> bool:
    """Whether a client can send a drop every now and then for as long as it likes."""
    try:
        for _ in range(40):
            client.send(drop)
            time.sleep(0.05)
    except OSError:
        return False
    return True


def test_a_client_that_says_nothing_is_sent_away(client: Client) -> None:
    assert client.is_closed()


def test_a_head_that_does_not_end_is_not_waited_for(client: Client) -> None:
    client.send(HEAD)
    assert client.is_closed()


def test_a_head_that_trickles_is_not_waited_for(client: Client) -> None:
    begin = time.monotonic()
    client.send(b"GET / HTTP/1.1\r\n")
    assert not trickles(client, b"X-A: b\r\n")
    assert time.monotonic() - begin < 1.5


def test_a_second_head_that_trickles_is_not_waited_for(client: Client) -> None:
    assert client.ask("GET", BRAIN, BEARER).status == 200
    client.send(HEAD)
    assert client.is_closed()


def test_empty_lines_do_not_keep_a_connection(client: Client) -> None:
    assert not trickles(client, b"\r\n")


def test_the_rest_of_an_unwanted_body_does_not_keep_a_connection(client: Client) -> None:
    client.send(f"POST {BRAIN} HTTP/1.1\r\nContent-Length: 1000\r\n\r\n".encode())
    assert client.answer().status == 401
    assert not trickles(client, b"x")


def test_an_idle_connection_is_kept_longer_than_a_head_may_take(client: Client) -> None:
    assert client.ask("GET", BRAIN, BEARER).status == 200
    time.sleep(0.6)
    assert client.ask("GET", BRAIN, BEARER).status == 200


def test_a_slow_but_complete_head_is_served(client: Client) -> None:
    for part in (HEAD[:20], HEAD[20:], b"\r\n"):
        client.send(part)
        time.sleep(0.05)
    assert client.answer().status == 200


@pytest.mark.parametrize(
    "flood",
    [
        b"X-Long: " + b"a" * 10_000 + b"\r\n",
        b"".join(b"X-%d: a\r\n" % number for number in range(1000)),
        b"X-" + b"a" * 10_000 + b": a\r\n",
    ],
    ids=["long-value", "many", "long-name"],
)
def test_a_flood_of_headers_is_refused(client: Client, flood: bytes) -> None:
    client.send(HEAD + flood + b"\r\n")
    answer = client.answer()
    assert answer.status == 431
    assert answer.slug == "head-too-large"
    assert client.is_closed()


def test_a_flood_that_comes_in_parts_is_refused(client: Client) -> None:
    client.send(HEAD + b"X-Long: ")
    for _ in range(5):
        time.sleep(0.02)
        client.send(b"a" * 1000)
    assert client.answer().status == 431


def test_a_large_body_behind_a_small_head_is_no_flood(client: Client) -> None:
    assert client.ask("POST", BRAIN, BEARER, body=b"x" * 100_000).status == 200
    assert client.ask("POST", BRAIN, BEARER, body=b"x" * 100_000).status == 200


@pytest.mark.parametrize(
    "garbage",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
        b"CONNECT here:80 HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5x\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_not_http_is_400(client: Client, garbage: bytes) -> None:
    client.send(garbage)
    answer = client.answer()
    assert answer.status == 400
    assert answer.slug == "malformed"
    assert client.is_closed()


def test_an_offer_of_another_protocol_is_answered_in_this_one(client: Client) -> None:
    client.send(HEAD + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert client.answer().status == 200


def test_requests_in_a_row_are_answered_in_a_row(client: Client) -> None:
    client.send((HEAD + b"\r\n") * 3)
    data = b""
    while data.count(b"HTTP/1.1 200") < 3:
        data += client.socket.recv(65536)
    assert data.count(b"HTTP/1.1 200") == data.count(b"HTTP/1.1") == 3


def test_connections_beyond_the_limit_are_answered_503() -> None:
    app = TinyApp()
    with serving(app, connections_at_most=2, header_timeout_s=5) as (port, edge):
        with Client(port) as first, Client(port) as second, Client(port) as third:
            for client in (first, second):
                assert client.ask("GET", BRAIN, BEARER).status == 200
            answer = third.ask("GET", BRAIN, BEARER)
            assert answer.status == 503
            assert answer.slug == "overloaded"
            assert "retry-after" in answer.headers
            assert third.is_closed()
            # Those that were here first do not suffer.
            assert first.ask("GET", BRAIN, BEARER).status == 200
        reason = {"reason": "connections"}
        assert edge.telemetry.registry.get_sample_value("neurallayers_refused_total", reason) == 1


def test_connections_far_beyond_the_limit_are_closed() -> None:
    with serving(connections_at_most=1, header_timeout_s=5) as (port, _edge):
        clients = [Client(port) for _ in range(3)]
        try:
            assert clients[0].ask("GET", BRAIN, BEARER).status == 200
            assert clients[2].is_closed()
        finally:
            for client in clients:
                client.socket.close()


# ------------------------------------------------------------------ too much to do


FULL = Overloaded("Too many wait.", "Wait a little.", retry_after_s=1.0)


def test_a_refusal_keeps_the_connection_and_asks_no_application() -> None:
    app = TinyApp()
    with serving(app, refuse=lambda _template, _more: FULL) as (port, edge), Client(port) as client:
        for number in range(5):
            answer = client.ask(
                "POST", f"{BRAIN}/process?a=b", BEARER, f"X-Request-Id: r{number}", body=b"x" * 500
            )
            assert (answer.status, answer.slug) == (503, "overloaded")
            assert answer.headers["retry-after"] == "1"
            assert answer.headers["x-request-id"] == answer.json["request_id"] == f"r{number}"
            assert answer.headers["x-content-type-options"] == "nosniff"
        assert client.ask("GET", BRAIN, BEARER).status == 200
        assert app.requests == 1
        text = edge.telemetry.render().decode()
        assert 'neurallayers_refused_total{reason="queue"} 5.0' in text


def test_requests_that_come_in_one_go_are_refused_one_by_one() -> None:
    head = f"POST {BRAIN}/learn HTTP/1.1\r\nHost: x\r\n{BEARER}\r\nContent-Length: 2\r\n\r\n{{}}"
    with serving(refuse=lambda _template, _more: FULL) as (port, _edge), Client(port) as client:
        client.send((head * 3 + head.replace("POST", "GET", 1)).encode())
        time.sleep(0.2)
        client.send(HEAD + b"Connection: close\r\n\r\n")
        raw = b""
        while part := client.socket.recv(65536):
            raw += part
        assert raw.count(b"HTTP/1.1 503") == 3
        assert raw.count(b"HTTP/1.1 200") == 2


def test_a_large_body_and_a_wrong_key_go_the_long_way() -> None:
    app = TinyApp()
    with serving(app, refuse=lambda _template, _more: FULL) as (port, _edge):
        with Client(port) as client:
            assert client.ask("POST", f"{BRAIN}/process", body=b"{}").status == 401
        with Client(port) as client:
            large = client.ask("POST", f"{BRAIN}/process", BEARER, body=b"x" * 100_000)
            assert large.status == 503
            assert client.is_closed()
        assert app.requests == 0


def test_the_skipped_body_of_a_refusal_is_not_waited_for() -> None:
    with (
        serving(refuse=lambda _template, _more: FULL) as (port, _edge),
        Client(port, 2.0) as client,
    ):
        head = f"POST {BRAIN}/process HTTP/1.1\r\n{BEARER}\r\nContent-Length: 500\r\n\r\nx"
        client.send(head.encode())
        assert client.answer().status == 503
        assert client.is_closed()
