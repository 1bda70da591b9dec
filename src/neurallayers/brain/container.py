"""Tensors and JSON as bytes, in one way only: what snapshots and journals are made of.

Tensors are stored as the safetensors format says: eight bytes with the length of a JSON header,
the header, then the bytes of every tensor without holes. We write that format ourselves because a
brain file must be the same bytes for the same content whatever version of a library is installed,
and must refuse a header that says the same in other bytes; any safetensors reader opens the result.
Source: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"

HEADER_BYTES_AT_MOST = 16 * 2**20
JSON_LEVELS_AT_MOST = 64
_AXES_AT_MOST = 64
_METADATA = "__metadata__"
_LENGTH = struct.Struct("<Q")
DTYPES: dict[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "C64": torch.complex64,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U64": torch.uint64,
    "U32": torch.uint32,
    "U16": torch.uint16,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_DTYPE_NAMES = {dtype: name for name, dtype in DTYPES.items()}


class Damaged(Exception):
    """Bytes are not what was written; its reader turns it into an error with path and remedy."""


# ------------------------------------------------------------------------------------ JSON


def canonical_json(value: JSON, what: str) -> str:
    r"""The one text of a JSON value: sorted keys, no spaces, ASCII.

    Args:
        value: JSON values only; tuples are written as lists.
        what: What the value is, for the error.

    Raises:
        InvalidInput: If it holds anything that JSON would change or lose (a key that is not a
            string, NaN, another type), or is nested deeper than 64 levels.

    >>> canonical_json({"b": [1, 2.5], "a": "é"}, "example")
    '{"a":"\\u00e9","b":[1,2.5]}'
    """
    _check_json(value, what, 0)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _check_json(value: JSON, path: str, level: int) -> None:
    if level > JSON_LEVELS_AT_MOST:
        raise InvalidInput(
            f"{path[:80]}... is nested deeper than {JSON_LEVELS_AT_MOST} levels.", "Flatten it."
        )
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise InvalidInput(
                    f"{path} has the key {key!r} of type {type(key).__name__}.",
                    "The keys of stored values are strings.",
                )
            _check_json(item, f"{path}.{key}", level + 1)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _check_json(item, f"{path}[{index}]", level + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput(
            f"{path} is {value}, which JSON cannot hold.", "Store it in a tensor, or as null."
        )
    elif value is not None and not isinstance(value, bool | int | float | str):
        raise InvalidInput(
            f"{path} is a {type(value).__name__}.",
            "Store strings, numbers, booleans, null, lists and dicts; arrays go into the tensors.",
        )


def parse_json(raw: bytes | str) -> dict[str, Any]:
    """Parse text that should be a JSON object.

    Raises:
        Damaged: If it is not, or is nested deeper than the interpreter can follow.
    """

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        value = json.loads(raw, parse_constant=refuse)
    except RecursionError:
        raise Damaged("its header is nested absurdly deep") from None
    except ValueError:  # not UTF-8, not JSON, NaN, an integer of thousands of digits
        raise Damaged("its header is not valid JSON") from None
    if not isinstance(value, dict):
        raise Damaged("its header is not a JSON object")
    return value


# --------------------------------------------------------------------------------- tensors


class Place(NamedTuple):
    """Where in the data a tensor lies, and what it is."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int
    stop: int


def as_stored(tensor: Tensor, name: str) -> Tensor:
    """The tensor as it is stored: detached, on the CPU, contiguous; a copy only where needed.

    Raises:
        InvalidInput: If it has no plain bytes or a dtype that the format lacks.
    """
    if tensor.dtype not in _DTYPE_NAMES or tensor.layout is not torch.strided or tensor.is_meta:
        raise InvalidInput(
            f"{name} is a {tensor.layout} tensor of {tensor.dtype} on {tensor.device}.",
            f"Store dense tensors of {', '.join(str(dtype) for dtype in _DTYPE_NAMES)}.",
        )
    return tensor.detach().resolve_conj().resolve_neg().cpu().contiguous()


def tensor_bytes(stored: Tensor) -> memoryview:
    """The bytes of what :func:`as_stored` gave, without a copy."""
    return stored.reshape(-1).view(torch.uint8).numpy().data


def digest_of_tensors(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 in hex over sorted names, dtypes, shapes and bytes.

    >>> a, b = torch.zeros(2), torch.ones(3)
    >>> digest_of_tensors({"a": a, "b": b}) == digest_of_tensors({"b": b, "a": a})
    True
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = as_stored(tensors[name], name)
        head = json.dumps([name, _DTYPE_NAMES[tensor.dtype], list(tensor.shape)]).encode()
        # Length first, so that no two different lists of tensors give the same stream of bytes.
        digest.update(_LENGTH.pack(len(head)) + head)
        digest.update(tensor_bytes(tensor))
    return digest.hexdigest()


def pack(
    tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> Iterator[bytes | memoryview]:
    """The safetensors file of these tensors, piece by piece; the same content, the same bytes.

    Args:
        tensors: Any names but ``__metadata__``.
        metadata: Strings for the header.

    Yields:
        The header, then the bytes of each tensor: widest dtype first, so that all are aligned.

    Raises:
        InvalidInput: If a name or tensor cannot be stored, or the header exceeds 16 MiB.
    """
    stored = {name: as_stored(tensor, name) for name, tensor in tensors.items()}
    order = sorted(stored, key=lambda name: (-stored[name].itemsize, name))
    header: dict[str, Any] = {_METADATA: dict(metadata)} if metadata else {}
    position = 0
    for name in order:
        if name == _METADATA or not _is_text(name):
            raise InvalidInput(f"A tensor cannot be named {name!r}.", "Choose another name.")
        tensor = stored[name]
        header[name] = {
            "dtype": _DTYPE_NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [position, position + tensor.nbytes],
        }
        position += tensor.nbytes
    raw = _header_bytes(header)
    if len(raw) > HEADER_BYTES_AT_MOST:
        raise InvalidInput(
            f"The header of {len(stored)} tensors takes {len(raw)} bytes, over 16 MiB.",
            "Store fewer, larger tensors and a smaller manifest.",
        )
    yield _LENGTH.pack(len(raw)) + raw
    for name in order:
        yield tensor_bytes(stored[name])


def _is_text(name: object) -> bool:
    """Whether a name is a string that UTF-8 can hold, as every reader of the format expects."""
    return isinstance(name, str) and name == name.encode(errors="replace").decode()


def _header_bytes(header: Mapping[str, Any]) -> bytes:
    raw = json.dumps(header, separators=(",", ":")).encode()
    return raw + b" " * (-len(raw) % 8)


def check_header(header: Mapping[str, Any], raw: bytes) -> None:
    """Hold a parsed header against its bytes: there is one way to write each header.

    Raises:
        Damaged: If the bytes say the same in another way (spaces, escapes, a key twice).
    """
    try:
        same = _header_bytes(header) == raw
    except RecursionError:
        same = False
    if not same:
        raise Damaged("its header is not in the form in which it was written")


def layout(header: Mapping[str, Any], data_bytes: int) -> dict[str, Place]:
    """Where each tensor of a parsed header lies.

    Args:
        header: As :func:`parse_json` gave it.
        data_bytes: How many bytes there really are after the header.

    Raises:
        Damaged: If tensors overlap, leave holes, have an unknown dtype or a size other than
            their shape says, or if the sum is not ``data_bytes``. Nothing is allocated for them.
    """
    places: dict[str, Place] = {}
    position = 0
    for name, described in header.items():
        if name == _METADATA:
            continue
        place = _place(name, described)
        if place.start != position:
            raise Damaged(f"tensor {name!r} does not start where the one before it ends")
        places[name], position = place, place.stop
    if position > data_bytes:
        raise Damaged(f"it is truncated: {data_bytes} of {position} bytes of tensors are there")
    if position < data_bytes:
        raise Damaged(f"it has {data_bytes - position} bytes too many")
    return places


def _place(name: str, described: object) -> Place:
    match described:
        case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [start, stop]}:
            numbers = [*shape, start, stop]
        case _:
            raise Damaged(f"tensor {name!r} is not described as the format says")
    if dtype not in DTYPES:
        raise Damaged(f"tensor {name!r} has the unknown dtype {dtype!r}")
    if len(shape) > _AXES_AT_MOST or not all(type(n) is int and 0 <= n < 2**63 for n in numbers):
        raise Damaged(f"tensor {name!r} has an absurd shape or place")
    if stop - start != math.prod(shape) * DTYPES[dtype].itemsize:
        raise Damaged(f"tensor {name!r} does not have the size that its shape says")
    return Place(DTYPES[dtype], tuple(shape), start, stop)


def build_tensor(place: Place, data: bytearray) -> Tensor:
    """The tensor over these bytes, which it owns from now on.

    Raises:
        Damaged: If torch cannot make it, or a boolean is neither 0 nor 1.
    """
    try:
        if not data:
            return torch.empty(place.shape, dtype=place.dtype)
        if place.dtype is torch.bool and data.translate(None, b"\x00\x01"):
            raise Damaged("a tensor of booleans holds other values")
        return torch.frombuffer(data, dtype=place.dtype).reshape(place.shape)
    except RuntimeError as error:
        raise Damaged(f"a tensor of shape {place.shape} cannot be made: {error}") from None


def unpack(data: memoryview) -> dict[str, Tensor]:
    """The tensors of a safetensors file in memory, as copies.

    Raises:
        Damaged: If the bytes are not what :func:`pack` writes.
    """
    if len(data) < _LENGTH.size:
        raise Damaged("it is truncated in its first bytes")
    length: int = _LENGTH.unpack_from(data)[0]
    start = _LENGTH.size + length
    if start > len(data) or length > HEADER_BYTES_AT_MOST:
        raise Damaged("it is truncated in its header, or is not a file of tensors")
    raw = bytes(data[_LENGTH.size : start])
    header = parse_json(raw)
    check_header(header, raw)
    return {
        name: build_tensor(place, bytearray(data[start + place.start : start + place.stop]))
        for name, place in layout(header, len(data) - start).items()
    }
