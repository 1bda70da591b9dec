"""Clients that mean no good, or know no better, against the whole service in its own process.

Whatever they send is answered with a status that the description of the interface names, and
afterwards the service is as before: after every test it is ready, a brain that was there gives the
same answer, the log holds no traceback, and its memory never grew by more than a bounded amount.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import socket
import struct
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.service import odd_pictures
from tests.service.serving import Answer, Client

from benchmarks import server as serving_process

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")

BEARER = f"Authorization: Bearer {serving_process.KEY}"
JSON, PNG = "Content-Type: application/json", "Content-Type: image/png"
PATIENCE_S = 0.5
CONNECTIONS = 24
# What may come on top, in both processes together: 1.4 million lists out of a body of 4 MiB, 64 MB
# of texts in a picture, and what the allocator keeps of it. A bomb is twice as large.
PEAK_MB = 256.0
GOOD = [[0, 0, 5, 13, 9, 1, 0, 0]] * 8
GOOD_BODY = json.dumps({"stimulus": GOOD, "maximum": 16}).encode()
FIFTY_MB = 50 * 10**6


@dataclass
class Target:
    """The service, and a brain that lives in it."""

    server: serving_process.Server
    brain: str
    thought: bytes
    document: dict[str, Any]
    peak_mb: float

    def client(self) -> Client:
        return Client(self.server.port, timeout_s=20.0)

    def send(self, method: str, path: str, body: bytes, *headers: str) -> Answer:
        """One request; its status must be one that the description names."""
        with self.client() as client:
            answer = client.ask(method, path.format(brain=self.brain), BEARER, *headers, body=body)
        self.must_be_documented(method, path, answer)
        return answer

    def must_be_documented(self, method: str, path: str, answer: Answer) -> None:
        template = path.replace("{brain}", "{brain_id}").partition("?")[0]
        described = self.document["paths"][template][method.lower()]["responses"]
        assert str(answer.status) in described, f"{method} {template}: {answer.status}"
        if answer.status >= 400:
            assert answer.slug

    def think(self) -> bytes:
        return self.send("POST", PROCESS, GOOD_BODY, JSON).body


PROCESS, LEARN = "/v1/brains/{brain}/process", "/v1/brains/{brain}/learn"
MANY, FORGET = "/v1/brains/{brain}/process-many", "/v1/brains/{brain}/forget"
BRAINS, SNAPSHOTS = "/v1/brains", "/v1/brains/{brain}/snapshots"


def peak_mb(pid: int) -> float:
    """The most memory that a process and its children ever held [MB]."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    own = int(status.split("VmHWM:")[1].split()[0]) / 1024
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    return own + sum(peak_mb(int(child)) for child in children)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    patience = {
        "NEURALLAYERS_BODY_TIMEOUT_S": str(PATIENCE_S),
        "NEURALLAYERS_HEADER_TIMEOUT_S": str(PATIENCE_S),
        "NEURALLAYERS_CONNECTIONS_AT_MOST": str(CONNECTIONS),
    }
    folder = tmp_path_factory.mktemp("hostile")
    with serving_process.running(folder, environment=patience) as server:
        document = server.get("GET", "/openapi.json")
        brain = server.get("POST", BRAINS, {"name": "witness"})["id"]
        target = Target(server, brain, b"", document, 0.0)
        target.thought = target.think()
        # Both ways in are warm before memory is measured.
        picture = dict(odd_pictures.readable())["as large as may be"]
        for _ in range(3):
            assert target.send("POST", PROCESS, picture, PNG).status == 200
        target.peak_mb = peak_mb(server.process.pid)
        yield target


@pytest.fixture(autouse=True)
def _as_before(target: Target) -> Iterator[None]:
    yield
    assert target.server.is_ready()
    assert target.think() == target.thought
    assert b"Traceback" not in target.server.words(), target.server.last_words()
    assert peak_mb(target.server.process.pid) - target.peak_mb < PEAK_MB


# ------------------------------------------------------------------ JSON that is none, or too much


def stimulus(text: bytes) -> bytes:
    return b'{"stimulus": %s}' % text


DEEP = b"[" * 10_000 + b"]" * 10_000
MILLION = b"[" + b",".join([b"0"] * 10**6) + b"]"
BODIES = {
    "deep array": (PROCESS, DEEP, 422),
    "deep stimulus": (PROCESS, stimulus(DEEP), 422),
    "deep and open": (PROCESS, stimulus(b"[" * 10_000), 422),
    "deep objects": (BRAINS, b'{"name":' * 10_000 + b"1" + b"}" * 10_000, 422),
    "deep unknown field": (BRAINS, b'{"x":' + DEEP + b"}", 422),
    "two million deep": (PROCESS, stimulus(b"[" * 2_000_000), 422),
    "nothing": (PROCESS, b"", 400),
    "half": (PROCESS, GOOD_BODY[:-5], 400),
    "two": (PROCESS, GOOD_BODY * 2, 400),
    "null": (PROCESS, b"null", 422),
    "not UTF-8": (LEARN, b'{"stimulus": [[0]], "target": "\xff\xfe"}', 400),
    "overlong UTF-8": (LEARN, b'{"stimulus": [[0]], "target": "\xc0\x80"}', 400),
    "UTF-16": (PROCESS, GOOD_BODY.decode().encode("utf-16"), 400),
    "byte order mark": (PROCESS, b"\xef\xbb\xbf" + GOOD_BODY, 400),
    "NaN": (PROCESS, stimulus(b"[[NaN]]"), 400),
    "Infinity": (PROCESS, stimulus(b"[[Infinity]]"), 400),
    "minus Infinity": (PROCESS, stimulus(b"[[-Infinity]]"), 400),
    "NaN as text": (PROCESS, stimulus(b'[["NaN"]]'), 422),
    "1e400": (PROCESS, stimulus(b"[[1e400]]"), 422),
    "1e308": (
        PROCESS,
        stimulus(b"[%s]" % b",".join([b"[" + b",".join([b"1e308"] * 8) + b"]"] * 8)),
        422,
    ),
    "400 digits": (PROCESS, stimulus(b"[[" + b"9" * 400 + b"]]"), 422),
    "a million digits": (PROCESS, stimulus(b"[[" + b"9" * 10**6 + b"]]"), 422),
    "huge seed": (BRAINS, b'{"seed": %s}' % (b"9" * 5000), 422),
    "tiny maximum": (PROCESS, GOOD_BODY.replace(b"16}", b"5e-324}"), 422),
    "maximum 0": (PROCESS, GOOD_BODY.replace(b"16}", b"0}"), 422),
    "a million in a row": (PROCESS, stimulus(b"[" + MILLION + b"]"), 422),
    "a million rows": (PROCESS, stimulus(b"[" + b",".join([b"[]"] * 10**6) + b"]"), 422),
    "a million to fit": (PROCESS, b'{"fit": true, "stimulus": [' + MILLION + b"]}", 200),
    "a million channels": (PROCESS, stimulus(b"[[" + b",".join([b"[]"] * 10**6) + b"]]"), 422),
    "a million in a channel": (PROCESS, stimulus(b"[[" + MILLION + b"]]"), 422),
    "a million entries": (FORGET, b'{"entries": ' + MILLION + b"}", 422),
    "a million stimuli": (MANY, b'{"stimuli": [' + b",".join([b'""'] * 10**6) + b"]}", 422),
    "a million fields": (BRAINS, b"{" + b",".join([b'"a":0'] * 500_000) + b"}", 422),
    "no rows": (PROCESS, stimulus(b"[]"), 422),
    "empty rows": (PROCESS, stimulus(b"[[],[]]"), 422),
    "rows of several lengths": (PROCESS, stimulus(b"[[0,0],[0]]"), 422),
    "another size": (PROCESS, stimulus(b"[[0,0],[0,0]]"), 422),
    "four axes": (PROCESS, stimulus(b"[[[[0]]]]"), 422),
    "numbers and lists": (PROCESS, stimulus(b"[[0,[0]]]"), 422),
    "an object": (PROCESS, stimulus(b'{"0": 0}'), 422),
    "not base64": (PROCESS, stimulus(b'"*"'), 422),
    "neither": (FORGET, b"{}", 422),
    "both": (FORGET, b'{"label": "a", "entries": [1]}', 422),
    "NUL in a label": (
        LEARN,
        json.dumps({"stimulus": GOOD, "maximum": 16, "target": "a\0"}).encode(),
        422,
    ),
    "long label": (LEARN, json.dumps({"stimulus": GOOD, "target": "a" * 201}).encode(), 422),
    "empty label": (LEARN, json.dumps({"stimulus": GOOD, "target": ""}).encode(), 422),
    "surrogate in a label": (LEARN, b'{"stimulus": [[0]], "target": "\\ud800"}', 400),
    "surrogate in a name": (BRAINS, b'{"name": "\\udc00 a"}', 400),
    "NUL in a name": (BRAINS, b'{"name": "a\\u0000b"}', 422),
    "NUL in a snapshot's name": (SNAPSHOTS, b'{"name": "\\u0000"}', 422),
    "direction override in a name": (BRAINS, '{"name": "\u202eabc"}'.encode(), 422),
    "long name": (BRAINS, b'{"name": "%s"}' % (b"a" * 101), 422),
    "NUL in a label to forget": (FORGET, b'{"label": "a\\u0000"}', 422),
    "unknown field": (BRAINS, b'{"nam": "a"}', 422),
    "huge reward": (LEARN, b'{"stimulus": [[0]], "reward": 1e300}', 422),
}


@pytest.mark.parametrize("case", BODIES)
def test_json_that_is_wrong_is_refused_with_a_documented_status(target: Target, case: str) -> None:
    path, body, status = BODIES[case]
    assert target.send("POST", path, body, JSON).status == status


def test_of_a_key_that_comes_twice_the_last_one_counts(target: Target) -> None:
    # As RFC 8259 (4) lets a parser choose, and as every browser does.
    body = b'{"stimulus": [[0]], ' + GOOD_BODY[1:]
    assert target.send("POST", PROCESS, body, JSON).body == target.thought


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip"])
def test_a_packed_body_is_never_unpacked(target: Target, encoding: str) -> None:
    bomb = gzip.compress(bytes(64 * 2**20))
    answer = target.send("POST", PROCESS, bomb, JSON, f"Content-Encoding: {encoding}")
    assert answer.status == 415


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data", "image/gif", "a" * 300, ""])
def test_another_content_type_is_refused(target: Target, kind: str) -> None:
    answer = target.send("POST", PROCESS, GOOD_BODY, f"Content-Type: {kind}")
    assert answer.status == 415


# ------------------------------------------------------------------ pictures


@pytest.mark.parametrize("case", [name for name, _ in odd_pictures.readable()])
def test_an_unusual_picture_is_read(target: Target, case: str) -> None:
    picture = dict(odd_pictures.readable())[case]
    assert target.send("POST", PROCESS, picture, PNG).status == 200


PICTURES = {
    **{name: (data, {422}) for name, data in odd_pictures.broken()},
    **{name: (data, {413}) for name, data in odd_pictures.too_large()},
    **{name: (data, {200, 422}) for name, data in odd_pictures.swollen()},
}


@pytest.mark.parametrize("case", PICTURES)
def test_a_bad_picture_is_refused_and_never_unpacked(target: Target, case: str) -> None:
    picture, statuses = PICTURES[case]
    assert target.send("POST", PROCESS, picture, PNG).status in statuses
    text = json.dumps({"stimulus": b64encode(picture).decode()}).encode()
    assert target.send("POST", PROCESS, text, JSON).status in statuses


def test_no_bad_picture_harms_its_neighbours(target: Target) -> None:
    bombs = [*odd_pictures.swollen(), *odd_pictures.too_large()]
    with ThreadPoolExecutor(8) as clients:
        bad = [
            clients.submit(target.send, "POST", PROCESS, picture, PNG)
            for _ in range(4)
            for _, picture in bombs
        ]
        good = [clients.submit(target.think) for _ in range(20)]
    assert {one.result() for one in good} == {target.thought}
    assert {one.result().status for one in bad} <= {200, 413, 422}


# ------------------------------------------------------------------ sizes, true and false


def head(path: str, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: here", BEARER, JSON, *headers, "", ""]
    return "\r\n".join(lines).encode()


def pour(client: Client, part: bytes, size: int) -> None:
    """Send as much as the server takes."""
    with contextlib.suppress(OSError):
        for _ in range(size // len(part)):
            client.send(part)


def test_fifty_megabytes_are_refused(target: Target) -> None:
    path = PROCESS.format(brain=target.brain)
    with target.client() as client:
        client.send(head(path, f"Content-Length: {FIFTY_MB}"))
        pour(client, bytes(10**5), FIFTY_MB)
        answer = client.answer()
    assert answer.status == 413
    target.must_be_documented("POST", PROCESS, answer)


def test_fifty_megabytes_in_chunks_are_refused(target: Target) -> None:
    path = PROCESS.format(brain=target.brain)
    with target.client() as client:
        client.send(head(path, "Transfer-Encoding: chunked"))
        pour(client, b"%x\r\n%s\r\n" % (10**5, bytes(10**5)), FIFTY_MB)
        answer = client.answer()
    assert answer.status == 413
    target.must_be_documented("POST", PROCESS, answer)


def test_fifty_megabytes_with_a_request_that_needs_no_body_are_refused(target: Target) -> None:
    with target.client() as client:
        client.send(head("/v1/models", f"Content-Length: {FIFTY_MB}").replace(b"POST", b"GET", 1))
        pour(client, bytes(10**5), FIFTY_MB)
        answer = client.answer()
    assert answer.status == 413
    target.must_be_documented("GET", "/v1/models", answer)


def test_many_large_bodies_at_once_are_held_within_bounds(target: Target) -> None:
    body = stimulus(b"[" + b",".join([b"0"] * 1_900_000) + b"]")
    with ThreadPoolExecutor(8) as clients:
        statuses = clients.map(lambda _: target.send("POST", PROCESS, body, JSON).status, range(16))
        assert set(statuses) <= {422, 503}


def test_a_body_shorter_than_it_says_is_given_up(target: Target) -> None:
    begin = time.monotonic()
    with target.client() as client:
        client.send(head(PROCESS.format(brain=target.brain), "Content-Length: 5000") + GOOD_BODY)
        answer = client.answer()
    assert answer.status == 408
    assert time.monotonic() - begin < 10 * PATIENCE_S
    target.must_be_documented("POST", PROCESS, answer)


def test_what_comes_behind_a_body_is_another_request(target: Target) -> None:
    said = f"Content-Length: {len(GOOD_BODY)}"
    with target.client() as client:
        client.send(head(PROCESS.format(brain=target.brain), said) + GOOD_BODY + GOOD_BODY)
        # The connection ends at what is not HTTP; whether before or after the answer is chance.
        assert client.answer().body in (b"", target.thought)
        assert client.answer().status in (0, 400)


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: -1",),
        ("Content-Length: 1e3",),
        ("Content-Length: 99999999999999999999999",),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked, identity",),
    ],
)
def test_a_length_that_can_be_read_in_two_ways_is_refused(
    target: Target, headers: tuple[str, ...]
) -> None:
    with target.client() as client:
        client.send(head(PROCESS.format(brain=target.brain), *headers) + b"0\r\n\r\n")
        answer = client.answer()
    assert answer.status == 400
    target.must_be_documented("POST", PROCESS, answer)


def test_chunks_that_are_none_are_refused(target: Target) -> None:
    with target.client() as client:
        client.send(head(PROCESS.format(brain=target.brain), "Transfer-Encoding: chunked"))
        client.send(b"zz\r\nnonsense")
        assert client.answer().status in (0, 400)
        assert client.is_closed()


# ------------------------------------------------------------------ time and connections


@pytest.mark.parametrize("start", [b"", b"GET /v1/mod", b"GET / HTTP/1.1\r\nHost: here\r\nX: "])
def test_a_head_that_does_not_come_ends_the_connection(target: Target, start: bytes) -> None:
    begin = time.monotonic()
    with target.client() as client:
        client.send(start)
        assert client.is_closed()
    assert time.monotonic() - begin < 10 * PATIENCE_S


def test_a_body_drop_by_drop_is_given_up(target: Target) -> None:
    with target.client() as client:
        client.send(head(PROCESS.format(brain=target.brain), f"Content-Length: {len(GOOD_BODY)}"))
        with contextlib.suppress(OSError):
            for byte in GOOD_BODY[:10]:
                client.send(bytes([byte]))
                time.sleep(PATIENCE_S / 5)
        answer = client.answer()
    assert answer.status == 408
    target.must_be_documented("POST", PROCESS, answer)


def test_a_head_of_a_megabyte_is_refused(target: Target) -> None:
    with target.client() as client:
        pour(client, b"GET / HTTP/1.1\r\nX: " + b"a" * 10**6, 10**6 + 20)
        assert client.answer().status in (0, 431)


def test_a_client_that_says_all_and_closes_its_side_is_answered_or_dropped(
    target: Target,
) -> None:
    said = f"Content-Length: {len(GOOD_BODY)}"
    with target.client() as client:
        client.send(head(PROCESS.format(brain=target.brain), said) + GOOD_BODY)
        client.socket.shutdown(socket.SHUT_WR)
        answer = client.answer()
    assert answer.status in (0, 200)
    assert answer.status == 0 or answer.body == target.thought


def test_requests_in_one_go_are_answered_in_order(target: Target) -> None:
    said = f"Content-Length: {len(GOOD_BODY)}"
    think = head(PROCESS.format(brain=target.brain), said) + GOOD_BODY
    ask = head(BRAINS + "/" + target.brain).replace(b"POST", b"GET", 1)
    with target.client() as client:
        client.send((think + ask) * 50)
        client.send(ask.replace(BEARER.encode(), b"Connection: close"))
        text = b"".join(iter(lambda: client.socket.recv(65536), b""))
    bodies = re.findall(rb"\r\n\r\n(\{.*?\})(?=HTTP/1\.1|$)", text, re.DOTALL)
    assert bodies[:-1:2] == [target.thought] * 50
    assert [json.loads(body)["id"] for body in bodies[1:-1:2]] == [target.brain] * 50
    assert json.loads(bodies[-1])["status"] == 401


def test_who_asks_much_in_one_go_and_leaves_is_forgotten(target: Target) -> None:
    said = f"Content-Length: {len(GOOD_BODY)}"
    think = head(PROCESS.format(brain=target.brain), said) + GOOD_BODY
    for wait_s in (0.0, 0.005, 0.02):
        with target.client() as client:
            client.send(think * 20)
            time.sleep(wait_s)


def test_a_flood_of_connections_is_turned_away(target: Target) -> None:
    request = head("/health/live").replace(b"POST", b"GET", 1)
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(target.client()) for _ in range(2 * CONNECTIONS)]
        for client in crowd:
            with contextlib.suppress(OSError):
                client.send(request)
        answers = [client.answer() for client in crowd]
    statuses = [answer.status for answer in answers]
    assert statuses.count(200) >= CONNECTIONS - 1  # one may still be closing
    refused = [answer for answer in answers if answer.status == 503]
    assert refused
    for answer in refused:
        assert int(answer.headers["retry-after"]) >= 1
        target.must_be_documented("GET", "/health/live", answer)
    assert set(statuses) <= {0, 200, 503}
    wait_for_room(target)


def wait_for_room(target: Target) -> None:
    """Until the server noticed that the crowd has gone."""
    give_up = time.monotonic() + 5
    while not target.server.is_ready() and time.monotonic() < give_up:
        time.sleep(0.05)


def leave(client: Client, *, rudely: bool) -> None:
    if rudely:  # a reset instead of an end
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.socket.close()


@pytest.mark.parametrize("rudely", [False, True])
def test_clients_that_leave_in_the_middle_are_forgotten(target: Target, rudely: bool) -> None:
    said = f"Content-Length: {len(GOOD_BODY)}"
    whole = head(PROCESS.format(brain=target.brain), said) + GOOD_BODY
    stream = head(f"/v1/brains/{target.brain}/events").replace(b"POST", b"GET", 1)
    for size in range(0, len(whole) + 1, 7):
        client = target.client()
        client.send(whole[:size])
        leave(client, rudely=rudely)
    for request in (whole, stream) * 20:
        client = target.client()
        client.send(request)
        leave(client, rudely=rudely)
    wait_for_room(target)
    wait_for_no_streams(target)


def wait_for_no_streams(target: Target) -> None:
    give_up = time.monotonic() + 5
    while True:
        metrics = target.server.call("GET", "/metrics")[1].decode()
        open_streams = re.findall(r"^neurallayers_\w*streams\S* ([\d.]+)$", metrics, re.MULTILINE)
        assert open_streams
        if not any(float(value) for value in open_streams):
            return
        assert time.monotonic() < give_up, "streams of clients that left stay open"
        time.sleep(0.05)


# ------------------------------------------------------------------ live events, by hand


@pytest.mark.parametrize(
    ("brain", "headers", "status"),
    [
        ("{brain}", (BEARER,), 200),
        ("{brain}", (), 401),
        ("0" * 32, (BEARER,), 404),
        ("nonsense", (BEARER,), 422),
    ],
)
def test_the_stream_of_events_has_the_documented_statuses(
    target: Target, brain: str, headers: tuple[str, ...], status: int
) -> None:
    path = f"/v1/brains/{brain}/events".format(brain=target.brain)
    with target.client() as client:
        answer = client.ask("GET", path, *headers)
    assert answer.status == status
    target.must_be_documented("GET", "/v1/brains/{brain}/events", answer)
