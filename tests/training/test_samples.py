from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.training.samples import Samples

LABELS = torch.tensor([0, 1, 2])


def test_a_pair_and_an_object_are_the_same():
    images = torch.rand(3, 4, 4)
    pair = Samples.of((images, LABELS))
    thing = Samples.of(SimpleNamespace(images=images.numpy(), labels=LABELS.numpy()))
    assert pair.digest() == thing.digest()
    assert pair.images.shape == (3, 4, 4, 1)


def test_bytes_become_zero_to_one_a_batch_at_a_time():
    samples = Samples.of((torch.full((3, 2, 2), 255, dtype=torch.uint8), LABELS))
    assert samples.images.dtype == torch.uint8
    stimuli, targets = samples.batch(torch.tensor([2, 0]))
    assert stimuli.dtype == torch.float32
    assert stimuli.unique().tolist() == [1.0]
    assert targets.tolist() == [2, 0]


@pytest.mark.parametrize(
    ("images", "labels", "says"),
    [
        (torch.full((3, 2, 2), 1.5), LABELS, "0..1"),
        (torch.full((3, 2, 2), torch.nan), LABELS, "finite"),
        (torch.zeros(3, 2, 2, dtype=torch.int64), LABELS, "uint8"),
        (torch.zeros(3, 2, 2), LABELS.float(), "whole numbers"),
        (torch.zeros(3, 2, 2), -LABELS, "lowest label is -2"),
        (torch.zeros(0, 2, 2), LABELS[:0], "no images"),
    ],
)
def test_values_out_of_range_are_refused(images, labels, says):
    with pytest.raises(InvalidInput, match=says):
        Samples.of((images, labels))


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (torch.zeros(3, 4), LABELS),
        (torch.zeros(2, 4, 4), LABELS),
        (torch.zeros(3, 4, 4), LABELS[:, None]),
    ],
)
def test_axes_that_do_not_fit_are_refused(images, labels):
    with pytest.raises(ShapeMismatch, match="labels"):
        Samples.of((images, labels))


def test_something_else_is_refused():
    with pytest.raises(InvalidInput, match="dict holds no samples"):
        Samples.of({"images": 1})


def test_a_label_without_a_score_is_refused():
    samples = Samples.of((torch.zeros(3, 2, 2), LABELS))
    samples.check_labels(3)
    with pytest.raises(InvalidInput, match="label 2; the network scores 2"):
        samples.check_labels(2)


@given(
    counts=st.lists(st.integers(4, 20), min_size=1, max_size=5),
    share=st.sampled_from([0.25, 0.5, 0.75]),
    seed=st.integers(0, 5),
)
def test_a_part_is_chosen_class_by_class_and_nothing_is_lost(counts, share, seed):
    labels = torch.cat([torch.full((count,), label) for label, count in enumerate(counts)])
    numbers = torch.arange(len(labels)).reshape(-1, 1, 1, 1) / len(labels)
    rest, chosen = Samples(numbers, labels).part(share, seed)
    assert torch.equal(torch.cat([rest.images, chosen.images]).sort(0).values, numbers)
    for label, count in enumerate(counts):
        assert int((chosen.labels == label).sum()) == round(count * share)
    again = Samples(numbers, labels).part(share, seed)[1]
    assert torch.equal(again.images, chosen.images)


def test_an_empty_part_is_refused():
    with pytest.raises(InvalidInput, match="validation_fraction"):
        Samples.of((torch.zeros(3, 2, 2), LABELS)).part(0.1, 0)


def test_the_digest_tells_any_change():
    images = torch.zeros(3, 2, 2)
    first = Samples.of((images, LABELS)).digest()
    images[1, 1, 1] = 0.5
    assert Samples.of((images, LABELS)).digest() != first
    assert Samples.of((torch.zeros(3, 2, 2), LABELS.flip(0))).digest() != first
    assert Samples.of((np.zeros((3, 2, 2), np.float32), LABELS)).digest() == first
