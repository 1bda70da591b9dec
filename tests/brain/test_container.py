from __future__ import annotations

import json
import math
import struct
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.brain.stored_tensors import json_values, named_tensors, same_bits

from neurallayers.brain.container import (
    Damaged,
    canonical_json,
    digest_of_tensors,
    pack,
    parse_json,
    unpack,
)
from neurallayers.errors import InvalidInput


def packed(tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None = None) -> bytes:
    return b"".join(pack(tensors, metadata))


def with_header(header: Any, data: bytes = b"") -> memoryview:
    raw = (
        header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    )
    raw += b" " * (-len(raw) % 8)
    return memoryview(struct.pack("<Q", len(raw)) + raw + data)


def described(**changes: Any) -> dict[str, Any]:
    return {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}}


@given(named_tensors)
def test_tensors_come_back_bit_for_bit(tensors: dict[str, torch.Tensor]) -> None:
    back = unpack(memoryview(packed(tensors)))
    assert back.keys() == tensors.keys()
    assert all(same_bits(back[name], tensor) for name, tensor in tensors.items())


@given(named_tensors)
def test_the_order_of_the_names_does_not_matter(tensors: dict[str, torch.Tensor]) -> None:
    other = dict(reversed(tensors.items()))
    assert packed(tensors) == packed(other)
    assert digest_of_tensors(tensors) == digest_of_tensors(other)


@given(named_tensors, st.text(max_size=20))
def test_the_safetensors_library_reads_the_same(
    tensors: dict[str, torch.Tensor], note: str
) -> None:
    back = safetensors.torch.load(packed(tensors, {"note": note}))
    assert back.keys() == tensors.keys()
    assert all(same_bits(back[name], tensor) for name, tensor in tensors.items())


def test_views_and_parameters_are_stored_by_value() -> None:
    base = torch.arange(12.0).reshape(3, 4)
    numbers = torch.tensor([1 + 2j, 3 - 1j], dtype=torch.complex64)
    tensors = {
        "transposed": base.t(),
        "step": base[:, ::2],
        "parameter": torch.nn.Parameter(base),
        "conjugate": numbers.conj(),
        "negative": numbers.conj().imag,
    }
    back = unpack(memoryview(packed(tensors)))
    for name, tensor in tensors.items():
        assert torch.equal(back[name], tensor.detach()), name
        assert not back[name].requires_grad


def test_what_was_read_is_its_own_memory() -> None:
    data = bytearray(packed({"a": torch.ones(2)}))
    back = unpack(memoryview(data))
    data[-8:] = bytes(8)
    back["a"] += 1
    assert back["a"].tolist() == [2.0, 2.0]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"a": torch.zeros(2)}, {"b": torch.zeros(2)}),
        ({"a": torch.zeros(2)}, {"a": torch.zeros(1, 2)}),
        ({"a": torch.zeros(2)}, {"a": torch.zeros(2, dtype=torch.int32)}),
        ({"a": torch.zeros(2)}, {"a": torch.tensor([0.0, -0.0])}),
        ({"a": torch.zeros(2)}, {"a": torch.zeros(2), "b": torch.zeros(0)}),
    ],
)
def test_the_digest_sees_name_shape_dtype_and_bits(first: Any, second: Any) -> None:
    assert digest_of_tensors(first) != digest_of_tensors(second)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(2, dtype=torch.complex128),
        torch.zeros(2).to_sparse(),
        torch.zeros(2, device="meta"),
    ],
    ids=["complex128", "sparse", "meta"],
)
def test_what_has_no_plain_bytes_is_refused(tensor: torch.Tensor) -> None:
    with pytest.raises(InvalidInput, match="Store dense tensors"):
        packed({"a": tensor})


@pytest.mark.parametrize("name", ["__metadata__", "\ud800"])
def test_names_that_other_readers_choke_on_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="Choose another name"):
        packed({name: torch.zeros(1)})


def test_a_header_over_16_mib_is_refused() -> None:
    with pytest.raises(InvalidInput, match="over 16 MiB"):
        packed({}, {"note": "x" * 2**24})


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (memoryview(b"\0\0\0"), "truncated"),
        (memoryview(struct.pack("<Q", 2**63) + b"{}"), "truncated in its header"),
        (with_header(b"[" * 100_000), "nested absurdly deep"),
        (with_header(b'{"a":' * 900 + b"1" + b"}" * 900), "not described"),
        (with_header(b'{"a":NaN}'), "not valid JSON"),
        (with_header(b'{"a":' + b"9" * 5000 + b"}"), "not valid JSON"),
        (with_header(b"\xff\xfe"), "not valid JSON"),
        (with_header([1]), "not a JSON object"),
        (with_header(b'{ "a":1}'), "form in which it was written"),
        (with_header(b'{"a":1,"a":1}'), "form in which it was written"),
        (with_header({"a": 1}), "not described"),
        (with_header(described(dtype="F128"), bytes(8)), "unknown dtype 'F128'"),
        (with_header(described(shape=[-1]), bytes(8)), "absurd shape"),
        (with_header(described(shape=[1.0, 2]), bytes(8)), "absurd shape"),
        (with_header(described(shape=[True, 2]), bytes(8)), "absurd shape"),
        (with_header(described(shape=[1] * 65), bytes(8)), "absurd shape"),
        (with_header(described(shape=[2**64]), bytes(8)), "absurd shape"),
        (with_header(described(shape=[3]), bytes(8)), "size that its shape says"),
        (with_header(described(data_offsets=[4, 12]), bytes(12)), "does not start where"),
        (with_header(described(), bytes(4)), "truncated: 4 of 8 bytes"),
        (with_header(described(), bytes(9)), "1 bytes too many"),
        (with_header(described(shape=[2**60], data_offsets=[0, 2**62])), "truncated: 0 of"),
        (
            with_header(described(shape=[0, 2**62, 2**62], data_offsets=[0, 0])),
            "cannot be made",
        ),
        (
            with_header(described(dtype="BOOL", data_offsets=[0, 2]), b"\x00\x02"),
            "booleans holds other values",
        ),
    ],
)
def test_headers_made_to_hurt_are_refused(data: memoryview, problem: str) -> None:
    with pytest.raises(Damaged, match=problem):
        unpack(data)


@given(json_values)
def test_json_comes_back_as_it_was(value: Any) -> None:
    text = canonical_json({"value": value}, "test")
    assert parse_json(text) == {"value": value}
    assert canonical_json(parse_json(text), "test") == text


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"a": [1, math.nan]}, r"test\.a\[1\] is nan"),
        ({1: "a"}, "key 1 of type int"),
        ({"a": torch.zeros(1)}, r"test\.a is a Tensor"),
        ({"a": b"x"}, "is a bytes"),
    ],
)
def test_what_json_would_change_is_refused(value: Any, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        canonical_json(value, "test")


def test_json_without_a_bottom_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(InvalidInput, match="deeper than 64 levels"):
        canonical_json(endless, "test")
