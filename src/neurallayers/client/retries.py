"""When a request is sent again, after how long, and when it is given up.

A request whose answer was lost may have been done. It is sent again only if that does no harm: it
changes nothing, or it carries a key by which the service knows it again, or the client can see
that it was done (:class:`~neurallayers.client.exchange.Repeat`). Waits grow exponentially with
full jitter, so that many clients do not come back at once.

Source: Brooker (2015), "Exponential Backoff And Jitter", AWS Architecture Blog.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from neurallayers.client.answers import Unfinished
from neurallayers.client.exchange import (
    Answer,
    Call,
    Dialogue,
    Lost,
    Outcome,
    Pause,
    Repeat,
    Request,
    Send,
)
from neurallayers.client.failures import ServiceError, Unavailable, failure_of
from neurallayers.errors import InvalidInput

T = TypeVar("T")
log = logging.getLogger(__name__)

# Refused or lost on the way; the others would only be answered the same again.
_AGAIN = frozenset({408, 429, 502, 503, 504})
# A 503 was refused. After these the service may have done it and could not say so.
_PERHAPS_DONE = frozenset({500, 502, 504})


class _Setback(Exception):
    """An attempt that failed."""

    def __init__(self, failure: ServiceError, *, again: bool, perhaps_done: bool) -> None:
        super().__init__(failure)
        self.failure = failure
        self.again = again
        self.perhaps_done = perhaps_done


@dataclass(frozen=True)
class Patience:
    """How long a client goes on trying.

    Args:
        retries: How often a request is sent again at most.
        timeout_s: How long one attempt waits for the service [s].
        deadline_s: After how long the last attempt ends, whatever happened before [s].
        first_wait_s: Longest wait before the second attempt; it doubles with each further one [s].
        longest_wait_s: Longest wait of our own choice [s].
        longest_asked_s: Longest wait that the service may ask for (Retry-After) [s].

    Raises:
        InvalidInput: If a number is negative, or a time is zero.
    """

    retries: int = 4
    timeout_s: float = 10.0
    deadline_s: float = 60.0
    first_wait_s: float = 0.2
    longest_wait_s: float = 5.0
    longest_asked_s: float = 30.0

    def __post_init__(self) -> None:
        if self.retries < 0:
            raise InvalidInput(f"retries is {self.retries}.", "Give 0 or more.")
        for name in ("timeout_s", "deadline_s"):
            seconds = getattr(self, name)
            if not 0 < seconds < float("inf"):
                raise InvalidInput(f"{name} is {seconds}.", "Give a number of seconds above 0.")

    def wait_s(self, attempt: int, chance: float, asked_s: float | None) -> float:
        """How long to wait after a failed attempt: asked + chance · min(longest, first · 2ⁿ⁻¹).

        Args:
            attempt: Number of the attempt that failed, from 1.
            chance: A random number in [0, 1).
            asked_s: What the service asked for, if it did [s].

        >>> Patience(first_wait_s=1.0).wait_s(3, 0.5, None)
        2.0
        """
        # 2^30 times any first wait is longer than the longest; larger powers are no floats.
        longest = min(self.longest_wait_s, self.first_wait_s * 2.0 ** min(attempt - 1, 30))
        # Jitter on top, or all whom an overloaded service sent away return in the same instant.
        return min(asked_s or 0.0, self.longest_asked_s) + chance * longest


@dataclass(frozen=True)
class Retries:
    """Asks until there is an answer or patience ends.

    Args:
        patience: How long.
        clock: Seconds of a clock that never goes back.
        chance: Gives random numbers in [0, 1), such as ``random.Random(7).random``.
        where: Address of the service, for errors.
    """

    patience: Patience
    clock: Callable[[], float]
    chance: Callable[[], float]
    where: str
    new_id: Callable[[], str] = field(default=lambda: uuid.uuid4().hex)

    def ask(self, call: Call[T]) -> Dialogue[T]:
        """What a call answers.

        Raises:
            ServiceError: If it failed for good; ``maybe_done`` says whether it may have been done.
        """
        ends_at = self.clock() + self.patience.deadline_s
        request, request_id = call.request, self.new_id()
        attempt, maybe_done = 0, False
        while True:
            attempt += 1
            left_s = max(ends_at - self.clock(), 0.001)
            outcome = yield Send(request, request_id, min(self.patience.timeout_s, left_s))
            try:
                return self._value(call, outcome)
            except _Setback as setback:
                maybe_done |= setback.perhaps_done and request.repeat is not Repeat.READS
                failure = setback.failure
                wait_s = self.patience.wait_s(attempt, self.chance(), failure.retry_after_s)
                again = (
                    setback.again
                    and attempt <= self.patience.retries
                    and not (maybe_done and request.repeat is Repeat.NEVER)
                    and self.clock() + wait_s < ends_at
                )
            if not again:
                failure.request_id = failure.request_id or request_id
                raise _final(failure, request, attempt, maybe_done=maybe_done)
            log.info("%s is sent again in %.2f s: %s", request, wait_s, failure.problem)
            yield Pause(wait_s)

    def _value(self, call: Call[T], outcome: Outcome) -> T:
        if isinstance(outcome, Lost):
            remedy = f"Check that the service runs at {self.where}: neurallayers serve."
            if outcome.sent:
                remedy = "Try again later, and look into the logs of the service."
            unanswered = Unavailable(f"{self.where}: {outcome.reason}.", remedy)
            raise _Setback(unanswered, again=True, perhaps_done=outcome.sent)
        assert isinstance(outcome, Answer)
        if 200 <= outcome.status < 300:
            try:
                return call.read(outcome)
            except Unfinished as error:
                broken = Unavailable(f"{self.where}: {error}.", "Try again later.")
                raise _Setback(broken, again=True, perhaps_done=True) from error
        failure = failure_of(outcome, str(call.request))
        # A conflict that passes by itself says when, such as a first attempt still being done.
        passes = outcome.status == 409 and failure.retry_after_s is not None
        raise _Setback(
            failure,
            again=passes or outcome.status in _AGAIN,
            perhaps_done=outcome.status in _PERHAPS_DONE,
        )


def _final(
    failure: ServiceError, request: Request, attempts: int, *, maybe_done: bool
) -> ServiceError:
    """The failure as it is told to the caller."""
    problem, remedy = failure.problem, failure.remedy
    if attempts > 1:
        problem = f"{problem.removesuffix('.')} (the last of {attempts} attempts)."
    if request.repeat is Repeat.KEYED:
        failure.idempotency_key = request.idempotency_key
    if maybe_done:
        failure.maybe_done = True
        problem = f"{problem} Whether it was done is not known."
        remedy = f"{_ADVICE[request.repeat]} {remedy}"
    failure.problem, failure.remedy = problem, remedy
    failure.args = (problem, remedy)
    return failure


_ADVICE = {
    Repeat.KEYED: "Call again with the idempotency_key of this error: it is done at most once.",
    Repeat.SETTLES: "It may be asked for again; it is done at most once.",
    Repeat.NEVER: "Look at the brain before you ask for it again.",
}
