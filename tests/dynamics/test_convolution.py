"""Channels-last convolution and pooling against torch's own layout and by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from neurallayers.dynamics.convolution import AveragePool2d, Convolution2d, Flatten, MaxPool2d
from neurallayers.errors import InvalidInput, ShapeMismatch

LAW = settings(max_examples=25, deadline=None, derandomize=True, database=None)


@given(
    height=st.integers(3, 9),
    width=st.integers(3, 9),
    channels=st.tuples(st.integers(1, 3), st.integers(1, 4)),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
)
@LAW
def test_it_is_torchs_convolution_with_channels_last(
    height: int, width: int, channels: tuple[int, int], kernel: int, stride: int, padding: int
) -> None:
    cell = Convolution2d(
        (height, width, channels[0]),
        channels[1],
        kernel=kernel,
        stride=stride,
        padding=padding,
        seed=1,
    )
    xs = torch.rand(2, 3, height, width, channels[0], generator=torch.Generator().manual_seed(0))
    outputs, _ = cell.run(xs)
    expected = functional.conv2d(
        xs.flatten(0, 1).movedim(-1, 1).contiguous(),
        cell.weight.contiguous(),
        cell.bias,
        stride,
        padding,
    )
    assert outputs.shape[2:] == cell.out_shape
    assert torch.allclose(outputs.flatten(0, 1).movedim(-1, 1), expected, atol=1e-5)


def test_one_field_by_hand() -> None:
    """A receptive field that looks one pixel to the left."""
    cell = Convolution2d((1, 4, 1), 1, kernel=3, padding=1, bias=False)
    with torch.no_grad():
        cell.weight.zero_()
        cell.weight[0, 0, 1, 0] = 1.0
    row = torch.tensor([1.0, 2.0, 3.0, 4.0]).view(1, 1, 1, 4, 1)
    assert cell.run(row)[0].flatten().tolist() == [0, 1, 2, 3]


def test_outputs_lie_channels_last_without_a_copy_behind_them() -> None:
    cell = Convolution2d((6, 6, 3), 8, kernel=3, padding=1)
    outputs, _ = cell.run(torch.rand(2, 2, 6, 6, 3))
    assert outputs.is_contiguous()
    assert cell.weight.is_contiguous(memory_format=torch.channels_last)


def test_weights_follow_the_seed_and_the_fan_in() -> None:
    cell = Convolution2d((8, 8, 16), 64, kernel=5, gain=2.0, seed=4)
    assert cell.weight.std().item() == pytest.approx(2.0 / (16 * 25) ** 0.5, rel=0.05)
    assert torch.equal(
        cell.weight, Convolution2d((8, 8, 16), 64, kernel=5, gain=2.0, seed=4).weight
    )


@given(
    height=st.integers(2, 9),
    width=st.integers(2, 9),
    kernel=st.integers(1, 2),
    stride=st.one_of(st.none(), st.integers(1, 3)),
    seed=st.integers(0, 99),
)
@LAW
def test_pools_are_the_mean_and_the_maximum_of_each_field(
    height: int, width: int, kernel: int, stride: int | None, seed: int
) -> None:
    image = torch.rand(height, width, 2, generator=torch.Generator().manual_seed(seed))
    mean = AveragePool2d((height, width, 2), kernel=kernel, stride=stride)
    most = MaxPool2d((height, width, 2), kernel=kernel, stride=stride)
    step = kernel if stride is None else stride
    means, _ = mean.run(image[None, None])
    maxima, _ = most.run(image[None, None])
    assert means.shape[2:] == mean.out_shape == most.out_shape == maxima.shape[2:]
    for i in range(mean.out_shape[0]):
        for j in range(mean.out_shape[1]):
            field = image[i * step : i * step + kernel, j * step : j * step + kernel]
            assert torch.allclose(means[0, 0, i, j], field.mean((0, 1)), atol=1e-6)
            assert torch.equal(maxima[0, 0, i, j], field.amax((0, 1)))


def test_the_maximum_of_spikes_says_whether_any_fired() -> None:
    spikes = torch.zeros(1, 1, 4, 4, 1)
    spikes[0, 0, 1, 2] = 1
    assert MaxPool2d((4, 4, 1)).run(spikes)[0].flatten().tolist() == [0, 1, 0, 0]


def test_flatten_keeps_the_order_in_which_other_cells_read() -> None:
    cell = Flatten((2, 3, 4))
    xs = torch.arange(48.0).view(1, 2, 2, 3, 4)
    assert cell.out_shape == (24,)
    assert torch.equal(cell.run(xs)[0].flatten(), torch.arange(48.0))


@pytest.mark.parametrize(
    "options",
    [
        {"kernel": 9},
        {"kernel": 0},
        {"stride": 0},
        {"padding": -1},
        {"kernel": 7, "padding": 0},
    ],
)
def test_a_field_that_does_not_fit_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="kernel must fit"):
        Convolution2d((6, 6, 1), 2, **options)


@pytest.mark.parametrize("channels", [0, -3])
def test_a_convolution_needs_an_output_channel(channels: int) -> None:
    with pytest.raises(InvalidInput, match=f"channels is {channels}"):
        Convolution2d((6, 6, 1), channels)


@pytest.mark.parametrize("shape", [(6, 6), (6, 6, 0), (6,), (1, 6, 6, 1)])
@pytest.mark.parametrize("kind", [AveragePool2d, MaxPool2d])
def test_an_image_has_height_width_and_channels(kind: Any, shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeMismatch, match="height, width, channels"):
        kind(shape)
