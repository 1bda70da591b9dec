"""Images enter checked, or not at all."""

from __future__ import annotations

import decimal
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.senses import as_images, resize

LAW = settings(max_examples=30, deadline=None, derandomize=True, database=None)


@pytest.mark.parametrize(
    ("found", "shape", "batch"),
    [
        ((8, 6), (8, 6), 1),
        ((8, 6), (8, 6, 1), 1),
        ((8, 6, 1), (8, 6), 1),
        ((5, 8, 6), (8, 6), 5),
        ((5, 8, 6, 1), (8, 6), 5),
        ((8, 6, 3), (8, 6, 3), 1),
        ((5, 8, 6, 3), (8, 6, 3), 5),
        ((8, 8, 8), (8, 8), 8),
        ((1, 1), (1, 1), 1),
    ],
)
def test_a_single_image_and_a_batch_are_told_apart_by_their_shape(
    found: tuple[int, ...], shape: tuple[int, ...], batch: int
) -> None:
    pixels = torch.rand(found, generator=torch.Generator().manual_seed(0))
    images = as_images(pixels, shape)
    assert images.shape == (batch, *shape[:2], shape[2] if len(shape) == 3 else 1)
    assert torch.equal(images.flatten(), pixels.flatten())


@given(pixels=arrays.arrays(np.uint8, (2, 3, 4)))
@LAW
def test_bytes_count_from_0_to_255(pixels: np.ndarray) -> None:
    images = as_images(pixels, (3, 4))
    assert images.dtype == torch.float32
    assert np.array_equal(images[..., 0].numpy(), pixels.astype(np.float32) / np.float32(255))


@pytest.mark.parametrize(
    "dtype", [np.float16, np.float32, np.float64, np.longdouble, ">f4", ">f8", bool, int, np.uint16]
)
def test_every_other_number_is_an_intensity(dtype: Any) -> None:
    pixels = np.array([[0, 1], [1, 0]]).astype(dtype)
    images = as_images(pixels, (2, 2))
    assert images.dtype == torch.float32
    assert images[0, ..., 0].tolist() == [[0.0, 1.0], [1.0, 0.0]]


@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.bool, torch.int64]
)
def test_tensors_of_any_real_dtype_are_taken(dtype: torch.dtype) -> None:
    images = as_images(torch.eye(3, dtype=dtype), (3, 3))
    assert torch.equal(images[0, ..., 0], torch.eye(3))


@pytest.mark.parametrize(
    "stimulus",
    [
        [[0.0, 0.5], [1.0, 0.25]],
        ((0.0, 0.5), (1.0, 0.25)),
        [np.array([0.0, 0.5]), np.array([1.0, 0.25])],
        [torch.tensor([0.0, 0.5]), torch.tensor([1.0, 0.25])],
        [torch.tensor([0.0, 0.5]), [1.0, 0.25]],
        np.asfortranarray([[0.0, 0.5], [1.0, 0.25]]),
        np.array([[0.25, 1.0], [0.5, 0.0]])[::-1, ::-1],
    ],
    ids=["lists", "tuples", "arrays", "tensors", "mixed", "fortran", "reversed"],
)
def test_the_same_image_in_any_container(stimulus: Any) -> None:
    assert as_images(stimulus, (2, 2)).flatten().tolist() == [0.0, 0.5, 1.0, 0.25]


def test_a_read_only_array_is_copied_and_a_later_change_of_an_array_is_not_seen() -> None:
    frozen = np.full((2, 2), 0.5, dtype=np.float32)
    frozen.flags.writeable = False
    assert as_images(frozen, (2, 2)).amin() == 0.5
    pixels = np.full((2, 2), 0.5, dtype=np.float32)
    images = as_images(pixels, (2, 2))
    pixels[:] = 0.0
    assert images.amin() == 0.5


def test_gradients_reach_the_pixels() -> None:
    pixels = torch.full((2, 2), 0.5, requires_grad=True)
    as_images(pixels, (2, 2)).sum().backward()
    assert pixels.grad is not None
    assert torch.equal(pixels.grad, torch.ones(2, 2))


def test_rounding_beyond_the_range_is_cut_and_no_more_than_that() -> None:
    images = as_images(torch.tensor([[-1e-7, 1.0 + 2e-7]]), (1, 2))
    assert images.flatten().tolist() == [0.0, 1.0]
    with pytest.raises(InvalidInput, match=r"reach 1\.0001"):
        as_images([[1.0001, 0.0]], (1, 2))


def test_of_another_range_the_maximum_is_named_and_what_to_do() -> None:
    digits = np.zeros((3, 8, 8))
    digits[1, 2, 3] = 16.0
    with pytest.raises(InvalidInput, match=r"reach 16\. .*scikit-learn's digits by 16"):
        as_images(digits, (8, 8))
    with pytest.raises(InvalidInput, match=r"reach 255\. .*uint8"):
        as_images([[255, 0]], (1, 2))
    with pytest.raises(InvalidInput, match=r"go down to -0\.42.*normalisation"):
        as_images([[-0.42, 0.0]], (1, 2))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_values_that_are_not_finite_are_counted_and_located(value: float) -> None:
    pixels = torch.zeros(2, 3, 4)
    pixels[1, 2, 0] = pixels[1, 2, 3] = value
    with pytest.raises(InvalidInput, match=rf"2 of 24 .*{value} at \(1, 2, 0, 0\)"):
        as_images(pixels, (3, 4))


@pytest.mark.parametrize(
    ("stimulus", "named"),
    [
        (np.zeros((2, 2), dtype=np.complex64), "complex64"),
        (torch.zeros(2, 2, dtype=torch.complex64), "complex64"),
        ([["a", "b"], ["c", "d"]], "<U1"),
        ("digit.png", "str"),
        (b"\x89PNG", "bytes"),
        (None, "NoneType"),
        ({"image": [[0.0]]}, "dict"),
        ([[decimal.Decimal("0.5")]], "object"),
        (torch.zeros(2, 2).to_sparse(), "to_dense"),
    ],
)
def test_what_is_no_real_number_is_refused(stimulus: Any, named: str) -> None:
    with pytest.raises(InvalidInput, match=named):
        as_images(stimulus, (2, 2))


@pytest.mark.parametrize(
    ("found", "shape", "remedy"),
    [
        ((28, 28), (8, 8), r"resize\(images, \(8, 8\)\)"),
        ((5, 28, 28, 3), (8, 8, 3), r"resize\(images, \(8, 8\)\)"),
        ((5, 3, 8, 6), (8, 6, 3), r"movedim\(-3, -1\)"),
        ((3, 8, 6), (8, 6, 3), r"movedim\(-3, -1\)"),
        ((5, 64), (8, 8), r"reshape\(-1, 8, 8, 1\)"),
        ((64,), (8, 8), r"reshape\(-1, 8, 8, 1\)"),
        ((), (8, 8), "resize"),
        ((2, 5, 8, 8, 1), (8, 8), "resize"),
        ((8, 6), (8, 6, 3), "resize"),
    ],
)
def test_of_another_shape_both_shapes_are_named_and_what_to_do(
    found: tuple[int, ...], shape: tuple[int, ...], remedy: str
) -> None:
    with pytest.raises(ShapeMismatch, match=remedy) as refused:
        as_images(np.zeros(found), shape)
    assert str(found) in refused.value.problem


def test_the_remedy_for_channels_first_works() -> None:
    first = torch.rand(5, 3, 8, 6, generator=torch.Generator().manual_seed(0))
    images = as_images(first.movedim(-3, -1), (8, 6, 3))
    assert torch.equal(images[2, 4, 5], first[2, :, 4, 5])


@pytest.mark.parametrize("found", [(0, 8, 8), (0, 8, 8, 1)])
def test_an_empty_batch_is_refused(found: tuple[int, ...]) -> None:
    with pytest.raises(ShapeMismatch, match="no image"):
        as_images(np.zeros(found), (8, 8))


@pytest.mark.parametrize("stimulus", [[[0.0, 1.0], [0.5]], [torch.zeros(2, 2), torch.zeros(3, 3)]])
def test_images_of_several_shapes_are_no_batch(stimulus: Any) -> None:
    with pytest.raises(ShapeMismatch):
        as_images(stimulus, (2, 2))


@pytest.mark.parametrize("shape", [(8,), (8, 8, 1, 1), (0, 8), (8, 8, 0)])
def test_a_shape_that_is_none_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeMismatch, match="height, width"):
        as_images(np.zeros((8, 8)), shape)


def test_resizing_down_by_a_whole_factor_keeps_the_mean_of_a_smooth_image() -> None:
    ramp = torch.linspace(0, 1, 32).expand(32, 32)
    small = resize(ramp, (8, 8))
    assert small.shape == (1, 8, 8, 1)
    assert small.mean().item() == pytest.approx(0.5, abs=1e-4)
    assert (small[0, :, 1:] > small[0, :, :-1]).all()


def test_a_thin_line_fades_and_does_not_vanish() -> None:
    for column in range(28):
        line = torch.zeros(28, 28)
        line[:, column] = 1.0
        assert 0.05 < resize(line, (7, 7)).amax().item() < 1.0


def test_resizing_to_the_same_size_changes_nothing() -> None:
    pixels = torch.rand(2, 5, 7, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(resize(pixels, (5, 7, 3)), pixels)


@given(
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    seed=st.integers(0, 99),
    value=st.floats(0, 1),
)
@LAW
def test_a_resized_image_stays_in_range_and_a_flat_one_flat(
    height: int, width: int, seed: int, value: float
) -> None:
    pixels = torch.rand(2, 9, 5, 2, generator=torch.Generator().manual_seed(seed)).round()
    images = resize(pixels, (height, width))
    assert images.shape == (2, height, width, 2)
    assert torch.equal(as_images(images, (height, width, 2)), images)
    flat = resize(torch.full((9, 5), value), (height, width))
    assert torch.allclose(flat, torch.tensor(value, dtype=torch.float32), atol=1e-6)


def test_resize_takes_bytes_and_refuses_what_as_images_refuses() -> None:
    assert resize(np.full((4, 4), 255, dtype=np.uint8), (2, 2)).amin() == 1.0
    with pytest.raises(InvalidInput, match="reach 16"):
        resize(np.full((4, 4), 16.0), (2, 2))
    with pytest.raises(ShapeMismatch, match=r"images\[None\]"):
        resize(np.zeros((4, 4, 3)), (2, 2))
    with pytest.raises(ShapeMismatch, match="3 channels, 1 were"):
        resize(np.zeros((1, 4, 4, 3)), (2, 2, 1))
    with pytest.raises(ShapeMismatch, match="no image"):
        resize(np.zeros((0, 4, 4, 3)), (2, 2))
