"""What both transports say in the same way to and about httpx."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from neurallayers.client.access import Access
from neurallayers.client.events import SILENCE_AT_MOST_S
from neurallayers.client.exchange import Lost, Send
from neurallayers.client.failures import ServiceError, Unavailable
from neurallayers.extras import require

EVENTS = "text/event-stream"


def options(way: Access) -> dict[str, Any]:
    """How an HTTP client is made for this address."""
    return {
        "base_url": way.url,
        "headers": way.headers(),
        "follow_redirects": False,  # the key would go wherever the answer points to
        # A proxy of the environment cannot reach what listens on this machine only.
        "trust_env": not way.on_this_machine,
    }


def silence(send: Send) -> dict[str, float]:
    """How long the service may be silent at each stage [s], as httpx wants to know it."""
    stages = dict.fromkeys(("connect", "read", "write", "pool"), send.timeout_s)
    if send.request.accept == EVENTS:
        stages["read"] = SILENCE_AT_MOST_S
    return stages


def http() -> ModuleType:
    """The HTTP library.

    Raises:
        MissingExtra: If it is not installed.
    """
    library: ModuleType = require("httpx", extra="client")
    return library


def is_stream(send: Send, status: int, headers: Mapping[str, str]) -> bool:
    """Whether an answer is a stream of events.

    Raises:
        ServiceError: If it should be one and is another success.
    """
    if send.request.accept != EVENTS or not 200 <= status < 300:
        return False
    if not headers.get("content-type", "").startswith(EVENTS):
        raise ServiceError(
            f"{send.request} gave {headers.get('content-type', 'nothing')!r} and no events.",
            "Check that the address is that of a NeuralLayers service.",
            status=status,
        )
    return True


def lost(error: Exception) -> Lost:
    """What an error of the HTTP library means."""
    httpx = http()
    unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    if isinstance(error, httpx.TimeoutException):
        reason = "no connection in time" if unsent else "no answer in time"
    elif unsent:
        reason = f"no connection ({error})"
    else:
        reason = f"the connection broke ({error})"
    return Lost(reason, sent=not unsent)


def too_slow(send: Send) -> Lost:
    """The answer trickled in and was not whole in time."""
    return Lost(f"the answer was not whole within {send.timeout_s:g} s", sent=True)


def broken_stream(url: str, error: Exception) -> Unavailable:
    """A stream of events ended in the middle."""
    return Unavailable(
        f"{url}: the stream of events broke ({type(error).__name__}: {error}).",
        "Ask for the events again; what happened meanwhile stands in the entries of the brain.",
    )


def check_open(closed: bool) -> None:
    """See that a client can still be used.

    Raises:
        ServiceError: If it was closed.
    """
    if closed:
        raise ServiceError("This client is closed.", "Make a new one: Client(...).")
