r"""Local receptive fields learned from images alone, without labels and without gradients.

Small patches of images are normalised to equal contrast and whitened; the fields are the directions
that spherical k-means finds in them. A field answers to a patch :math:`x` with

.. math::
    \tilde x = \frac{x - \bar x}{\mathrm{sd}(x) + c}, \qquad
    a_k = \max\left(0,\; d_k^\top W (\tilde x - m) - \theta\right), \qquad
    W = (C + \varepsilon I)^{-1/2}

with :math:`m` and :math:`C` the mean and covariance of the normalised patches: Coates, Ng & Lee
(2011), AISTATS, section 3.2; Coates & Ng (2012), Learning feature representations with k-means,
section 3 (spherical k-means) and 4.1 (the threshold). Answers are averaged over a grid of places
and their square root is taken, which makes skewed averages more like normal numbers (Bartlett 1936,
J. R. Stat. Soc. Suppl. 3:68), then scaled by mean and deviation in the images learned from.

Edges are much the same in all handwriting, so that fields learned from two digits serve all ten:
this is why they can be learned once, on a first task, and be left alone.
"""

from __future__ import annotations

from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.seeding import stream
from neurallayers.training.samples import Samples

# For pixels in 0..1: smaller contrasts than this are noise and are not amplified (c above).
LEAST_CONTRAST = 0.3
# Patches of less contrast than this are background and teach nothing.
LEAST_TO_LEARN = 0.1
WHITENING_FLOOR = 0.1
PATCHES = 60_000
ROUNDS = 15
# Small deviations in the images learned from must not blow up what others show.
LEAST_DEVIATION = 0.05
IMAGES_AT_ONCE = 250


class ReceptiveFields(nn.Module):
    """Features of images by fields that are learned once: ``fields(images) -> [n, feature]``.

    Use :meth:`learned_from`; the constructor takes what it found.

    Args:
        filters: ``[field, channel, kernel, kernel]``, whitening included.
        thresholds: ``[field]``, the offset of the mean patch included.
        image_shape: Height, width and channels of the images.
        stride: Step between patches [pixels].
        padding: Zeros around the image [pixels].
        grid: Answers are averaged over ``grid`` x ``grid`` parts of the image.

    Attributes:
        feature_size: How many features an image has.

    >>> images = torch.rand(20, 12, 12, generator=stream(0, "images"))
    >>> fields = ReceptiveFields.learned_from(images, fields=5, kernel=4, grid=2)
    >>> fields(images).shape, fields.feature_size
    (torch.Size([20, 20]), 20)
    """

    filters: Tensor
    thresholds: Tensor
    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        filters: Tensor,
        thresholds: Tensor,
        *,
        image_shape: tuple[int, int, int],
        stride: int,
        padding: int,
        grid: int,
    ) -> None:
        super().__init__()
        self.image_shape = image_shape
        self.stride, self.padding, self.grid = stride, padding, grid
        self.feature_size = len(filters) * grid * grid
        self.register_buffer("filters", filters)
        self.register_buffer("thresholds", thresholds)
        self.register_buffer("mean", torch.zeros(self.feature_size))
        self.register_buffer("deviation", torch.ones(self.feature_size))

    @classmethod
    def learned_from(
        cls,
        images: Tensor,
        *,
        fields: int = 64,
        kernel: int = 8,
        stride: int = 2,
        padding: int = 2,
        grid: int = 4,
        threshold: float = 0.5,
        seed: int = 0,
    ) -> Self:
        """Learn fields from images.

        Args:
            images: ``[n, height, width]`` or with channels last; uint8, or floats in 0..1.
            fields: How many.
            kernel: Side of a field [pixels].
            stride: Step between patches when features are computed [pixels].
            padding: Zeros around an image [pixels].
            grid: Answers are averaged over ``grid`` x ``grid`` parts of the image.
            threshold: What a field must exceed to answer at all.
            seed: Seed of the patches and of the first guess.

        Raises:
            InvalidInput: If an option is out of range, or the images have too little contrast.
            ShapeMismatch: If the fields do not fit into the images.
        """
        seen = Samples.of((images, torch.zeros(len(images), dtype=torch.int64))).images
        height, width, channels = seen.shape[1:]
        _check_options(fields, kernel, stride, padding, grid, threshold)
        places = (min(height, width) + 2 * padding - kernel) // stride + 1
        if kernel > min(height, width) or places < grid:
            raise ShapeMismatch(
                f"Fields of {kernel} pixels, stride {stride}, on a {grid} x {grid} grid do not fit "
                f"into images of {height} x {width}.",
                "Choose a smaller kernel, stride or grid.",
            )
        patches = _contrast_normalised(_patches(seen, kernel, seed))
        mean = patches.mean(0)
        whitening = _whitening(patches - mean)
        directions = _spherical_k_means((patches - mean) @ whitening, fields, seed) @ whitening
        made = cls(
            # Taking the patch's mean away is a linear map: it is made part of the filters.
            (directions - directions.mean(1, keepdim=True)).reshape(-1, channels, kernel, kernel),
            directions @ mean + threshold,
            image_shape=(height, width, channels),
            stride=stride,
            padding=padding,
            grid=grid,
        )
        features = made(seen)
        made.mean = features.mean(0)
        made.deviation = features.std(0, correction=0) + LEAST_DEVIATION
        return made

    @torch.no_grad()
    def forward(self, images: Tensor) -> Tensor:
        """Features ``[n, feature]`` of images ``[n, height, width]`` or with channels last.

        Raises:
            ShapeMismatch: If the images have another shape than those learned from.
            InvalidInput: If they are neither uint8 nor in 0..1.
        """
        seen = Samples.of((images, torch.zeros(len(images), dtype=torch.int64))).images
        if tuple(seen.shape[1:]) != self.image_shape:
            raise ShapeMismatch(
                f"Images of {tuple(seen.shape[1:])}, expected {self.image_shape}.",
                "Give images like those that the fields were learned from.",
            )
        parts = [self._features(_pixels(part)) for part in seen.split(IMAGES_AT_ONCE)]
        return (torch.cat(parts) - self.mean) / self.deviation

    def _features(self, pixels: Tensor) -> Tensor:
        padded = functional.pad(pixels, (self.padding,) * 4)
        channels, kernel = self.filters.shape[1], self.filters.shape[-1]
        size = channels * kernel * kernel
        box = padded.new_full((1, channels, kernel, kernel), 1.0 / size)
        mean = functional.conv2d(padded, box, stride=self.stride)
        square = functional.conv2d(padded.square(), box, stride=self.stride)
        deviation = ((square - mean.square()).clamp_min(0.0) * (size / (size - 1))).sqrt()
        answers = functional.conv2d(padded, self.filters, stride=self.stride)
        answers = answers / (deviation + LEAST_CONTRAST) - self.thresholds[:, None, None]
        return functional.adaptive_avg_pool2d(answers.relu(), self.grid).sqrt().flatten(1)

    def extra_repr(self) -> str:
        """Sizes, as ``print`` shows them."""
        return f"{self.image_shape} -> {self.feature_size}, fields={len(self.filters)}"


def _check_options(
    fields: int, kernel: int, stride: int, padding: int, grid: int, threshold: float
) -> None:
    wholes: dict[str, tuple[Any, int]] = {
        "fields": (fields, 1),
        "kernel": (kernel, 2),
        "stride": (stride, 1),
        "padding": (padding, 0),
        "grid": (grid, 1),
    }
    for name, (value, least) in wholes.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InvalidInput(f"{name} is {value!r}.", f"Give a whole number, {least} or more.")
    if not 0.0 <= threshold < float("inf"):
        raise InvalidInput(f"threshold is {threshold}.", "Give 0 or more, usually 0.5.")


def _pixels(images: Tensor) -> Tensor:
    pixels = images.permute(0, 3, 1, 2)
    return pixels / 255.0 if pixels.dtype == torch.uint8 else pixels


def _patches(images: Tensor, kernel: int, seed: int) -> Tensor:
    """Patches with some contrast at random places, ``[n, channel * kernel * kernel]``."""
    generator = stream(seed, "receptive fields", "patches")
    high, wide = (side - kernel + 1 for side in images.shape[1:3])
    windows = images.permute(0, 3, 1, 2).unfold(2, kernel, 1).unfold(3, kernel, 1)
    image, row, column = (
        torch.randint(limit, (PATCHES,), generator=generator) for limit in (len(images), high, wide)
    )
    patches = windows[image, :, row, column].flatten(1)
    patches = patches / 255.0 if patches.dtype == torch.uint8 else patches
    patches = patches[patches.std(1) > LEAST_TO_LEARN]
    if len(patches) < 2:
        raise InvalidInput(
            f"The {len(images)} images have almost no contrast.", "Give images with structure."
        )
    return patches


def _contrast_normalised(patches: Tensor) -> Tensor:
    centred = patches - patches.mean(1, keepdim=True)
    return centred / (centred.std(1, keepdim=True) + LEAST_CONTRAST)


def _whitening(centred: Tensor) -> Tensor:
    variance, axes = torch.linalg.eigh(centred.T @ centred / len(centred))
    whitening: Tensor = (
        axes @ torch.diag((variance.clamp_min(0.0) + WHITENING_FLOOR).rsqrt()) @ axes.T
    )
    return whitening


def _spherical_k_means(vectors: Tensor, clusters: int, seed: int) -> Tensor:
    """Unit vectors, each along the sum of the vectors that it answers to most."""
    generator = stream(seed, "receptive fields", "clusters")
    # With fewer vectors than clusters some start twice, and stay.
    first = torch.randperm(len(vectors), generator=generator).repeat(-(-clusters // len(vectors)))
    directions = functional.normalize(vectors[first[:clusters]], dim=1)
    for _ in range(ROUNDS):
        answer, nearest = (vectors @ directions.T).max(1)
        # A cluster that nobody chose stays where it is.
        sums = (1e-3 * directions).index_add(0, nearest, vectors * answer[:, None])
        directions = functional.normalize(sums, dim=1)
    return directions
