"""Which route an address belongs to, found before the framework is asked.

The edge needs the answer for requests that it refuses itself, and a label for metrics and logs
that no client can make up.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

UNKNOWN = "(unknown)"
_ANY = "{}"
_HEAVY = frozenset({"process", "process-many", "learn"})
_BRAINS = "/v1/brains/"


class Address(NamedTuple):
    """A route, as the edge sees it."""

    template: str
    heavy: bool  # asks the compute thread, so it may be refused before its body is read
    stream: bool  # an answer without end, which has no time limit


class AddressBook:
    """Finds the template of an address.

    Args:
        templates: All templates that are served, such as ``/v1/brains/{brain_id}/process``.

    >>> AddressBook(["/v1/brains/{brain_id}/process"]).find("/v1/brains/7f/process").template
    '/v1/brains/{brain_id}/process'
    """

    def __init__(self, templates: Iterable[str]) -> None:
        self.unknown = Address(UNKNOWN, heavy=False, stream=False)
        self.addresses = [address_of(template) for template in dict.fromkeys(templates)]
        self._root = _Place()
        for address in self.addresses:
            place = self._root
            for part in address.template.split("/"):
                name = _ANY if part.startswith("{") else part
                place = place.below.setdefault(name, _Place())
            place.address = address

    def find(self, path: str) -> Address:
        """The route of a path; :attr:`unknown` if there is none."""
        place = self._root
        for part in path.split("/"):
            below = place.below.get(part) or (place.below.get(_ANY) if part else None)
            if below is None:
                return self.unknown
            place = below
        return place.address or self.unknown


class _Place:
    """A node of the tree of addresses."""

    __slots__ = ("address", "below")

    def __init__(self) -> None:
        self.below: dict[str, _Place] = {}
        self.address: Address | None = None


def address_of(template: str) -> Address:
    """What the edge knows about a template by its last part."""
    last = template.rsplit("/", 1)[-1]
    of_brain = template.startswith(_BRAINS)
    return Address(
        template, heavy=of_brain and last in _HEAVY, stream=of_brain and last == "events"
    )
