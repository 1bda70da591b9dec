from __future__ import annotations

import pytest
import torch

from neurallayers.data import DATASETS
from neurallayers.data.dataset import Split
from neurallayers.errors import InvalidInput, ShapeMismatch

NAMES = ("a", "b", "c")
LABELS = torch.tensor([2, 0, 1, 2])
IMAGES = torch.arange(16, dtype=torch.uint8).reshape(4, 2, 2)


def split():
    return Split("train", IMAGES, LABELS, NAMES)


def test_the_data_sets_are_known_by_name():
    assert list(DATASETS) == ["digits", "mnist"]


def test_a_split_knows_its_length():
    assert len(split()) == 4


@pytest.mark.parametrize(
    ("images", "labels", "error"),
    [
        (IMAGES[:3], LABELS, ShapeMismatch),
        (IMAGES.flatten(1), LABELS, ShapeMismatch),
        (IMAGES.double(), LABELS, InvalidInput),
        (IMAGES, LABELS.int(), InvalidInput),
        (IMAGES, LABELS + 1, InvalidInput),
        (IMAGES, LABELS - 1, InvalidInput),
    ],
)
def test_what_does_not_fit_is_refused(images, labels, error):
    with pytest.raises(error, match="train"):
        Split("train", images, labels, NAMES)


def test_some_classes_keep_their_labels_and_order():
    some = split().of_classes([0, 2])
    assert some.labels.tolist() == [2, 0, 2]
    assert torch.equal(some.images, IMAGES[[0, 1, 3]])
    assert some.class_names == NAMES


def test_some_classes_are_numbered_anew_in_the_order_given():
    some = split().of_classes([2, 0], relabel=True)
    assert some.labels.tolist() == [0, 1, 0]
    assert some.class_names == ("c", "a")


@pytest.mark.parametrize("labels", [[], [0, 0], [3], [-1]])
def test_classes_that_are_not_there_or_there_twice_are_refused(labels):
    with pytest.raises(InvalidInput, match="each once"):
        split().of_classes(labels)
