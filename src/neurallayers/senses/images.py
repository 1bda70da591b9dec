"""Images as the senses take them: float32 ``[batch, height, width, channels]`` between 0 and 1.

This is the door through which data of users enters, so that everything is checked here and nothing
behind it: shape, dtype, range and finiteness. Nothing is guessed: an image of another size is not
scaled and values in another range are not divided unless the caller says so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from neurallayers.errors import InvalidInput, ShapeMismatch

# Arithmetic on intensities (a mean, a resize) may overshoot 1 by a few units in the last place.
_ROUNDING = 1e-6


def as_images(stimulus: Any, shape: tuple[int, ...]) -> Tensor:
    """One image or a batch of them, checked and in the form that the senses take.

    Args:
        stimulus: A tensor, an array or nested lists, ``[*shape]`` or ``[batch, *shape]``; the axis
            of a single channel may be missing or there. uint8 counts from 0 to 255 and is divided
            by 255; every other dtype holds intensities from 0 to 1.
        shape: ``(height, width)`` or ``(height, width, channels)``.

    Returns:
        float32 ``[batch, height, width, channels]`` on the device of the stimulus, between 0 and 1.
        Gradients flow through; an array is copied, a tensor that fits is not.

    Raises:
        ShapeMismatch: If the images have another shape, or there is none.
        InvalidInput: If values are not real numbers, not finite or outside 0 to 1.

    >>> as_images([[0.0, 0.5], [1.0, 0.25]], (2, 2)).shape
    torch.Size([1, 2, 2, 1])
    >>> as_images(np.full((3, 2, 2), 255, dtype=np.uint8), (2, 2)).amax().item()
    1.0
    """
    return _intensities(_framed(_numbers(stimulus), _expected(shape)))


def resize(stimulus: Any, shape: tuple[int, ...]) -> Tensor:
    """Images of another size, each new pixel the weighted mean of those that it covers.

    Bilinear interpolation with a filter as wide as the reduction, so that thin lines fade and do
    not vanish.

    Args:
        stimulus: One grey image ``[height, width]`` or a batch
            ``[batch, height, width, channels]``; otherwise as :func:`as_images`.
        shape: ``(height, width)`` to come out; channels may follow and must be those there are.

    Returns:
        float32 ``[batch, height, width, channels]`` between 0 and 1.

    Raises:
        ShapeMismatch: If the number of axes or of channels does not fit.
        InvalidInput: As :func:`as_images`.

    >>> resize(torch.ones(28, 28), (8, 8)).shape
    torch.Size([1, 8, 8, 1])
    """
    height, width, channels = _expected(shape)
    images = _numbers(stimulus)
    if images.ndim == 2:
        images = images[None, ..., None]
    if images.ndim != 4:
        raise ShapeMismatch(
            f"The images have shape {tuple(images.shape)}.",
            "Give [height, width] or [batch, height, width, channels]: images[None] makes a batch "
            "of one coloured image, images[..., None] adds the channel of a batch of grey ones.",
        )
    if len(shape) == 3 and images.shape[3] != channels:
        raise ShapeMismatch(
            f"The images have {images.shape[3]} channels, {channels} were asked for.",
            "Resizing changes height and width only; convert the colours before.",
        )
    _refuse_empty(images)
    scaled = functional.interpolate(
        _intensities(images).permute(0, 3, 1, 2),
        size=(height, width),
        mode="bilinear",
        antialias=True,
        align_corners=False,
    )
    return scaled.permute(0, 2, 3, 1).contiguous().clamp(0.0, 1.0)


def _expected(shape: tuple[int, ...]) -> tuple[int, int, int]:
    if len(shape) not in (2, 3) or min(shape) < 1:
        raise ShapeMismatch(
            f"The shape asked for is {tuple(shape)}.",
            "Give (height, width) or (height, width, channels), each at least 1.",
        )
    height, width = shape[:2]
    return int(height), int(width), int(shape[2]) if len(shape) == 3 else 1


def _numbers(stimulus: Any) -> Tensor:
    """The stimulus as a tensor of real numbers of whatever shape and range."""
    if isinstance(stimulus, list | tuple) and any(isinstance(part, Tensor) for part in stimulus):
        stimulus = _stacked([_numbers(part) for part in stimulus])
    tensor = stimulus if isinstance(stimulus, Tensor) else _from_array(stimulus)
    if tensor.is_complex():
        raise InvalidInput(f"The images are {tensor.dtype}.", "Give real numbers, such as abs().")
    if tensor.layout != torch.strided or tensor.is_quantized:
        raise InvalidInput(
            f"The images are stored as {tensor.layout}, {tensor.dtype}.",
            "Call to_dense() or dequantize() first.",
        )
    return tensor


def _stacked(images: list[Tensor]) -> Tensor:
    if len({tuple(image.shape) for image in images}) > 1:
        raise ShapeMismatch(
            f"The images have the shapes {[tuple(image.shape) for image in images]}.",
            "A batch holds images of one shape; bring them to it with neurallayers.senses.resize.",
        )
    return torch.stack(images)


def _from_array(stimulus: Any) -> Tensor:
    try:
        array = np.asarray(stimulus)
    except ValueError as error:
        raise ShapeMismatch(
            f"The images are a {type(stimulus).__name__} of rows that differ in length.",
            "Give every row as many numbers, and every image as many rows.",
        ) from error
    if array.dtype.kind not in "biuf":
        raise InvalidInput(
            f"The images are a {type(stimulus).__name__} of {array.dtype}.",
            "Give real numbers: uint8 from 0 to 255, or floats from 0 to 1.",
        )
    if array.dtype != np.uint8 and array.dtype != np.float32:
        # torch knows neither every width nor every byte order of numpy.
        array = array.astype(np.float64)
    return torch.from_numpy(np.array(array, order="C"))


def _framed(images: Tensor, expected: tuple[int, int, int]) -> Tensor:
    """The images with batch and channel axes, if these are the only ones that lack."""
    height, width, channels = expected
    found = tuple(images.shape)
    if found == expected:
        images = images[None]
    elif channels == 1 and found == (height, width):
        images = images[None, ..., None]
    elif channels == 1 and len(found) == 3 and found[1:] == (height, width):
        images = images[..., None]
    elif len(found) != 4 or found[1:] != expected:
        wanted = f"({height}, {width})" if channels == 1 else str(expected)
        raise ShapeMismatch(
            f"The images have shape {found}, expected {wanted} or a batch of such.",
            _way_out(found, expected),
        )
    _refuse_empty(images)
    return images


def _way_out(found: tuple[int, ...], expected: tuple[int, int, int]) -> str:
    height, width, channels = expected
    if found[-3:] == (channels, height, width):
        return "Put channels last: images.movedim(-3, -1)."
    if found and found[-1] == height * width * channels:
        return f"The rows are flat: images.reshape(-1, {height}, {width}, {channels})."
    return f"Scale them with neurallayers.senses.resize(images, ({height}, {width}))."


def _refuse_empty(images: Tensor) -> None:
    if images.numel() == 0:
        raise ShapeMismatch(
            f"There is no image in a batch of shape {tuple(images.shape)}.", "Pass at least one."
        )


def _intensities(images: Tensor) -> Tensor:
    """float32 between 0 and 1, if that is what the values mean."""
    if images.dtype == torch.uint8:
        return images.to(torch.float32) / 255.0
    if images.dtype == torch.bool:
        return images.to(torch.float32)
    _refuse_unfinite(images)
    low, high = float(images.detach().min()), float(images.detach().max())
    if low < -_ROUNDING:
        raise InvalidInput(
            f"Values go down to {low:.6g}.",
            "Intensities lie between 0 and 1: undo a normalisation by mean and deviation, or shift "
            "and scale.",
        )
    if high > 1.0 + _ROUNDING:
        raise InvalidInput(
            f"Values reach {high:.6g}.",
            "Intensities lie between 0 and 1: divide by the maximum, scikit-learn's digits by 16, "
            "or give whole numbers from 0 to 255 as uint8.",
        )
    images = images.to(torch.float32)
    return images.clamp(0.0, 1.0) if low < 0.0 or high > 1.0 else images


def _refuse_unfinite(images: Tensor) -> None:
    bad = ~images.isfinite()
    count = int(bad.sum())
    if count:
        first = tuple(int(i) for i in bad.nonzero()[0])
        raise InvalidInput(
            f"{count} of {images.numel()} values are not finite, the first is "
            f"{float(images.detach()[first])} at {first} of [batch, height, width, channels].",
            "Replace what was not measured, with torch.nan_to_num or the mean of its neighbours.",
        )
