"""What the service refuses on purpose, as errors of the one tree.

```text
NeuralLayersError
└── Failure
    ├── Malformed            the request is not what its content type says
    ├── Unauthorized         no key, or a wrong one
    ├── NotFound             there is no such brain, snapshot, raster or address
    ├── MethodNotAllowed     the address knows other methods
    ├── TooSlow              the body did not come in time
    ├── Conflict             the state of things does not allow it
    ├── TooLarge             the body is larger than the limit
    ├── TooLong              the address is longer than the limit
    ├── HeadTooLarge         the head of the request is larger than the limit
    ├── Unsupported          a content type or encoding that is not understood
    ├── KeyReused            an idempotency key came with another body
    ├── Overloaded           too much to do; try again
    ├── Unavailable          the store cannot write, or the service is stopping
    └── TimedOut             no answer within the time that requests have
```

:mod:`neurallayers.service.problems` says which status each one has.
"""

from __future__ import annotations

import math

from neurallayers.errors import NeuralLayersError

Headers = list[tuple[bytes, bytes]]


class Failure(NeuralLayersError):
    """Root of what the service refuses on purpose; texts are written for the client."""

    @property
    def headers(self) -> Headers:
        """Headers that belong to the answer, beside those that every problem has."""
        return []


class Malformed(Failure):
    """The request is not what its content type says, such as broken JSON."""


class Unauthorized(Failure):
    """The request shows no key, or a wrong one."""

    @property
    def headers(self) -> Headers:
        """The scheme that is expected (RFC 9110, 11.6.1)."""
        return [(b"www-authenticate", b'Bearer realm="neurallayers"')]


class NotFound(Failure):
    """There is no such brain, model, snapshot, raster or address."""


class MethodNotAllowed(Failure):
    """The address exists and knows other methods.

    Args:
        problem: What is wrong.
        remedy: What to do.
        allow: The methods that it knows, such as ``"GET, POST"``.
    """

    def __init__(self, problem: str, remedy: str, allow: str = "") -> None:
        super().__init__(problem, remedy)
        self.allow = allow

    @property
    def headers(self) -> Headers:
        """The methods that the address knows."""
        return [(b"allow", self.allow.encode("latin-1"))] if self.allow else []


class TooSlow(Failure):
    """The body of the request did not come in time."""


class Conflict(Failure):
    """The request does not fit the state that things are in."""


class TooLarge(Failure):
    """The body is larger than the limit."""


class TooLong(Failure):
    """The address is longer than the limit."""


class HeadTooLarge(Failure):
    """The head of the request is larger than the limit."""


class Unsupported(Failure):
    """The content type or the content encoding is not understood."""


class KeyReused(Failure):
    """An idempotency key was used before, with another body."""


class TryLater(Failure):
    """Something that passes; root of what carries ``Retry-After``.

    Args:
        problem: What is wrong.
        remedy: What to do.
        retry_after_s: When it is worth trying again [s]; told in whole seconds, at least one.
        reason: One word for the metric of refusals, such as ``"queue"``.
    """

    reason = "unavailable"

    def __init__(
        self, problem: str, remedy: str, retry_after_s: float = 1.0, reason: str = ""
    ) -> None:
        super().__init__(problem, remedy)
        self.retry_after_s = retry_after_s
        self.reason = reason or type(self).reason

    @property
    def headers(self) -> Headers:
        """When to try again."""
        return [(b"retry-after", b"%d" % max(1, math.ceil(self.retry_after_s)))]


class Overloaded(TryLater):
    """There is too much to do at the moment."""

    reason = "queue"


class Unavailable(TryLater):
    """The service cannot do this now: its store cannot write, or it is stopping."""


class TimedOut(Failure):
    """There was no answer within the time that requests have."""
