"""What a request may be: checks of its head, and reading its body within a size and a time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, NamedTuple

from neurallayers.service.failures import (
    Failure,
    NotFound,
    Overloaded,
    TooLarge,
    TooLong,
    TooSlow,
    Unsupported,
)
from neurallayers.service.settings import Settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

ADDRESS_BYTES_AT_MOST = 4096
QUERY_BYTES_AT_MOST = 8192
# Up to here the rest of a body that nobody reads costs less than a new connection.
SMALL_BODY_BYTES = 64 * 1024

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_WANTED = frozenset(
    {
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"expect",
        b"transfer-encoding",
        b"x-request-id",
    }
)


class Head(NamedTuple):
    """What the edge wants to know of the headers of a request."""

    authorization: bytes | None
    request_id: bytes | None  # only if it is a sane one
    length: int | None  # of the body [bytes]; None if it is streamed
    encoding: bytes | None
    waits: bool  # the client sends its body only when asked to

    @property
    def has_body(self) -> bool:
        """Whether a body comes after the head."""
        return self.length != 0

    @property
    def small(self) -> bool:
        """Whether the body is small enough to be skipped, and comes without being asked for."""
        return self.length is not None and self.length <= SMALL_BODY_BYTES and not self.waits


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


def read_head(headers: Iterable[tuple[bytes, bytes]]) -> Head:
    """Pick out what matters; names of headers are in lower case, as ASGI promises."""
    found = {name: value for name, value in headers if name in _WANTED}
    if not found:
        return Head(None, None, 0, None, waits=False)
    length: int | None = 0
    text = found.get(b"content-length")
    if b"transfer-encoding" in found:
        length = None
    elif text is not None:
        # The server's parser has refused what is not a number; another server may not.
        length = int(text) if text.isdigit() else None
    request_id = found.get(b"x-request-id")
    if request_id is not None and _REQUEST_ID.fullmatch(request_id) is None:
        request_id = None
    return Head(
        found.get(b"authorization"),
        request_id,
        length,
        found.get(b"content-encoding"),
        waits=found.get(b"expect", b"").lower() == b"100-continue",
    )


def check_address(scope: Scope) -> Failure | None:
    """What is wrong with the address of a request."""
    path: str = scope["path"]
    if len(path) > ADDRESS_BYTES_AT_MOST or len(scope["query_string"]) > QUERY_BYTES_AT_MOST:
        return TooLong(
            f"The address has {len(path)} characters and a query of "
            f"{len(scope['query_string'])} bytes.",
            f"At most {ADDRESS_BYTES_AT_MOST} and {QUERY_BYTES_AT_MOST} are read.",
        )
    if not path.isprintable() and _CONTROL.search(path):
        return NotFound(
            "The address contains control characters.", "See /docs for the addresses there are."
        )
    return None


def check_body(head: Head, settings: Settings) -> Failure | None:
    """What is wrong with a body, as far as the head tells."""
    encoding = head.encoding
    if encoding is not None and encoding.strip().lower() not in (b"", b"identity"):
        return Unsupported(
            f"The content encoding {encoding[:40].decode('latin-1')!r} is not understood.",
            "Send the body as it is, without Content-Encoding.",
        )
    if head.length is not None and head.length > settings.body_limit_bytes:
        return too_large(settings.body_limit_bytes, f"has {head.length} bytes")
    return None


def too_large(limit: int, what: str = "is larger than that") -> TooLarge:
    """The failure of a body over the limit."""
    return TooLarge(f"The body {what}.", f"At most {limit} bytes are read.")


class BodyReader:
    """Reads bodies whole, within the limits of the settings, and never too many at once."""

    def __init__(self, settings: Settings) -> None:
        self._limit = settings.body_limit_bytes
        self._limit_together = settings.bodies_limit_bytes
        self._timeout_s = settings.body_timeout_s
        self.held_bytes = 0

    async def read(self, receive: Receive) -> bytes:
        """The body of a request; call :meth:`release` with its length when it is done with.

        Raises:
            TooLarge: As soon as more than the limit has come.
            TooSlow: If the body is not complete in time.
            Overloaded: If too much of other bodies is held.
            ClientGone: If the client went away.
        """
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._timeout_s) as patience:
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientGone
                    part: bytes = message.get("body", b"")
                    size += len(part)
                    self.held_bytes += len(part)
                    self._check(size)
                    parts.append(part)
                    if not message.get("more_body", False):
                        return parts[0] if len(parts) == 1 else b"".join(parts)
        except TimeoutError:
            self.release(size)
            if not patience.expired():
                raise
            raise TooSlow(
                f"The body was not complete after {self._timeout_s:g} s; {size} bytes have come.",
                "Send it without pauses, and as long as Content-Length says.",
            ) from None
        except BaseException:
            self.release(size)
            raise

    def release(self, size: int) -> None:
        """A body of this size is no longer held."""
        self.held_bytes -= size

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise too_large(self._limit)
        if self.held_bytes > self._limit_together:
            raise Overloaded(
                "Too many large bodies are being received at the moment.",
                "Try again in a few seconds, or send fewer at once.",
                retry_after_s=2,
                reason="bodies",
            )


async def swallow(receive: Receive, seconds: float) -> None:
    """Read and forget the rest of a body for a while.

    Closing a connection on which unread bytes wait resets it, and the client may lose the answer
    that is already on its way (RFC 9112, 9.6).
    """
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return
