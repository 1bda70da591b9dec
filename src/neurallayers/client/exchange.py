"""What goes to a service and what comes back, before any network is involved.

All that a client decides (what to send, whether to send it again, how to read the answer) is a
*dialogue*: a generator that yields steps and is sent what came of them. It never waits and never
opens a connection; a transport does, one that blocks or one that awaits. So both clients share
every decision.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")


class Repeat(Enum):
    """Why a request may be sent again after one whose answer was lost, or why it may not."""

    READS = "it changes nothing"
    KEYED = "the service knows its key and answers it as the first time"
    SETTLES = "what was done cannot be done again, and the client can see that it was done"
    NEVER = "done again later it would undo what others did in between"


@dataclass(frozen=True)
class Request:
    """One request.

    Args:
        method: ``"GET"``, ``"POST"`` or ``"DELETE"``.
        path: Below the address of the service, beginning with a slash.
        query: What stands behind the question mark.
        body: JSON in UTF-8.
        accept: Media type of the answer.
        repeat: Whether it may be sent again when its answer was lost.
        idempotency_key: Names what is to be done, the same for every attempt at it.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    accept: str = "application/json"
    repeat: Repeat = Repeat.READS
    idempotency_key: str | None = None

    def headers(self) -> dict[str, str]:
        """Headers that belong to this request, whoever sends it."""
        headers = {"Accept": self.accept}
        if self.body is not None:
            headers["Content-Type"] = "application/json"
        if self.idempotency_key is not None:
            headers["Idempotency-Key"] = self.idempotency_key
        return headers

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Answer:
    """A whole answer; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Lost:
    """No whole answer came.

    Args:
        reason: What happened, as part of a sentence.
        sent: Whether the service may have received the request.
    """

    reason: str
    sent: bool


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request and how to read what a successful answer to it holds."""

    request: Request
    read: Callable[[Answer], T]


@dataclass(frozen=True)
class Send:
    """A step: send this and wait so long for the answer [s]."""

    request: Request
    request_id: str
    timeout_s: float


@dataclass(frozen=True)
class Pause:
    """A step: do nothing for so long [s]."""

    seconds: float


Step: TypeAlias = Send | Pause
Outcome: TypeAlias = Answer | Lost | None
Dialogue: TypeAlias = Generator[Step, Outcome, T]
