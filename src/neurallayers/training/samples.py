"""Labelled images in the form in which training takes them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.seeding import stream

_WHITE = 255.0


@dataclass(frozen=True)
class Samples:
    """Labelled images, checked once.

    Attributes:
        images: ``[n, height, width, channels]``, uint8 or float32 in 0..1.
        labels: int64 ``[n]``, from 0.
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return int(self.labels.shape[0])

    @classmethod
    def of(cls, data: Any) -> Samples:
        """Take images and labels from a pair or from anything that has them as attributes.

        Args:
            data: ``(images, labels)``, or an object with ``images`` and ``labels``; tensors or
                arrays. Images are ``[n, height, width]`` or have channels last; uint8, or floats in
                0..1.

        Raises:
            InvalidInput: If there are no images, or values or labels are out of range.
            ShapeMismatch: If the axes do not fit.
        """
        images, labels = _pair(data)
        if images.ndim == 3:
            images = images.unsqueeze(-1)
        if images.ndim != 4 or labels.ndim != 1 or len(images) != len(labels):
            raise ShapeMismatch(
                f"Images have shape {tuple(images.shape)}, labels {tuple(labels.shape)}.",
                "Give images [n, height, width] or [n, height, width, channels] and labels [n].",
            )
        if len(labels) == 0:
            raise InvalidInput("There are no images.", "Give at least one.")
        return cls(_checked_images(images), _checked_labels(labels))

    def to(self, device: torch.device) -> Samples:
        """The same samples on another device."""
        return Samples(self.images.to(device), self.labels.to(device))

    def batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Stimuli ``[batch, height, width, channels]`` in 0..1 and targets of these samples."""
        images = self.images[index]
        if images.dtype == torch.uint8:
            images = images.to(torch.float32) / _WHITE
        return images, self.labels[index]

    def check_labels(self, n_labels: int) -> None:
        """Refuse labels that a network has no score for.

        Raises:
            InvalidInput: If the highest label is not below ``n_labels``.
        """
        highest = int(self.labels.max())
        if highest >= n_labels:
            raise InvalidInput(
                f"The data has label {highest}; the network scores {n_labels} classes.",
                "Number the classes from 0, or make the network with a label for each.",
            )

    def part(self, share: float, seed: int) -> tuple[Samples, Samples]:
        """Divide into a larger and a smaller part, class by class.

        Args:
            share: Share of each class that goes into the smaller part (rounded).
            seed: Seed of the choice.

        Returns:
            The rest and the chosen, each in the order of the samples.

        Raises:
            InvalidInput: If one of the parts would be empty.
        """
        order = torch.randperm(len(self), generator=stream(seed, "fit", "validation"))
        labels = self.labels.cpu()[order]
        # Sorted by class, the place within the class decides.
        labels, by_class = labels.sort(stable=True)
        counts = torch.bincount(labels)
        starts = counts.cumsum(0) - counts
        place = torch.arange(len(self)) - starts[labels]
        chosen = torch.zeros(len(self), dtype=torch.bool)
        chosen[order[by_class]] = place < (counts * share).round()[labels]
        if not bool(chosen.any()) or bool(chosen.all()):
            raise InvalidInput(
                f"A share of {share} of {len(self)} samples leaves one part empty.",
                "Choose another validation_fraction, or pass validation data.",
            )
        chosen = chosen.to(self.labels.device)
        return (
            Samples(self.images[~chosen], self.labels[~chosen]),
            Samples(self.images[chosen], self.labels[chosen]),
        )

    def digest(self) -> str:
        """SHA-256 of images and labels: equal exactly for equal samples."""
        digest = hashlib.sha256(f"{self.images.dtype}{tuple(self.images.shape)}".encode())
        for tensor in (self.images, self.labels):
            digest.update(tensor.cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
        return digest.hexdigest()


def _pair(data: Any) -> tuple[Tensor, Tensor]:
    if isinstance(data, tuple) and len(data) == 2:
        images, labels = data
    elif hasattr(data, "images") and hasattr(data, "labels"):
        images, labels = data.images, data.labels
    else:
        raise InvalidInput(
            f"{type(data).__name__} holds no samples.",
            "Pass (images, labels) or an object with both as attributes, such as dataset.train.",
        )
    return torch.as_tensor(images), torch.as_tensor(labels)


def _checked_images(images: Tensor) -> Tensor:
    if images.dtype == torch.uint8:
        return images.contiguous()
    if not images.is_floating_point():
        raise InvalidInput(f"Images are {images.dtype}.", "Give uint8, or floats in 0..1.")
    low, high = float(images.min()), float(images.max())
    if not (low >= 0.0 and high <= 1.0):  # false for NaN as well
        raise InvalidInput(
            f"Images go from {low} to {high}.", "Scale them to 0..1 and remove what is not finite."
        )
    return images.to(torch.float32).contiguous()


def _checked_labels(labels: Tensor) -> Tensor:
    if labels.is_floating_point() or labels.dtype == torch.bool:
        raise InvalidInput(f"Labels are {labels.dtype}.", "Give whole numbers from 0.")
    labels = labels.to(torch.int64)
    if int(labels.min()) < 0:
        raise InvalidInput(f"The lowest label is {int(labels.min())}.", "Count classes from 0.")
    return labels.contiguous()
