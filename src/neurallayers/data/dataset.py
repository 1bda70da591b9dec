"""A labelled set of images with fixed parts, its source and its licence."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.registry import Registry


@dataclass(frozen=True)
class Split:
    """One part of a data set.

    Attributes:
        name: ``"train"``, ``"test"``, or what else the part is, such as ``"test_public"``.
        images: ``[n, height, width]`` or ``[n, height, width, channels]``; uint8 0 to 255, or
            float32 0 to 1 where the source has another scale.
        labels: int64 ``[n]``, places in ``class_names``.
        class_names: The classes, in the order of their labels.

    Raises:
        ShapeMismatch: If the axes do not fit.
        InvalidInput: If a dtype or a label is not as above.
    """

    name: str
    images: Tensor
    labels: Tensor
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.images.ndim not in (3, 4) or self.labels.shape != self.images.shape[:1]:
            raise ShapeMismatch(
                f"{self.name}: images {tuple(self.images.shape)}, "
                f"labels {tuple(self.labels.shape)}.",
                "Images are [n, height, width] or with channels last, labels [n].",
            )
        if self.images.dtype not in (torch.uint8, torch.float32) or self.labels.dtype != torch.long:
            raise InvalidInput(
                f"{self.name}: images are {self.images.dtype}, labels {self.labels.dtype}.",
                "Images are uint8 or float32, labels int64.",
            )
        known = len(self.class_names)
        if len(self) and not 0 <= int(self.labels.min()) <= int(self.labels.max()) < known:
            raise InvalidInput(
                f"{self.name}: labels from {int(self.labels.min())} to {int(self.labels.max())} "
                f"with {known} class names.",
                "A label is a place in class_names, from 0.",
            )

    def __len__(self) -> int:
        return int(self.labels.shape[0])

    def of_classes(self, labels: list[int] | tuple[int, ...], *, relabel: bool = False) -> Split:
        """The images of these classes only, in the order they had.

        Args:
            labels: Classes to keep, each once.
            relabel: Number the kept classes from 0 in the order given (and name only those);
                otherwise labels and names stay as they are.

        Raises:
            InvalidInput: If a class is unknown or named twice.

        >>> split = Split("train", torch.zeros(3, 2, 2), torch.tensor([0, 1, 2]), ("a", "b", "c"))
        >>> split.of_classes([2, 0], relabel=True).labels.tolist()
        [1, 0]
        """
        kept = [int(label) for label in labels]
        if not kept or len(set(kept)) != len(kept) or not set(kept) <= set(self._numbers()):
            raise InvalidInput(
                f"labels are {kept}.",
                f"Name one or more of 0 to {len(self.class_names) - 1}, each once.",
            )
        place = torch.full((len(self.class_names),), -1)
        place[torch.tensor(kept)] = torch.arange(len(kept))
        chosen = (place[self.labels] >= 0).nonzero()[:, 0]
        labels_kept, names = self.labels[chosen], self.class_names
        if relabel:
            labels_kept, names = place[labels_kept], tuple(self.class_names[i] for i in kept)
        return Split(self.name, self.images[chosen], labels_kept, names)

    def _numbers(self) -> range:
        return range(len(self.class_names))


@dataclass(frozen=True)
class Dataset:
    """A data set: what networks learn from and what they are measured on, never mixed.

    Attributes:
        name: Its name in :data:`DATASETS`.
        train: What networks are trained on.
        test: What they are measured on; its name says if it is less than the official test set.
        source: Who made it and where it is described.
        licence: What one may do with it.
    """

    name: str
    train: Split
    test: Split
    source: str
    licence: str


DATASETS: Registry[Dataset] = Registry("data set")
