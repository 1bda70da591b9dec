from __future__ import annotations

import dataclasses
import struct
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.brain.stored_tensors import json_values, named_tensors, same_bits

from neurallayers.brain import entry as entry_module
from neurallayers.brain.entry import Entry
from neurallayers.errors import InvalidInput, JournalError


def lesson(**changes: Any) -> Entry:
    entry = Entry(3, "lesson", {"target": "seven"}, {"image": torch.arange(4.0)})
    return dataclasses.replace(entry, **changes)


@given(
    sequence=st.integers(1, 2**63),
    kind=st.text(min_size=1, max_size=9),
    content=st.dictionaries(st.text(max_size=6), json_values, max_size=3),
    tensors=named_tensors,
)
def test_an_entry_comes_back_bit_for_bit(
    sequence: int, kind: str, content: dict[str, Any], tensors: dict[str, torch.Tensor]
) -> None:
    entry = Entry(sequence, kind, content, tensors)
    back = Entry.decode(entry.encode())
    assert (back.sequence, back.kind, back.content) == (sequence, kind, content)
    assert back.tensors.keys() == tensors.keys()
    assert all(same_bits(back.tensors[name], tensor) for name, tensor in tensors.items())
    assert back == entry
    assert back.encode() == entry.encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"sequence": 4},
        {"kind": "stimulus"},
        {"content": {"target": "eight"}},
        {"tensors": {"image": torch.tensor([-0.0, 1, 2, 3])}},
    ],
)
def test_entries_are_equal_if_their_bytes_are(changes: dict[str, Any]) -> None:
    assert lesson() == lesson()
    assert len({lesson(), lesson()}) == 1
    assert lesson(**changes) != lesson()
    assert lesson() != "a lesson"


def test_two_entries_with_nan_are_equal() -> None:
    unknown = {"image": torch.tensor([float("nan")])}
    assert lesson(tensors=unknown) == lesson(tensors=unknown)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"sequence": 0}, "Number entries from 1"),
        ({"sequence": True}, "Number entries from 1"),
        ({"kind": ""}, "say what they are"),
        ({"content": {"target": torch.zeros(1)}}, r"entry 3\.content\.target is a Tensor"),
        ({"content": {"reward": float("inf")}}, "is inf, which JSON cannot hold"),
        ({"tensors": {"image": torch.zeros(1, dtype=torch.complex128)}}, "Store dense tensors"),
    ],
)
def test_what_cannot_be_stored_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        lesson(**changes).encode()


def test_a_large_entry_is_refused_before_its_bytes_are_made() -> None:
    # A view of one number: it takes 64 MiB and a byte only if somebody copies it.
    large = torch.zeros(1, dtype=torch.uint8).expand(64 * 2**20 + 1)
    with pytest.raises(InvalidInput, match="Journal smaller stimuli"):
        lesson(tensors={"image": large}).encode()


def test_the_limit_counts_the_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(lesson().encode())
    monkeypatch.setattr(entry_module, "ENTRY_BYTES_AT_MOST", size)
    lesson().encode()
    monkeypatch.setattr(entry_module, "ENTRY_BYTES_AT_MOST", size - 1)
    with pytest.raises(InvalidInput, match="is the limit"):
        lesson().encode()


def test_an_entry_cut_anywhere_is_refused() -> None:
    data = lesson().encode()
    for length in range(len(data)):
        with pytest.raises(JournalError, match="entry is damaged"):
            Entry.decode(data[:length])


def with_header(text: bytes) -> bytes:
    return struct.pack("<I", len(text)) + text + struct.pack("<Q", 8) + b"{}      "


@pytest.mark.parametrize(
    "text",
    [
        b"[]",
        b'{"content":{},"kind":"lesson"}',
        b'{"content":[],"kind":"lesson","sequence":1}',
        b'{"content":{},"kind":"lesson","sequence":"1"}',
        b'{"content":{},"kind":"lesson","more":1,"sequence":1}',
        b'{"content":{}, "kind":"lesson","sequence":1}',
        b'{"content":{"a":' + b"[" * 200 + b"]" * 200 + b'},"kind":"lesson","sequence":1}',
    ],
)
def test_bytes_in_another_form_are_refused(text: bytes) -> None:
    Entry.decode(with_header(b'{"content":{},"kind":"lesson","sequence":1}'))
    with pytest.raises(JournalError, match="entry is damaged"):
        Entry.decode(with_header(text))
