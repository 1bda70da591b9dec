r"""Images moved, turned, scaled and bent at random, from a generator that is handed in.

Functions that end in ``_by`` are exact and say by how much; :func:`augment` draws that at random.
All take and give ``[batch, height, width, channels]`` in 0..1.

Source of the elastic distortion: Simard, Steinkraus & Platt (2003), Best practices for
convolutional neural networks applied to visual document analysis, ICDAR, section 2.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.nn import functional

from neurallayers.errors import InvalidInput, ShapeMismatch

TRANSFORMATIONS = 8


class Augmentation(BaseModel):
    """How far each training image may be moved, turned, scaled and bent.

    Attributes:
        shift_pixels: Up to so many whole pixels in each direction; zeros come in.
        rotation_degrees: Up to this angle to either side.
        scaling: Up to this share larger or smaller.
        elastic_pixels: Standard deviation of the displacement of a pixel by bending.
        elastic_smoothness_pixels: Distance over which neighbouring displacements agree.
        probability: Share of the images that are changed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    shift_pixels: int = Field(default=0, ge=0, le=64)
    rotation_degrees: float = Field(default=0.0, ge=0, le=180)
    scaling: float = Field(default=0.0, ge=0, lt=1)
    elastic_pixels: float = Field(default=0.0, ge=0, le=32)
    elastic_smoothness_pixels: float = Field(default=4.0, gt=0, le=64)
    probability: float = Field(default=1.0, ge=0, le=1)

    @property
    def bends(self) -> bool:
        """Whether images are resampled between pixels."""
        return self.rotation_degrees > 0 or self.scaling > 0 or self.elastic_pixels > 0


def augment(images: Tensor, options: Augmentation, generator: torch.Generator) -> Tensor:
    """Change each image at random.

    The numbers are drawn on the generator's device, so that they are the same wherever the images
    are.

    Args:
        images: ``[batch, height, width, channels]``.
        options: How far.
        generator: Where the random numbers come from.
    """
    if options.probability == 0 or not (options.bends or options.shift_pixels):
        return images
    batch = len(images)
    chosen = torch.rand(batch, generator=generator) < options.probability
    if options.bends:
        images = _bend(images, options, chosen, generator)
    if reach := options.shift_pixels:
        offsets = torch.randint(-reach, reach + 1, (2, batch), generator=generator) * chosen
        down, right = offsets.to(images.device)
        images = shift_by(images, down, right)
    return images


def _bend(
    images: Tensor, options: Augmentation, chosen: Tensor, generator: torch.Generator
) -> Tensor:
    batch, height, width, _ = images.shape
    signed = (2 * torch.rand(2, batch, generator=generator) - 1) * chosen
    angle = signed[0] * math.radians(options.rotation_degrees)
    scale = (1 + signed[1] * options.scaling).to(images)
    displacement = None
    if options.elastic_pixels:
        noise = torch.randn(batch, 2, height, width, generator=generator)
        field = smooth_field(noise, options.elastic_smoothness_pixels) * options.elastic_pixels
        displacement = (field * chosen[:, None, None, None]).to(images)
    return warp_by(images, angle.to(images), scale, displacement)


def shift_by(images: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Move each image by whole pixels; zeros come in.

    Args:
        images: ``[batch, height, width, channels]``.
        down: int64 ``[batch]``, pixels towards higher rows.
        right: int64 ``[batch]``, pixels towards higher columns.

    >>> image = torch.arange(4.0).reshape(1, 2, 2, 1)
    >>> shift_by(image, torch.tensor([1]), torch.tensor([0])).flatten().tolist()
    [0.0, 0.0, 0.0, 1.0]
    """
    batch, height, width, _ = images.shape
    rows = torch.arange(height, device=images.device) - down[:, None]
    columns = torch.arange(width, device=images.device) - right[:, None]
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[
        :, None, :
    ]
    moved = images[
        torch.arange(batch, device=images.device)[:, None, None],
        rows.clamp(0, height - 1)[:, :, None],
        columns.clamp(0, width - 1)[:, None, :],
    ]
    return moved * inside[..., None].to(images.dtype)


def warp_by(
    images: Tensor, angle: Tensor, scale: Tensor, displacement: Tensor | None = None
) -> Tensor:
    """Turn and scale each image about its centre and bend it, bilinearly; zeros come in.

    Args:
        images: ``[batch, height, width, channels]``.
        angle: ``[batch]`` [rad], counter-clockwise as one looks at the image.
        scale: ``[batch]``, above one for larger.
        displacement: ``[batch, 2, height, width]`` [pixels]: from how much further right and
            further down each pixel is taken.
    """
    height, width = images.shape[1:3]
    down = torch.arange(height, device=images.device, dtype=images.dtype) - (height - 1) / 2
    right = torch.arange(width, device=images.device, dtype=images.dtype) - (width - 1) / 2
    cosine = (torch.cos(angle) / scale)[:, None, None]
    sine = (torch.sin(angle) / scale)[:, None, None]
    # The image turns counter-clockwise when each pixel looks clockwise (rows grow downwards).
    from_right = cosine * right[None, None, :] - sine * down[None, :, None]
    from_down = sine * right[None, None, :] + cosine * down[None, :, None]
    if displacement is not None:
        from_right, from_down = from_right + displacement[:, 0], from_down + displacement[:, 1]
    # grid_sample counts from -1 to 1 over the whole extent when corners are not aligned.
    grid = torch.stack([from_right * (2 / width), from_down * (2 / height)], dim=-1)
    warped = functional.grid_sample(
        images.movedim(-1, 1), grid, mode="bilinear", padding_mode="zeros", align_corners=False
    )
    return warped.movedim(1, -1).contiguous()


def smooth_field(noise: Tensor, smoothness_pixels: float) -> Tensor:
    """Blur white noise with a Gaussian and bring it back to a standard deviation of one.

    Args:
        noise: ``[batch, 2, height, width]``, standard normal.
        smoothness_pixels: Standard deviation of the Gaussian.
    """
    radius = max(1, math.ceil(3 * smoothness_pixels))
    offsets = torch.arange(-radius, radius + 1, dtype=noise.dtype, device=noise.device)
    kernel = torch.exp(-0.5 * (offsets / smoothness_pixels) ** 2)
    # Independent numbers weighted by k have variance sum(k^2).
    kernel = kernel / kernel.square().sum().sqrt()
    flat = noise.flatten(0, 1).unsqueeze(1)
    flat = functional.conv2d(flat, kernel[None, None, :, None], padding=(radius, 0))
    flat = functional.conv2d(flat, kernel[None, None, None, :], padding=(0, radius))
    return flat.reshape(noise.shape)


def dihedral_by(images: Tensor, transformation: Tensor) -> Tensor:
    """Show each square image under one of the eight symmetries of the square.

    Args:
        images: ``[batch, side, side, channels]``.
        transformation: int64 ``[batch]``: 0 to 3 are so many quarter turns counter-clockwise, 4 to
            7 the same and then mirrored in the main diagonal.

    Raises:
        ShapeMismatch: If the images are not square.
        InvalidInput: If a transformation is not one of the eight.

    >>> image = torch.arange(4.0).reshape(1, 2, 2, 1)
    >>> dihedral_by(image, torch.tensor([1])).flatten().tolist()
    [1.0, 3.0, 0.0, 2.0]
    """
    batch, height, width, channels = images.shape
    if height != width:
        raise ShapeMismatch(
            f"Images of {height} x {width} pixels have no eight symmetries.",
            "Give square images, or set orientation_weight to 0.",
        )
    if transformation.device.type == "cpu" and bool(
        ((transformation < 0) | (transformation >= TRANSFORMATIONS)).any()
    ):
        raise InvalidInput(
            f"transformation is {transformation.tolist()}.", "Choose from 0 to 7 for each image."
        )
    table = _dihedral_table(height).to(images.device)
    places = table[transformation].unsqueeze(-1).expand(batch, height * width, channels)
    return images.flatten(1, 2).gather(1, places).reshape(images.shape)


@lru_cache(maxsize=8)
def _dihedral_table(side: int) -> Tensor:
    """For each symmetry and pixel, the pixel that it takes, ``[8, side * side]``."""
    pixels = torch.arange(side * side).reshape(side, side)
    turned = [torch.rot90(pixels, turns, (0, 1)) for turns in range(4)]
    return torch.stack([*turned, *(image.T for image in turned)]).flatten(1)
