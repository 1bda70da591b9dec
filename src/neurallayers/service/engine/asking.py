"""What callers give, checked and in the form in which the engine takes it."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from neurallayers.errors import InvalidInput
from neurallayers.service.engine.resident import Resident
from neurallayers.service.engine.work import Stimulus

NAME_CHARACTERS_AT_MOST = 100


def awake(do: Callable[[Resident], Any]) -> Callable[[Resident | None], Any]:
    """An errand that needs the brain awake, as it always is then."""

    def with_resident(resident: Resident | None) -> Any:
        assert resident is not None
        return do(resident)

    return with_resident


def nothing(_: Resident | None) -> None:
    """An errand that does nothing."""


def as_stimulus(stimulus: Any) -> Stimulus:
    """What is shown, however it was given."""
    return stimulus if isinstance(stimulus, Stimulus) else Stimulus(stimulus)


def checked_name(name: str | None) -> str | None:
    """A name for people, if there is one.

    Raises:
        InvalidInput: If it is too long, empty or cannot be printed.
    """
    if name is not None and not (
        0 < len(name.strip()) <= len(name) <= NAME_CHARACTERS_AT_MOST and name.isprintable()
    ):
        raise InvalidInput(
            f"name is {name[:80]!r}.", "Use 1 to 100 characters that can be printed."
        )
    return name


def cursor(after: str | None) -> int:
    """The number behind the ``next`` of a page; 0 for the first page.

    Raises:
        InvalidInput: If it is none.
    """
    if after is None:
        return 0
    if not (after.isascii() and after.isdigit() and len(after) < 19):
        raise InvalidInput(f"after is {after[:40]!r}.", "Use `next` of the page before.")
    return int(after)


def now() -> str:
    """The time, RFC 3339."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
