"""Tensors of every dtype and shape that files hold, and what it means that two are the same."""

from __future__ import annotations

import math

import hypothesis.strategies as st
import torch
from torch import Tensor

from neurallayers.brain.container import DTYPES

names = (
    st.text(min_size=1, max_size=12)
    .filter(lambda name: name != "__metadata__")
    .filter(
        # Half a surrogate pair is no text.
        lambda name: not any("\ud800" <= letter <= "\udfff" for letter in name)
    )
)


@st.composite
def tensors(draw: st.DrawFn) -> Tensor:
    """Any bits, so NaN with any payload, infinities and -0.0 too."""
    dtype = draw(st.sampled_from(sorted(DTYPES.values(), key=str)))
    shape = draw(st.lists(st.integers(0, 4), max_size=4))
    count = math.prod(shape)
    if dtype is torch.bool:
        bits = draw(st.lists(st.booleans(), min_size=count, max_size=count))
        return torch.tensor(bits, dtype=torch.bool).reshape(shape)
    size = count * dtype.itemsize
    data = bytearray(draw(st.binary(min_size=size, max_size=size)))
    if not data:
        return torch.empty(shape, dtype=dtype)
    return torch.frombuffer(data, dtype=dtype).reshape(shape)


named_tensors = st.dictionaries(names, tensors(), max_size=4)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def raw(tensor: Tensor) -> bytes:
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def same_bits(one: Tensor, other: Tensor) -> bool:
    return (one.dtype, one.shape, raw(one)) == (other.dtype, other.shape, raw(other))
