"""Connections: uvicorn's protocol with the limits that it leaves to a proxy.

uvicorn waits for ever for the head of a request, and reads one of any size. Here a connection has
``header_timeout_s`` for a head of at most ``header_limit_bytes``, whether it is its first, comes
after an answer, or hides behind the rest of a body that nobody wants. Connections beyond
``connections_at_most`` are answered 503, far beyond they are closed.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from neurallayers.service.failures import Failure, Headers, HeadTooLarge, Malformed
from neurallayers.service.limits import Receive, Scope, Send
from neurallayers.service.problems import raw_problem
from neurallayers.service.settings import Settings

_HEAD_END = b"\r\n\r\n"


class Served(Protocol):
    """What can be served: an application behind an :class:`~neurallayers.service.edge.Edge`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

    async def overfull(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request on a connection too many."""

    def turn_away(self, method: bytes, url: bytes, headers: Headers) -> bytes | None:
        """The whole answer to a request that is refused for now; none to let it in."""

    def drain(self) -> None:
        """Let nothing new in."""


class ServerConfig(uvicorn.Config):
    """uvicorn's configuration with our limits; it is copied to the process of ``--reload``."""

    def __init__(self, app: Served | str, settings: Settings) -> None:
        self.header_timeout_s = settings.header_timeout_s
        self.header_limit_bytes = settings.header_limit_bytes
        self.connections_at_most = settings.connections_at_most
        super().__init__(
            cast(Any, app),
            host=settings.host,
            port=settings.port,
            factory=isinstance(app, str),
            http=LimitedProtocol,
            loop="auto",
            ws="none",
            lifespan="on",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=2048,
            timeout_keep_alive=settings.keep_alive_s,
            timeout_graceful_shutdown=settings.drain_timeout_s,
        )


class LimitedProtocol(HttpToolsProtocol):
    """One connection."""

    config: ServerConfig

    def __init__(
        self,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.access_log = False
        self._header_timer: asyncio.TimerHandle | None = None
        self._header_bytes = 0
        self._in_body = False
        self._running: RequestResponseCycle | None = None
        self._skipping = False

    # ------------------------------------------------------------------ the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client connected."""
        super().connection_made(transport)
        others = len(self.connections) - 1
        limit = self.config.connections_at_most
        if others >= limit:
            self.app = cast(Any, self.config.loaded_app).overfull
        if others >= 2 * limit:
            transport.abort()
            return
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client went, or was sent away."""
        self._forget_head()
        if self._running is not None:
            # uvicorn tells only the last of several requests that came in one go.
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """The client sent something."""
        if not self._in_body:
            limit = self.config.header_limit_bytes
            self._header_bytes += len(data)
            if self._header_bytes > limit and data.find(_HEAD_END, 0, limit) < 0:
                self._refuse(
                    HeadTooLarge(
                        f"The head of the request has more than {limit} bytes.",
                        "Send fewer or shorter headers.",
                    )
                )
                return
        super().data_received(data)
        if self._header_timer is None and self.timeout_keep_alive_task is None and self._is_idle():
            # Neither a request in progress nor an idle connection: a head is due.
            self._expect_head()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP."""
        self._refuse(Malformed("This is not a valid HTTP/1.1 request.", "Use an HTTP client."))

    def _unsupported_upgrade_warning(self) -> None:
        """A client offered another protocol; it is answered in this one, and nobody is told."""

    # ------------------------------------------------------------------ the parser

    def on_headers_complete(self) -> None:
        """The head of a request is complete."""
        self._forget_head()
        self._in_body = True
        self._header_bytes = 0
        if self._may_be_turned_away():
            served = cast(Served, self.config.loaded_app)
            answer = served.turn_away(self.parser.get_method(), self.url, self.headers)
            if answer is not None:
                # Its small body is skipped; no task is made for it and no application asked.
                self.transport.write(answer)
                self._skipping = True
                self._expect_head()
                return
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        if not self._skipping:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is complete."""
        self._in_body = False
        if not self._skipping:
            super().on_message_complete()
            return
        self._forget_head()
        self._skipping = False
        self.server_state.total_requests += 1
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def _may_be_turned_away(self) -> bool:
        """Whether a refusal can be written at once, with the connection kept."""
        return (
            self._is_idle()
            and not self.expect_100_continue
            and self.parser.get_http_version() == "1.1"
            and bool(self.parser.should_keep_alive())
            and not self.parser.should_upgrade()
        )

    # ------------------------------------------------------------------ heads that do not come

    def _is_idle(self) -> bool:
        """Whether no request is being answered."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is None or cycle.response_complete

    def _expect_head(self) -> None:
        if not self.transport.is_closing():
            self._header_timer = self.loop.call_later(
                self.config.header_timeout_s, self._head_is_late
            )

    def _forget_head(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _head_is_late(self) -> None:
        self._header_timer = None
        if not self.transport.is_closing():
            self.transport.close()

    def _refuse(self, failure: Failure) -> None:
        """Answer without an application, and close."""
        if self.transport.is_closing():
            return
        if self._is_idle():
            status, headers, body = raw_problem(failure)
            lines = [name + b": " + value + b"\r\n" for name, value in headers]
            self.transport.write(
                b"".join([STATUS_LINE[status], *lines, b"connection: close\r\n\r\n", body])
            )
        self.transport.close()
