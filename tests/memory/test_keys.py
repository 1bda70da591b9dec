"""Likeness of keys, and what is refused."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.memory.keys import (
    checked_count,
    checked_mask,
    checked_number,
    checked_slots,
    checked_vectors,
    cosine_similarity,
    sharpened,
    unit,
)

LAW = settings(max_examples=25, deadline=None, derandomize=True, database=None)


@given(seed=st.integers(0, 999), scale=st.sampled_from([1e-30, 1e-3, 1.0, 1e30]))
@LAW
def test_likeness_is_the_cosine_whatever_the_strength(seed: int, scale: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    keys, cue = torch.randn(2, 5, 7, generator=generator), torch.randn(2, 7, generator=generator)
    expected = torch.nn.functional.cosine_similarity(keys.double(), cue.double()[:, None], dim=-1)
    found = cosine_similarity(keys * scale, cue / scale)
    assert torch.allclose(found.double(), expected, atol=1e-6)


def test_a_key_of_zeros_is_like_nothing_and_its_gradient_finite() -> None:
    keys = torch.zeros(1, 2, 3, requires_grad=True)
    similarity = cosine_similarity(keys, torch.ones(1, 3))
    similarity.sum().backward()
    assert similarity.tolist() == [[0.0, 0.0]]
    assert keys.grad is not None
    assert bool(keys.grad.isfinite().all())
    assert unit(torch.zeros(3)).tolist() == [0.0, 0.0, 0.0]


def test_weights_are_a_softmax_over_what_is_held() -> None:
    similarity = torch.tensor([[0.9, 0.1, 0.5], [0.2, 0.3, 0.4]])
    held = torch.tensor([[True, False, True], [False, False, False]])
    weights = sharpened(similarity, held, 3.0)
    expected = torch.softmax(3.0 * torch.tensor([0.9, 0.5]), -1)
    assert torch.allclose(weights[0, [0, 2]], expected)
    assert weights[0, 1] == 0.0
    assert weights[1].tolist() == [0.0, 0.0, 0.0]
    assert bool(sharpened(similarity, held, 1e9).isfinite().all())


@pytest.mark.parametrize(
    ("vectors", "error", "word"),
    [
        ([1.0], InvalidInput, "list"),
        (torch.ones(2, 3, dtype=torch.int64), InvalidInput, "int64"),
        (torch.ones(2, 4), ShapeMismatch, "expected"),
        (torch.ones(3), ShapeMismatch, "expected"),
        (torch.tensor([[1.0, 2.0, float("nan")]]), InvalidInput, "nan"),
    ],
    ids=["list", "integers", "long", "flat", "nan"],
)
def test_what_is_no_vector_is_refused(vectors: object, error: type[Exception], word: str) -> None:
    with pytest.raises(error, match=word):
        checked_vectors("key", vectors, None, 3)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf"), "1", True, None])
def test_what_is_no_number_in_range_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput, match="share"):
        checked_number("share", value, 0.0, 1.0)


def test_open_and_unbounded_ranges() -> None:
    assert checked_number("rate", 0, 0.0) == 0.0
    with pytest.raises(InvalidInput, match="over 0"):
        checked_number("rate", 0.0, 0.0, open_=True)
    with pytest.raises(InvalidInput, match="finite"):
        checked_number("rate", float("inf"), 0.0)


@pytest.mark.parametrize("value", [0, 1.0, True, "3"])
def test_what_is_no_count_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput, match="slots"):
        checked_count("slots", value)


def test_masks_and_slots_are_checked() -> None:
    assert checked_mask(torch.tensor([[True]]), (1, 1)).item()
    with pytest.raises(InvalidInput, match="bool"):
        checked_mask(torch.ones(1, 1), (1, 1))
    with pytest.raises(ShapeMismatch, match=r"expected \(1, 2\)"):
        checked_mask(torch.tensor([[True]]), (1, 2))
    assert checked_slots(torch.tensor([[-1, 3]]), (1, None), 4).shape == (1, 2)
    with pytest.raises(InvalidInput, match="int64"):
        checked_slots(torch.ones(1, 1), (1, None), 4)
    with pytest.raises(ShapeMismatch, match="any"):
        checked_slots(torch.tensor([0]), (1, None), 4)
    with pytest.raises(InvalidInput, match="0 to 3"):
        checked_slots(torch.tensor([[4]]), (1, None), 4)
