"""The one layer between the server and the application.

Every request passes :class:`Edge` once. It names the request, checks the address, the key and the
body, refuses what cannot be served, limits the time, and afterwards counts and logs. Being one
plain ASGI class instead of a stack of middlewares, it costs some tens of microseconds.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Mapping

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from neurallayers.service.access import ApiKey, unauthorized
from neurallayers.service.addresses import Address, AddressBook
from neurallayers.service.failures import (
    Failure,
    Headers,
    Overloaded,
    TimedOut,
    TooSlow,
    TryLater,
    Unavailable,
)
from neurallayers.service.limits import (
    App,
    BodyReader,
    ClientGone,
    Head,
    Message,
    Receive,
    Scope,
    Send,
    check_address,
    check_body,
    read_head,
    swallow,
)
from neurallayers.service.logs import REQUEST_ID, RequestLine, RequestLog
from neurallayers.service.policy import STRICT, security_headers
from neurallayers.service.problems import kind_of, raw_problem
from neurallayers.service.settings import Settings
from neurallayers.service.telemetry import RouteMeter, Telemetry

log = logging.getLogger(__name__)

CLIENT_GONE = 499  # what nginx logs for a request whose client did not wait; it is never sent
_FLUSH_AFTER_S = 0.2
_TURNED_AWAY_S = 1.0
_SWALLOW_S = 5.0
_HEALTH = "/health/"


class Edge:
    """The application as the server sees it.

    Args:
        app: The application that answers what is let through.
        settings: Limits and times.
        key: What clients of ``/v1`` must show.
        telemetry: Where requests are counted.
        templates: The templates of all routes, such as ``/v1/brains/{brain_id}/process``.
        refuse: Asked before the body of a request for the compute thread is read, with the template
            and how many have been let in that it does not know of yet; what it gives is the answer,
            None lets the request in.
        request_log: Writes a line for each request; None writes none.
        policies: Content security policies by template; all others get the strictest.
        on_drain: Called once when the server begins to stop, before requests are waited for.
    """

    def __init__(
        self,
        app: App,
        *,
        settings: Settings,
        key: ApiKey,
        telemetry: Telemetry,
        templates: Iterable[str],
        refuse: Callable[[str, int], Failure | None] | None = None,
        request_log: RequestLog | None = None,
        policies: Mapping[str, str] | None = None,
        on_drain: Callable[[], None] | None = None,
    ) -> None:
        self.app = app
        self.settings = settings
        self.telemetry = telemetry
        self.draining = False
        self.bodies = BodyReader(settings)
        self._key = key
        self._refuse = refuse
        self._request_log = request_log
        self._on_drain = on_drain
        self._book = AddressBook(templates)
        policies = policies or {}
        known = [*self._book.addresses, self._book.unknown]
        self._meters = {one.template: telemetry.route(one.template) for one in known}
        self._extras = {
            one.template: security_headers(policies.get(one.template, STRICT)) for one in known
        }
        # Unique among all processes, and far cheaper than a UUID.
        self._id_prefix = secrets.token_hex(6)
        self._id_counter = itertools.count(1)
        self._turned_away = 0
        self._on_the_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; the lifespan goes straight to the application."""
        if scope["type"] == "http":
            await Exchange(self, scope, receive, send).serve()
        elif scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            if self._request_log is not None:
                self._request_log.lines.flush()

    async def overfull(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request on a connection beyond those that are allowed."""
        failure = Overloaded(
            f"There are more than {self.settings.connections_at_most} connections.",
            "Try again in a few seconds, and keep connections open between requests.",
            retry_after_s=2,
            reason="connections",
        )
        await Exchange(self, scope, receive, send).refuse(failure, close=True)

    def turn_away(self, method: bytes, url: bytes, headers: Headers) -> bytes | None:
        """The whole answer to a request that comes when there is too much to do.

        A server that is asked for more than it can do spends its time on refusals; this one costs
        a tenth of the way through the application.

        Args:
            method: Its method.
            url: Its address, as it was sent.
            headers: Its headers.

        Returns:
            The bytes; none to let it in.
        """
        if method != b"POST" or self._refuse is None or self.draining:
            return None
        began = time.perf_counter()
        address = self._book.find(url.partition(b"?")[0].decode("ascii", "replace"))
        if not address.heavy:
            return None
        failure = self._refuse(address.template, self._on_the_way)
        if failure is None:
            self._expect_one()
            return None
        head = read_head(headers)
        if not head.small or not self._key.admits(head.authorization):
            return None
        request_id = head.request_id.decode("ascii") if head.request_id else self.name_request()
        status, lines, body = raw_problem(failure, request_id)
        lines += [*self._extras[address.template], (b"x-request-id", request_id.encode("ascii"))]
        if isinstance(failure, TryLater):
            self.telemetry.refuse(failure.reason)
        self.telemetry.error(kind_of(failure).slug)
        self._meters[address.template].observe("POST", status, time.perf_counter() - began)
        self._note_turned_away()
        parts = [name + b": " + value + b"\r\n" for name, value in lines]
        return b"".join([STATUS_LINE[status], *parts, b"\r\n", body])

    def _expect_one(self) -> None:
        """Count a request that is let in until the engine counts it, which is a moment later.

        Of hundreds of heads that come in one go, all would be let in otherwise, to be refused later
        at ten times the cost.
        """
        self._on_the_way += 1
        asyncio.get_running_loop().call_soon(self._arrived)

    def _arrived(self) -> None:
        self._on_the_way -= 1

    def _note_turned_away(self) -> None:
        """Log how many were turned away, not each of them."""
        if not self._turned_away:
            asyncio.get_running_loop().call_later(_TURNED_AWAY_S, self._tell_turned_away)
        self._turned_away += 1

    def _tell_turned_away(self) -> None:
        log.warning("requests.turned_away", extra={"requests": self._turned_away})
        self._turned_away = 0

    def drain(self) -> None:
        """The server stops: what is accepted is finished, nothing new is let in."""
        if not self.draining:
            self.draining = True
            if self._on_drain is not None:
                self._on_drain()

    # ------------------------------------------------------------------ for an exchange

    def find(self, path: str) -> Address:
        """The route of a path."""
        return self._book.find(path)

    def name_request(self) -> str:
        """A name for a request that came without one."""
        return f"{self._id_prefix}-{next(self._id_counter):x}"

    def extras(self, template: str) -> Headers:
        """Headers that every answer of a route has."""
        return self._extras[template]

    def judge(self, scope: Scope, head: Head, address: Address) -> Failure | None:
        """Why a request is refused, as far as its head tells; None lets it in."""
        path: str = scope["path"]
        wrong = check_address(scope)
        if wrong is not None:
            return wrong
        if self._needs_key(path) and not self._key.admits(head.authorization):
            return unauthorized(head.authorization)
        if head.has_body:
            wrong = check_body(head, self.settings)
            if wrong is not None:
                return wrong
        if self.draining and not path.startswith(_HEALTH):
            return self.stopping()
        if address.heavy and self._refuse is not None and scope["method"] == "POST":
            return self._refuse(address.template, 0)
        return None

    def stopping(self) -> Unavailable:
        """The failure of what comes, or is not done, when the server stops."""
        return Unavailable(
            "The service is stopping.", "Try again in a few seconds.", 2, reason="draining"
        )

    def _needs_key(self, path: str) -> bool:
        if path.startswith("/v1"):
            return path[3:4] in ("", "/")
        return path == "/metrics" and not self.settings.public_metrics

    def record(self, exchange: Exchange, seconds: float) -> None:
        """Count a request that is over, and log it."""
        meter: RouteMeter = self._meters[exchange.address.template]
        method: str = exchange.scope["method"]
        meter.observe(method, exchange.status, seconds)
        problem = exchange.scope["state"].get("problem") if exchange.status >= 400 else None
        if problem is not None:
            self.telemetry.error(problem)
        if self._request_log is not None:
            line = RequestLine(
                method,
                exchange.address.template,
                exchange.status,
                round(seconds * 1e3, 3),
                exchange.request_id,
                exchange.bytes_in,
                problem,
            )
            if self._request_log.write(line):
                loop = asyncio.get_running_loop()
                loop.call_later(_FLUSH_AFTER_S, self._request_log.lines.flush)


class Exchange:
    """One request and its answer.

    Args:
        edge: The edge that it passes.
        scope: The scope of ASGI.
        receive: The server's.
        send: The server's.
    """

    __slots__ = (
        "_body",
        "_edge",
        "_extras",
        "_receive",
        "_seconds",
        "_send",
        "_started",
        "address",
        "bytes_in",
        "head",
        "request_id",
        "scope",
        "status",
    )

    def __init__(self, edge: Edge, scope: Scope, receive: Receive, send: Send) -> None:
        self._started = time.perf_counter()
        self._edge = edge
        self._receive = receive
        self._send = send
        self._body: bytes | None = None
        self._seconds = 0.0  # until the answer is complete, where the exchange goes on after it
        self.scope = scope
        self.head = head = read_head(scope["headers"])
        self.request_id = (
            head.request_id.decode("ascii") if head.request_id else edge.name_request()
        )
        self.address = edge.find(scope["path"])
        self._extras = edge.extras(self.address.template)
        self.bytes_in = 0
        self.status = 0  # until an answer has begun
        state = scope.setdefault("state", {})
        state["request_id"] = self.request_id
        REQUEST_ID.set(self.request_id)

    async def serve(self) -> None:
        """From the head of the request to its line in the log."""
        try:
            failure = self._edge.judge(self.scope, self.head, self.address)
            if failure is not None:
                await self._answer(failure, close=self._closes())
            else:
                await self._let_in()
        finally:
            self._record()

    async def refuse(self, failure: Failure, *, close: bool) -> None:
        """Answer with a failure, whatever the request is."""
        try:
            await self._answer(failure, close=close)
        finally:
            self._record()

    # ------------------------------------------------------------------ in order of events

    async def _let_in(self) -> None:
        if not self.head.has_body:
            await self._call(self._receive)
            return
        bodies = self._edge.bodies
        try:
            body = self._body = await bodies.read(self._receive)
        except Failure as failure:
            await self._answer(failure, close=True)
            return
        except ClientGone:
            return
        self.bytes_in = len(body)
        try:
            await self._call(self._receive_body)
        finally:
            bodies.release(self.bytes_in)

    async def _call(self, receive: Receive) -> None:
        """Let the application answer, within the time that requests have."""
        edge = self._edge
        limit_s = None if self.address.stream else edge.settings.request_timeout_s
        try:
            async with asyncio.timeout(limit_s) as patience:
                await edge.app(self.scope, receive, self._send_answer)
        except asyncio.CancelledError:
            if not edge.draining or self.status:
                raise
            await self._answer(edge.stopping(), close=True)
        except Exception as error:
            if isinstance(error, TimeoutError) and patience.expired():
                await self._time_out()
            else:
                await self._fail(error)

    async def _time_out(self) -> None:
        if self.status:
            # The client reads too slowly; the server closes what is left unfinished.
            log.warning("request.unfinished", extra={"route": self.address.template})
            return
        limit_s = self._edge.settings.request_timeout_s
        await self._answer(
            TimedOut(
                f"There was no answer within {limit_s:g} s.",
                "Try again when there is less to do; a lesson may have been learned, so repeat "
                "it with the same Idempotency-Key.",
            ),
            close=False,
        )

    async def _fail(self, error: Exception) -> None:
        # The framework has answered most errors already and raises again what is our mistake.
        log.error(
            "request.failed",
            exc_info=error,
            extra={"route": self.address.template, "request_id": self.request_id},
        )
        if not self.status:
            await self._answer(error, close=False)

    async def _receive_body(self) -> Message:
        body, self._body = self._body, None
        if body is None:
            return await self._receive()
        return {"type": "http.request", "body": body, "more_body": False}

    async def _send_answer(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [
                *message.get("headers", ()),
                *self._extras,
                (b"x-request-id", self.request_id.encode("ascii")),
            ]
        await self._send(message)

    async def _answer(self, error: Exception, *, close: bool) -> None:
        """Send a problem document.

        Args:
            error: The problem.
            close: Close the connection afterwards, because the rest of the body is not wanted.
        """
        telemetry = self._edge.telemetry
        if isinstance(error, TryLater):
            telemetry.refuse(error.reason)
        self.scope["state"]["problem"] = kind_of(error).slug
        status, headers, body = raw_problem(error, self.request_id)
        if close:
            headers.append((b"connection", b"close"))
        await self._send_answer(
            {"type": "http.response.start", "status": status, "headers": headers}
        )
        # A client that is still sending reads an answer only if its connection is not reset.
        lingers = (
            close and self.head.has_body and not self.head.waits and not isinstance(error, TooSlow)
        )
        await self._send({"type": "http.response.body", "body": body, "more_body": lingers})
        if lingers:
            self._seconds = time.perf_counter() - self._started
            await swallow(self._receive, _SWALLOW_S)
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def _closes(self) -> bool:
        """Whether a connection ends with an answer that is given before the body is read.

        A small body is skipped. What a client does with its body that it was not asked for, after
        ``Expect: 100-continue``, nobody can know (RFC 9110, 10.1.1).
        """
        return not self.head.small

    def _record(self) -> None:
        if not self.status:
            self.status = CLIENT_GONE
        self._edge.record(self, self._seconds or time.perf_counter() - self._started)
