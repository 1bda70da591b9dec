"""A real server on the loopback around a tiny application, and a client that sees bytes."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from neurallayers.service.access import ApiKey
from neurallayers.service.connections import ServerConfig
from neurallayers.service.edge import Edge
from neurallayers.service.limits import Receive, Scope, Send
from neurallayers.service.server import Server, listen, url_of
from neurallayers.service.settings import Settings
from neurallayers.service.telemetry import Telemetry

KEY = "a-key-for-the-tests"
BEARER = f"Authorization: Bearer {KEY}"
BRAIN = "/v1/brains/" + "0" * 32
TEMPLATES = (
    "/",
    "/docs",
    "/health/live",
    "/metrics",
    "/v1/brains",
    "/v1/brains/{brain_id}",
    "/v1/brains/{brain_id}/process",
    "/v1/brains/{brain_id}/learn",
    "/v1/brains/{brain_id}/events",
)


class TinyApp:
    """Tells what it got; some addresses misbehave."""

    def __init__(self) -> None:
        self.requests = 0
        self.finished = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        self.requests += 1
        path = scope["path"]
        if path == "/v1/brains/broken":
            raise RuntimeError("a secret of the inside")
        if path == "/v1/brains/half":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            raise RuntimeError("in the middle")
        if path == "/v1/brains/slow" or path.endswith("/events"):
            await asyncio.sleep(0.6)
        if path == "/v1/brains/endless":
            await asyncio.sleep(60)
        await self._answer(scope, receive, send)
        self.finished += 1

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        content = json.dumps(
            {"path": scope["path"], "bytes": len(body), "id": scope["state"]["request_id"]}
        ).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(content)),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            kind = (await receive())["type"]
            await send({"type": f"{kind}.complete"})
            if kind == "lifespan.shutdown":
                return


def settings_of(**changes: Any) -> Settings:
    """Settings for a test: any free port, no patience."""
    given: dict[str, Any] = {
        "port": 0,
        "api_key": KEY,
        "body_timeout_s": 0.4,
        "header_timeout_s": 0.4,
        "request_timeout_s": 0.3,
        "drain_timeout_s": 2,
        "log_format": "json",
    }
    return Settings.load(**(given | changes))


def edge_of(app: Any, settings: Settings, **options: Any) -> Edge:
    """An edge around an application."""
    given: dict[str, Any] = {"telemetry": Telemetry(), "templates": TEMPLATES}
    return Edge(app, settings=settings, key=ApiKey(KEY), **(given | options))


class Answer:
    """A response, taken apart."""

    def __init__(self, raw: bytes) -> None:
        head, _, self.body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1]) if first else 0
        pairs = [line.partition(": ") for line in lines]
        self.headers = {name.lower(): value for name, _, value in pairs}

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def slug(self) -> str:
        """The last part of the type of a problem, after a look at the whole document."""
        problem = self.json
        assert self.headers["content-type"] == "application/problem+json"
        assert problem["status"] == self.status
        assert problem["title"]
        assert problem["detail"]
        assert problem["remedy"]
        return str(problem["type"].removeprefix("urn:neurallayers:problem:"))


class Client:
    """A connection on which a test writes what it likes."""

    def __init__(self, port: int, timeout_s: float = 5.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout_s)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self) -> Answer:
        """Read one response; of status 0 if the connection was closed instead."""
        raw = b""
        while b"\r\n\r\n" not in raw:
            raw += (part := self._read())
            if not part:
                return Answer(raw)
        head, _, body = raw.partition(b"\r\n\r\n")
        length = Answer(head).headers.get("content-length", "0")
        while len(body) < int(length):
            body += (part := self._read())
            if not part:
                break
        return Answer(head + b"\r\n\r\n" + body)

    def ask(self, method: str, path: str, *headers: str, body: bytes = b"") -> Answer:
        """Send a whole request and read its response."""
        lines = [f"{method} {path} HTTP/1.1", "Host: here", *headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join([*lines, "", ""]).encode() + body)
        return self.answer()

    def is_closed(self) -> bool:
        """Whether the server ended the connection; waits as long as the client has patience."""
        try:
            return not self._read()
        except TimeoutError:
            return False

    def _read(self) -> bytes:
        try:
            return self.socket.recv(65536)
        except ConnectionResetError:
            return b""


@contextmanager
def running(edge: Any, settings: Settings) -> Iterator[int]:
    """Serve in a thread; gives the port."""
    listener = listen(settings)
    ready = threading.Event()

    def on_ready(_url: str) -> None:
        ready.set()

    server = Server(ServerConfig(edge, settings), url_of(listener), on_ready)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        assert ready.wait(60)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
        assert not thread.is_alive()


@contextmanager
def serving(
    app: Any = None, refuse: Callable[[str], Any] | None = None, **changes: Any
) -> Iterator[tuple[int, Edge]]:
    """Serve a tiny application behind an edge; gives the port and the edge."""
    settings = settings_of(**changes)
    edge = edge_of(app or TinyApp(), settings, refuse=refuse)
    with running(edge, settings) as port:
        yield port, edge
