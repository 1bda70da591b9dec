"""Events are read from bytes, however the network cuts them."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.client.small_mind import RECOLLECTION
from tests.client.small_service import RASTER, VITALS

from neurallayers.client import ServiceError
from neurallayers.client.events import Event, EventReader

LESSON = {
    "sequence": 4,
    "label": "0",
    "confidence": 0.75,
    "scores": {"0": 2.0},
    "vitals": VITALS,
    "raster": RASTER,
    "target": "Ä \u2028 cross",
    "entry": 4,
}
STREAM = (
    b": alive\n\n"
    b"event: lesson\ndata: " + json.dumps(LESSON, ensure_ascii=False).encode() + b"\n\n"
    b"retry: 3000\r\n\r\n"
    b'event: forgotten\r\ndata: {"sequence": 5,\r\ndata: "labels": ["0"]}\r\n\r\n'
    b'event:deleted\rdata:{"sequence": 6}\r\r'
    b'event: lesson\ndata: {"sequence": 7}\n'
)


def events(*chunks: bytes) -> list[Event]:
    reader = EventReader()
    return [event for chunk in chunks for event in reader.feed(chunk)]


def test_a_stream_is_read() -> None:
    lesson, forgotten, deleted = events(STREAM)
    assert (lesson.kind, lesson.sequence, lesson.entry) == ("lesson", 4, 4)
    assert lesson.target == "Ä \u2028 cross"
    assert lesson.vitals is not None
    assert lesson.vitals.spikes == 40
    assert lesson.raster is not None
    assert lesson.raster.spikes["cerebrum"] == ((0, 1), (3, 2))
    assert forgotten == Event("forgotten", sequence=5, labels=("0",))
    assert deleted == Event("deleted", sequence=6)


def test_what_comes_to_mind_is_told() -> None:
    told = json.dumps({"sequence": 1, "recalled": [RECOLLECTION], "new": 1})
    thought, slept = events(
        f"event: thought\ndata: {told}\n\nevent: slept\ndata: {{}}\n\n".encode()
    )
    assert thought.recalled[0].what == "cross"
    assert (thought.conclusions, thought.alerts) == ((), ())
    assert slept == Event("slept")


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_where_the_network_cuts_makes_no_difference(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    assert events(*(STREAM[a:b] for a, b in pairwise(edges))) == events(STREAM)


def test_a_byte_at_a_time_makes_no_difference() -> None:
    assert events(*(bytes([byte]) for byte in STREAM)) == events(STREAM)


@pytest.mark.parametrize("data", ["{", "[]", "7", '{"sequence": "4"}', '{"labels": 3}'])
def test_what_is_no_event_is_refused(data: Any) -> None:
    with pytest.raises(ServiceError):
        events(f"event: lesson\ndata: {data}\n\n".encode())


def test_a_line_without_end_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurallayers.client.events.LINE_BYTES_AT_MOST", 1000)
    with pytest.raises(ServiceError, match="no event"):
        events(b"data: ", b"x" * 1001)
