"""A small store of images that represents all classes seen so far equally, kept from a stream.

Every image draws a number when it is seen; of each class those with the highest numbers stay, so
many as its share of the store. At any time what is kept of a class is therefore a uniform sample of
all that was seen of it, also after shares have shrunk because classes were added (reservoir
sampling by random keys: Vitter 1985, ACM Trans. Math. Softw. 11:37; Efraimidis & Spirakis 2006,
Inf. Process. Lett. 97:181, with equal weights).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.seeding import counter_uniform


class KeptImages(NamedTuple):
    """What is kept, one row for each individual."""

    images: Tensor  # uint8 [batch, room, height, width, channels]
    labels: Tensor  # int64 [batch, room]; -1: a free place
    lots: Tensor  # [batch, room], the number each drew; the highest of a class stay


def no_images(room: Any, image_shape: tuple[int, ...]) -> KeptImages:
    """An empty store for one individual.

    Raises:
        InvalidInput: If ``room`` is negative.
    """
    if isinstance(room, bool) or not isinstance(room, int) or room < 0:
        raise InvalidInput(f"room is {room!r}.", "Give how many images may be kept, 0 or more.")
    return KeptImages(
        images=torch.zeros(1, room, *image_shape, dtype=torch.uint8),
        labels=torch.full((1, room), -1),
        lots=torch.zeros(1, room),
    )


def keep(
    kept: KeptImages, images: Tensor, labels: Tensor, *, counter: int, seed: int = 0
) -> KeptImages:
    """The store after more images were seen.

    Args:
        kept: The store before.
        images: ``[n, height, width, channels]``, floats in 0..1 or uint8; kept with 8 bits.
        labels: int64 ``[n]``.
        counter: Number of the call: another for every call of one life.
        seed: Seed of the draws.

    Raises:
        ShapeMismatch: If the images have another shape than those kept.

    >>> empty = no_images(4, (1, 1, 1))
    >>> full = keep(empty, torch.rand(9, 1, 1, 1), torch.zeros(9, dtype=torch.int64), counter=0)
    >>> both = keep(full, torch.rand(9, 1, 1, 1), torch.ones(9, dtype=torch.int64), counter=1)
    >>> full.labels.tolist(), both.labels.tolist()
    ([[0, 0, 0, 0]], [[0, 0, 1, 1]])
    """
    if images.shape[1:] != kept.images.shape[2:] or labels.shape != images.shape[:1]:
        raise ShapeMismatch(
            f"Images {tuple(images.shape)} with labels {tuple(labels.shape)}, expected "
            f"[n, {', '.join(map(str, kept.images.shape[2:]))}] and [n].",
            "Give images of the shape that the store was made for.",
        )
    room = kept.labels.shape[1]
    if room == 0 or len(labels) == 0:
        return kept
    if images.dtype != torch.uint8:
        images = (images * 255.0).round().to(torch.uint8)
    draws = counter_uniform(torch.tensor([seed]), torch.tensor([counter]), len(labels))[0]
    old = kept.labels[0] >= 0
    pool_images = torch.cat([kept.images[0][old], images])
    pool_labels = torch.cat([kept.labels[0][old], labels])
    pool_lots = torch.cat([kept.lots[0][old], draws])
    chosen = _representatives(pool_labels, pool_lots, room)
    stays = no_images(room, tuple(kept.images.shape[2:]))
    stays.images[0, : len(chosen)] = pool_images[chosen]
    stays.labels[0, : len(chosen)] = pool_labels[chosen]
    stays.lots[0, : len(chosen)] = pool_lots[chosen]
    return stays


def _representatives(labels: Tensor, lots: Tensor, room: int) -> Tensor:
    """Places of those that stay, class by class, the highest lots of each."""
    # Sorted by lot and then, stably, by class.
    order = lots.argsort(descending=True, stable=True)
    order = order[labels[order].argsort(stable=True)]
    counts = labels[order].unique_consecutive(return_counts=True)[1]
    share, more = divmod(room, len(counts))
    # The first classes take what does not divide evenly.
    shares = share + (torch.arange(len(counts)) < more).to(torch.int64)
    rank = torch.arange(len(order)) - (counts.cumsum(0) - counts).repeat_interleave(counts)
    return order[rank < shares.repeat_interleave(counts)]
