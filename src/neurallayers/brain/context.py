"""What is said of the circumstances of an experience, checked and as a journal keeps it."""

from __future__ import annotations

import operator
from typing import Any, SupportsIndex

from neurallayers.brain.feedback import LABEL_CHARACTERS_AT_MOST
from neurallayers.errors import InvalidInput

WHEN_AT_MOST = 2**53


def as_context(
    *,
    where: str | None = None,
    when: SupportsIndex | None = None,
    who: str | None = None,
    pinned: bool = False,
) -> dict[str, Any]:
    """The circumstances of an experience; empty if none is given.

    Args:
        where: The place.
        when: The time, a whole number in the caller's unit, such as seconds since 1970.
        who: The source.
        pinned: Never to be displaced by other episodes, nor pruned by sleep.

    Raises:
        InvalidInput: If a name is no text of 1 to 200 printable characters, or the time no whole
            number from 0 to 2^53.

    >>> as_context(where="lab", when=7)
    {'where': 'lab', 'when': 7}
    """
    context: dict[str, Any] = {}
    for field, name in (("where", where), ("who", who)):
        if name is not None:
            context[field] = as_name(field, name)
    if when is not None:
        context["when"] = _as_time(when)
    if not isinstance(pinned, bool):
        raise InvalidInput(f"pinned is {pinned!r}.", "Use True or False.")
    if pinned:
        context["pinned"] = True
    return context


def as_name(field: str, name: Any) -> str:
    """A name of a place or source.

    Raises:
        InvalidInput: If it is no text of 1 to 200 printable characters.
    """
    fits = isinstance(name, str) and 0 < len(name) <= LABEL_CHARACTERS_AT_MOST
    if not fits or not name.strip() or not name.isprintable():
        raise InvalidInput(
            f"{field} is {str(name)[:80]!r}.", "Use a text of 1 to 200 characters to be printed."
        )
    return str(name)


def _as_time(when: SupportsIndex) -> int:
    try:
        time = -1 if isinstance(when, bool) else operator.index(when)
    except TypeError:
        time = -1
    if not 0 <= time <= WHEN_AT_MOST:
        raise InvalidInput(
            f"when is {when!r:.80}.", "Use a whole number from 0, such as seconds since 1970."
        )
    return time
