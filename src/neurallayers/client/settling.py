"""Requests that were done and whose answers were lost: the second attempt finds nothing left to do.

A brain that is gone cannot be deleted, an entry that is forgotten cannot be forgotten. If an
earlier attempt may have done it, such a refusal is looked into instead of being passed on.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable

from neurallayers.client import calls
from neurallayers.client.answers import BrainInfo
from neurallayers.client.exchange import Dialogue
from neurallayers.client.failures import Conflict, InvalidRequest, NotFound
from neurallayers.client.retries import Retries
from neurallayers.errors import InvalidInput


def delete(retries: Retries, brain_id: str) -> Dialogue[None]:
    """Delete a brain; one that an earlier attempt may have deleted is not missed.

    Raises:
        NotFound: If there is no such brain.
    """
    try:
        yield from retries.ask(calls.delete(brain_id))
    except NotFound as error:
        if not error.maybe_done:
            raise


def forget(
    retries: Retries, brain_id: str, *, label: str | None, entries: Iterable[int] | None
) -> Dialogue[BrainInfo]:
    """Forget a class or entries; what an earlier attempt has forgotten is not missed.

    Raises:
        InvalidInput: If not exactly one of the two is given.
        ServiceError: If the service refuses it.
    """
    numbers = None if entries is None else _numbers(entries)
    try:
        return (yield from retries.ask(calls.forget(brain_id, label=label, entries=numbers)))
    except (NotFound, Conflict, InvalidRequest) as error:
        if not error.maybe_done:
            raise
        info = yield from retries.ask(calls.info(brain_id))
        if label is not None:
            left = label in info.labels
        else:
            left = yield from _any_left(retries, brain_id, numbers or [])
        if left:
            raise
        return info


def _numbers(entries: Iterable[int]) -> list[int]:
    try:
        return sorted({operator.index(entry) for entry in entries})
    except TypeError as error:
        raise InvalidInput(
            f"entries is {entries!r}.", "Give numbers of entries, such as [lesson.entry]."
        ) from error


def _any_left(retries: Retries, brain_id: str, numbers: list[int]) -> Dialogue[bool]:
    """Whether one of these entries, in order, is still in the history."""
    after: str | None = str(numbers[0] - 1)
    while after is not None:
        page = yield from retries.ask(calls.entries(brain_id, after))
        if any(entry.sequence in numbers for entry in page.items):
            return True
        passed = page.items and page.items[-1].sequence >= numbers[-1]
        after = None if passed else page.next
    return False
