"""Snapshots that are kept elsewhere than in files: the same bytes, and as little trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.brain.stored_tensors import json_values, named_tensors, same_bits

from neurallayers.brain.snapshot import (
    parse_snapshot,
    read_snapshot,
    snapshot_pieces,
    write_snapshot,
)
from neurallayers.errors import InvalidInput, SnapshotError

MANIFEST: dict[str, Any] = {"labels": ["naught", "É"], "sequence": 7}


def small_parts() -> dict[str, dict[str, torch.Tensor]]:
    return {
        "network": {"layer.weight": torch.arange(6.0).reshape(2, 3), "bias": torch.ones(3).half()},
        "state": {"counter": torch.tensor(5), "v/na": torch.tensor([float("nan"), -0.0])},
        "lessons": {},
    }


def bytes_of(**changes: Any) -> bytes:
    given = {"kind": "life", "manifest": MANIFEST, "parts": small_parts(), **changes}
    return b"".join(snapshot_pieces(**given))


def test_what_is_kept_elsewhere_has_the_bytes_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "ada.life"
    write_snapshot(path, kind="life", manifest=MANIFEST, parts=small_parts())
    assert bytes_of() == path.read_bytes()
    parsed = parse_snapshot(bytes_of(), kind="life", name="it")
    read = read_snapshot(path, kind="life")
    assert parsed.manifest == read.manifest
    assert {part: list(named) for part, named in parsed.parts.items()} == {
        part: list(named) for part, named in read.parts.items()
    }
    for part, named in read.parts.items():
        assert all(same_bits(parsed.parts[part][name], tensor) for name, tensor in named.items())


@given(parts=st.dictionaries(st.sampled_from("abc"), named_tensors, max_size=3), note=json_values)
def test_any_pieces_are_parsed_bit_for_bit(
    parts: dict[str, dict[str, torch.Tensor]], note: Any
) -> None:
    data = bytes_of(manifest={"note": note}, parts=parts)
    parsed = parse_snapshot(data, kind="life", name="it")
    assert parsed.manifest["note"] == note
    assert parsed.parts.keys() == parts.keys()
    for part, named in parts.items():
        assert parsed.parts[part].keys() == named.keys()
        assert all(same_bits(parsed.parts[part][name], t) for name, t in named.items())


def test_what_was_parsed_is_nobody_elses_memory() -> None:
    data = bytes_of()
    first = parse_snapshot(data, kind="life", name="it")
    first.parts["network"]["layer.weight"].fill_(7.0)
    second = parse_snapshot(data, kind="life", name="it")
    assert same_bits(
        second.parts["network"]["layer.weight"], small_parts()["network"]["layer.weight"]
    )


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_bytes_cut_or_changed_anywhere_are_refused_by_name(share: float) -> None:
    whole = bytes_of()
    at = int(share * len(whole))
    changed = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
    for data in (whole[:at], changed, whole + b"x"):
        with pytest.raises(SnapshotError, match="The life of ada"):
            parse_snapshot(data, kind="life", name="The life of ada")


def test_bytes_of_another_kind_or_of_nobody_are_refused() -> None:
    with pytest.raises(SnapshotError, match="it is a life, not a brain"):
        parse_snapshot(bytes_of(), kind="brain", name="it")
    with pytest.raises(SnapshotError, match="it is not a NeuralLayers file: it is a pickle"):
        parse_snapshot(b"\x80\x04" + b"x" * 50, kind="life", name="it")


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "Life"},
        {"manifest": {"format": "mine"}},
        {"manifest": {"x": float("nan")}},
        {"parts": {"a/b": {}}},
        {"parts": {"a": {1: torch.zeros(1)}}},
    ],
    ids=str,
)
def test_pieces_of_what_cannot_be_stored_are_never_made(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        bytes_of(**changes)
