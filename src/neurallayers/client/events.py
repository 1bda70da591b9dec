"""The live activity of a brain, read from a stream of server-sent events (WHATWG HTML, 9.2)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from neurallayers.client.answers import Raster, Vitals, read
from neurallayers.client.failures import ServiceError
from neurallayers.client.reminiscence import Alert, Conclusion, Recollection

# The service says that it lives every 15 s; three times of silence are the end.
SILENCE_AT_MOST_S = 45.0
LINE_BYTES_AT_MOST = 32 * 2**20
DELETED = "deleted"

_END_OF_LINE = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True)
class Event:
    """Something that happened to a brain.

    Attributes:
        kind: ``"thought"``, ``"lesson"``, ``"forgotten"``, ``"slept"``, ``"rules"``,
            ``"restored"`` or ``"deleted"``.
        sequence: Number of the brain's last entry.
        label: What it thought.
        confidence: Soft-max share of that class.
        scores: Score of each known class.
        vitals: Its condition meanwhile.
        raster: Its spikes.
        target: What a lesson said that it was.
        entry: Number of the entry, if it became one.
        labels: Classes that it knows after it forgot, slept or was restored.
        recalled: The episodes that came to mind.
        conclusions: What its rules conclude.
        alerts: Vital signs that were not as usual.
    """

    kind: str
    sequence: int | None = None
    label: str | None = None
    confidence: float | None = None
    scores: dict[str, float] = field(default_factory=dict)
    vitals: Vitals | None = None
    raster: Raster | None = None
    target: str | None = None
    entry: int | None = None
    labels: tuple[str, ...] = ()
    recalled: tuple[Recollection, ...] = ()
    conclusions: tuple[Conclusion, ...] = ()
    alerts: tuple[Alert, ...] = ()


class EventReader:
    """Makes events of bytes as they come, however the network cuts them."""

    def __init__(self) -> None:
        self._rest = b""
        self._kind = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that are complete with these bytes.

        Raises:
            ServiceError: If what came is no event of ours.
        """
        text = self._rest + chunk
        # A carriage return at the end may be the first half of a line's end.
        held = b"\r" if text.endswith(b"\r") else b""
        *lines, rest = _END_OF_LINE.split(text.removesuffix(b"\r") if held else text)
        self._rest = rest + held
        if len(self._rest) > LINE_BYTES_AT_MOST:
            raise _no_event(self._rest)
        found = [self._line(line) for line in lines]
        return [event for event in found if event is not None]

    def _line(self, line: bytes) -> Event | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(b":")
        text = value.removeprefix(b" ").decode(errors="replace")
        if name == b"event":
            self._kind = text
        elif name == b"data":
            self._data.append(text)
        return None  # comments have no name, other fields no meaning here

    def _dispatch(self) -> Event | None:
        kind, data = self._kind, "\n".join(self._data)
        self._kind, self._data = "", []
        if not data:
            return None
        try:
            content: Any = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise _no_event(data.encode()) from error
        if not isinstance(content, dict):
            raise _no_event(data.encode())
        return read(Event, {**content, "kind": kind}, kind)


def _no_event(data: bytes) -> ServiceError:
    return ServiceError(
        f"The stream of events holds {data[:60]!r}, which is no event.",
        "Use a client of the same release as the service, and check the address.",
    )
