"""Every error of a service or of the way to it, as one tree.

```text
ServiceError (NeuralLayersError)   the service could not do it, or its answer makes no sense
├── InvalidRequest (ValueError)    400, 413 to 415, 422, 431: it was asked for something impossible
├── Unauthorized                   401, 403: no key, or not the right one
├── NotFound (LookupError)         404: no such brain, model, snapshot or raster
├── Conflict                       409: it does not go together with what others do
├── Overloaded                     429, 503: it has too much to do, or is being stopped
└── Unavailable                    no connection, no whole answer in time, 408, 502, 504
```

No error of the HTTP library ever leaves the client; it is the ``__cause__`` at most.
"""

from __future__ import annotations

import email.utils
import json
from http import HTTPStatus
from typing import Any

from neurallayers.client.exchange import Answer
from neurallayers.errors import NeuralLayersError

SLUG = "urn:neurallayers:problem:"
_WORDS_AT_MOST = 2000


class ServiceError(NeuralLayersError):
    """A service did not do what it was asked for.

    Args:
        problem: What is wrong.
        remedy: What to do about it.
        status: HTTP status, if there was an answer.
        request_id: Number of the request in the logs of the service.
        slug: Kind of the problem, such as ``"unknown-brain"``.
        retry_after_s: When the service wishes to be asked again [s].

    Attributes:
        maybe_done: Whether it may have been done although no answer says so.
        idempotency_key: Key under which it was tried; a call with the same key and content does it
            at most once. None where keys mean nothing.
    """

    def __init__(
        self,
        problem: str,
        remedy: str,
        *,
        status: int | None = None,
        request_id: str = "",
        slug: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(problem, remedy)
        self.status = status
        self.request_id = request_id
        self.slug = slug
        self.retry_after_s = retry_after_s
        self.maybe_done = False
        self.idempotency_key: str | None = None


class InvalidRequest(ServiceError, ValueError):
    """The service understood what it was asked for, and it cannot be done."""


class Unauthorized(ServiceError):
    """The service does not know the key."""


class NotFound(ServiceError, LookupError):
    """What was asked for is not there."""


class Conflict(ServiceError):
    """It does not go together with what the service holds or with what others do."""


class Overloaded(ServiceError):
    """The service has too much to do, is being stopped or cannot store anything now."""


class Unavailable(ServiceError):
    """There was no connection, or no whole answer in time."""


_KINDS: dict[int, type[ServiceError]] = {
    400: InvalidRequest,
    401: Unauthorized,
    403: Unauthorized,
    404: NotFound,
    408: Unavailable,
    409: Conflict,
    413: InvalidRequest,
    414: InvalidRequest,
    415: InvalidRequest,
    422: InvalidRequest,
    429: Overloaded,
    431: InvalidRequest,
    502: Unavailable,
    503: Overloaded,
    504: Unavailable,
}
_REMEDIES: dict[type[ServiceError], str] = {
    InvalidRequest: "Change what you send.",
    Unauthorized: "Give the key that the service printed when it first started: Client(key=...), "
    "--key or NEURALLAYERS_API_KEY.",
    NotFound: "Check the name; list what there is.",
    Conflict: "Look at the state of the brain and try again.",
    Overloaded: "Try again later.",
    Unavailable: "Try again later, and look into the logs of the service.",
    ServiceError: "Look into the logs of the service.",
}


def failure_of(answer: Answer, what: str) -> ServiceError:
    """The error that an answer without success stands for.

    Args:
        answer: The answer; a problem document (RFC 9457), or whatever a proxy put in its place.
        what: What was asked for, to begin the sentence with.
    """
    kind = _KINDS.get(answer.status, ServiceError)
    document = _problem_document(answer)
    said = [_words(document, "detail") or _words(document, "title")]
    errors = document.get("errors")
    if isinstance(errors, list):
        said += [str(error)[:_WORDS_AT_MOST] for error in errors[:20]]
    problem = " ".join(words for words in said if words) or _bare(answer, what)
    location = answer.headers.get("location", "")
    moved = f"Use the address {location}." if 300 <= answer.status < 400 and location else ""
    return kind(
        problem,
        _words(document, "remedy") or moved or _REMEDIES[kind],
        status=answer.status,
        request_id=_words(document, "request_id") or answer.headers.get("x-request-id", ""),
        slug=_words(document, "type").removeprefix(SLUG),
        retry_after_s=retry_after_s(answer),
    )


def retry_after_s(answer: Answer) -> float | None:
    """How long the service wishes to be left alone [s] (RFC 9110, 10.2.3), if it says so."""
    said = answer.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return float(said[:9])
    try:
        then = email.utils.parsedate_to_datetime(said)
        # Compared with the clock of the service, which is the one that it was reckoned with.
        now = email.utils.parsedate_to_datetime(answer.headers.get("date", ""))
        return max(0.0, (then - now).total_seconds())
    except (TypeError, ValueError):
        return None


def _problem_document(answer: Answer) -> dict[str, Any]:
    if "json" not in answer.headers.get("content-type", ""):
        return {}
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _words(document: dict[str, Any], name: str) -> str:
    value = document.get(name, "")
    return value.strip()[:_WORDS_AT_MOST] if isinstance(value, str) else ""


def _bare(answer: Answer, what: str) -> str:
    try:
        phrase = f" {HTTPStatus(answer.status).phrase}"
    except ValueError:
        phrase = ""
    return f"{what} was answered with {answer.status}{phrase}."
