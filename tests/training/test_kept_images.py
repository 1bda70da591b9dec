"""The store of images: small, balanced, and a uniform sample of what was seen."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.training.kept_images import KeptImages, keep, no_images

LAW = settings(max_examples=40, deadline=None, derandomize=True, database=None)


def numbered(first: int, count: int) -> Tensor:
    """Images of one pixel that say which they are."""
    return torch.arange(first, first + count, dtype=torch.uint8).reshape(-1, 1, 1, 1)


def counts(kept: KeptImages) -> list[int]:
    labels = kept.labels[0]
    return torch.bincount(labels[labels >= 0]).tolist()


@given(
    room=st.integers(1, 12),
    classes=st.lists(st.integers(1, 9), min_size=1, max_size=5),
    seed=st.integers(0, 999),
)
@LAW
def test_the_room_is_shared_equally_and_no_image_is_invented(
    room: int, classes: list[int], seed: int
) -> None:
    kept, first, of = no_images(room, (1, 1, 1)), 0, {}
    for label, count in enumerate(classes):
        labels = torch.full((count,), label)
        kept = keep(kept, numbered(first, count), labels, counter=label, seed=seed)
        of.update({first + i: label for i in range(count)})
        first += count
    places = kept.labels[0] >= 0
    stay = dict(
        zip(kept.images[0, places, 0, 0, 0].tolist(), kept.labels[0, places].tolist(), strict=True)
    )
    assert len(stay) == int(places.sum())
    assert all(of[image] == label for image, label in stay.items())
    most = -(-room // len(classes))
    for label, count in enumerate(classes):
        got = sum(1 for each in stay.values() if each == label)
        assert min(count, room // len(classes)) <= got <= min(count, most)


def test_every_image_of_a_class_is_as_likely_to_stay() -> None:
    stayed = torch.zeros(12)
    nights = 400
    for seed in range(nights):
        kept = no_images(6, (1, 1, 1))
        for i in range(3):
            labels = torch.zeros(4, dtype=torch.int64)
            kept = keep(kept, numbered(4 * i, 4), labels, counter=i, seed=seed)
        # A second class takes half of the room.
        kept = keep(kept, numbered(100, 5), torch.ones(5).long(), counter=3, seed=seed)
        stayed[kept.images[0, kept.labels[0] == 0, 0, 0, 0].long()] += 1
    # Three of twelve stay: five standard deviations of a binomial around a quarter.
    assert bool(((stayed - nights / 4).abs() < 5 * (nights * 0.25 * 0.75) ** 0.5).all())


def test_pixels_are_kept_with_eight_bits() -> None:
    pixels = torch.tensor([0.0, 0.2, 1.0]).reshape(3, 1, 1, 1)
    kept = keep(no_images(3, (1, 1, 1)), pixels, torch.tensor([0, 1, 2]), counter=0)
    assert kept.images.flatten().tolist() == [0, 51, 255]


def test_the_same_stream_keeps_the_same_and_the_store_given_stays() -> None:
    empty = no_images(3, (1, 1, 1))
    images, labels = numbered(0, 9), torch.arange(9) % 2
    once = keep(empty, images, labels, counter=7, seed=1)
    assert torch.equal(once.images, keep(empty, images, labels, counter=7, seed=1).images)
    assert counts(empty) == []
    assert counts(keep(once, images[:0], labels[:0], counter=8)) == counts(once) == [2, 1]


def test_without_room_nothing_is_kept() -> None:
    kept = keep(no_images(0, (1, 1, 1)), numbered(0, 3), torch.zeros(3).long(), counter=0)
    assert kept.labels.numel() == 0


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeMismatch, match="expected \\[n, 2, 2, 1\\]"):
        keep(no_images(3, (2, 2, 1)), numbered(0, 3), torch.zeros(3).long(), counter=0)
    wrong: list[Any] = [-1, 1.5]
    for room in wrong:
        with pytest.raises(InvalidInput, match=f"room is {room}"):
            no_images(room, (1, 1, 1))
