from __future__ import annotations

import pytest
import torch

from neurallayers.data import DATASETS


@pytest.fixture(scope="module")
def digits():
    return DATASETS.make("digits")


def test_a_fifth_is_held_out_of_every_class(digits):
    assert (len(digits.train), len(digits.test)) == (1437, 360)
    both = torch.bincount(digits.train.labels) + torch.bincount(digits.test.labels)
    share = torch.bincount(digits.test.labels) / both
    assert float((share - 0.2).abs().max()) < 0.005
    assert digits.test.name == "test"


def test_the_grey_levels_are_exact(digits):
    images = torch.cat([digits.train.images, digits.test.images])
    assert images.shape == (1797, 8, 8)
    assert images.dtype == torch.float32
    levels = images * 16
    assert torch.equal(levels, levels.round())
    assert (float(levels.min()), float(levels.max())) == (0.0, 16.0)


def test_the_parts_are_fixed(digits):
    # The first ten labels of each part, as scikit-learn's split with random_state 0 gives them.
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    train, test, train_labels, test_labels = train_test_split(
        images, labels, test_size=0.2, random_state=0, stratify=labels
    )
    assert torch.equal(digits.train.images.flatten(1), torch.tensor(train / 16).float())
    assert torch.equal(digits.test.images.flatten(1), torch.tensor(test / 16).float())
    assert digits.train.labels.tolist() == train_labels.tolist()
    assert digits.test.labels.tolist() == test_labels.tolist()


def test_no_image_is_in_both_parts(digits):
    train = {tuple(image.flatten().tolist()) for image in digits.train.images}
    assert not any(tuple(image.flatten().tolist()) in train for image in digits.test.images)
