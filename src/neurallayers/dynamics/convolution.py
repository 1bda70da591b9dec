"""Convolution and pooling over images, channels last: ``[batch, height, width, channels]``.

Channels last is the layout in which torch's CPU convolutions are fastest; on these cells it is the
only one, so that no copy is made between a convolution and the neurons behind it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurallayers.dynamics.cell import CELLS, MemorylessCell
from neurallayers.dynamics.synapses import random_weights
from neurallayers.errors import InvalidInput, ShapeMismatch


def _image_shape(in_shape: tuple[int, ...]) -> tuple[int, int, int]:
    if len(in_shape) != 3 or min(in_shape) < 1:
        raise ShapeMismatch(
            f"in_shape is {tuple(in_shape)}.", "Give (height, width, channels), channels last."
        )
    height, width, channels = (int(axis) for axis in in_shape)
    return height, width, channels


def _windows(extent: int, kernel: int, stride: int, padding: int) -> int:
    fits = min(kernel, stride) >= 1 and padding >= 0 and kernel <= extent + 2 * padding
    if not fits:
        raise InvalidInput(
            f"kernel {kernel}, stride {stride}, padding {padding} on {extent} pixels.",
            "Kernel and stride must be at least 1 and the kernel must fit the padded image.",
        )
    return (extent + 2 * padding - kernel) // stride + 1


@CELLS.register("Convolution2d")
class Convolution2d(MemorylessCell):
    """The same small receptive field at every place of an image.

    Args:
        in_shape: Height, width and channels of the input.
        channels: Number of output channels.
        kernel: Side of the receptive field [pixels].
        stride: Step between fields [pixels].
        padding: Zeros around the image [pixels].
        bias: Whether each channel has a constant input.
        gain: Standard deviation of the weights times sqrt(fan in).
        seed: Seed of the weights.

    Raises:
        InvalidInput: If the field does not fit, or there is no channel.
        ShapeMismatch: If ``in_shape`` is not height, width, channels.

    >>> Convolution2d((8, 8, 1), 4, kernel=3).out_shape
    (6, 6, 4)
    """

    def __init__(
        self,
        in_shape: tuple[int, ...],
        channels: int,
        *,
        kernel: int = 3,
        stride: int = 1,
        padding: int = 0,
        bias: bool = True,
        gain: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        height, width, n_in = _image_shape(in_shape)
        if channels < 1:
            raise InvalidInput(f"channels is {channels}.", "There must be at least one.")
        self.in_shape = (height, width, n_in)
        self.out_shape = (
            _windows(height, kernel, stride, padding),
            _windows(width, kernel, stride, padding),
            channels,
        )
        self.kernel, self.stride, self.padding = kernel, stride, padding
        weight = random_weights((channels, n_in, kernel, kernel), n_in * kernel**2, gain, seed)
        self.weight = nn.Parameter(weight.detach().contiguous(memory_format=torch.channels_last))
        self.bias = nn.Parameter(torch.zeros(channels)) if bias else None

    def map_frames(self, frames: Tensor) -> Tensor:
        """One convolution over all frames; the permutations are views."""
        images = functional.conv2d(
            frames.permute(0, 3, 1, 2),
            self.weight,
            self.bias,
            stride=self.stride,
            padding=self.padding,
        )
        return images.permute(0, 2, 3, 1).contiguous()


class _Pool2d(MemorylessCell):
    def __init__(
        self, in_shape: tuple[int, ...], *, kernel: int = 2, stride: int | None = None
    ) -> None:
        super().__init__()
        height, width, channels = _image_shape(in_shape)
        self.kernel, self.stride = kernel, kernel if stride is None else stride
        self.in_shape = (height, width, channels)
        self.out_shape = (
            _windows(height, self.kernel, self.stride, 0),
            _windows(width, self.kernel, self.stride, 0),
            channels,
        )


@CELLS.register("AveragePool2d")
class AveragePool2d(_Pool2d):
    """Mean over square fields; spikes become graded.

    Args:
        in_shape: Height, width and channels of the input.
        kernel: Side of a field [pixels].
        stride: Step between fields [pixels]; the side when left out.
    """

    def map_frames(self, frames: Tensor) -> Tensor:
        """Pool all frames."""
        images = functional.avg_pool2d(frames.permute(0, 3, 1, 2), self.kernel, self.stride)
        return images.permute(0, 2, 3, 1).contiguous()


@CELLS.register("MaxPool2d")
class MaxPool2d(_Pool2d):
    """Maximum over square fields: on spikes, whether any neuron of the field fired.

    Args:
        in_shape: Height, width and channels of the input.
        kernel: Side of a field [pixels].
        stride: Step between fields [pixels]; the side when left out.
    """

    def map_frames(self, frames: Tensor) -> Tensor:
        """Pool all frames."""
        images = functional.max_pool2d(frames.permute(0, 3, 1, 2), self.kernel, self.stride)
        return images.permute(0, 2, 3, 1).contiguous()


@CELLS.register("Flatten")
class Flatten(MemorylessCell):
    """An image as one row of numbers.

    Args:
        in_shape: Shape of the input, without time and batch.
    """

    def __init__(self, in_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.in_shape = tuple(int(axis) for axis in in_shape)
        self.out_shape = (torch.Size(self.in_shape).numel(),)

    def map_frames(self, frames: Tensor) -> Tensor:
        """A view wherever the memory allows it."""
        return frames.flatten(1)
