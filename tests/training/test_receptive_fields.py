"""Receptive fields: what they compute, held against a plain loop over patches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.seeding import stream
from neurallayers.training.receptive_fields import ReceptiveFields


def strokes(count: int, side: int = 12, seed: int = 0) -> Tensor:
    """Bars at random places, upright or lying, ``[n, side, side]``."""
    generator = stream(seed, "strokes")
    images = torch.zeros(count, side, side)
    for image in images:
        at, upright = torch.randint(1, side - 2, (2,), generator=generator).tolist()
        image[at : at + 2, 2:-2] = 1.0
        if upright % 2:
            image.copy_(image.T.clone())
    return images


@pytest.fixture(scope="module")
def fields() -> ReceptiveFields:
    return ReceptiveFields.learned_from(strokes(60), fields=6, kernel=4, grid=2)


def test_features_are_what_the_equations_say(fields: ReceptiveFields) -> None:
    image = strokes(1, seed=5)[0]
    padded = np.pad(image.double().numpy(), 2)
    filters = fields.filters.double().numpy().reshape(6, -1)
    answers = np.zeros((6, 7, 7))
    for row in range(7):
        for column in range(7):
            patch = padded[2 * row : 2 * row + 4, 2 * column : 2 * column + 4].ravel()
            normal = (patch - patch.mean()) / (patch.std(ddof=1) + 0.3)
            answers[:, row, column] = np.maximum(
                0.0, filters @ normal - fields.thresholds.double().numpy()
            )
    # Seven places on two parts: they overlap by the middle one.
    parts = [slice(0, 4), slice(3, 7)]
    pooled = np.array([[[a[r, c].mean() for c in parts] for r in parts] for a in answers])
    expected = (np.sqrt(pooled).ravel() - fields.mean.numpy()) / fields.deviation.numpy()
    np.testing.assert_allclose(fields(image[None])[0], expected, rtol=2e-3, atol=2e-3)


def test_the_features_of_what_was_learned_from_are_centred(fields: ReceptiveFields) -> None:
    features = fields(strokes(60))
    assert features.shape == (60, fields.feature_size) == (60, 24)
    assert torch.allclose(features.mean(0), torch.zeros(24), atol=1e-4)
    assert bool((features.std(0) < 1.02).all())


def test_fields_tell_upright_strokes_from_lying_ones(fields: ReceptiveFields) -> None:
    images = strokes(80, seed=3)
    upright = images[:, 3, :].sum(1) < 3.0
    images, features = images[upright], fields(images[upright])
    turned = fields(images.transpose(1, 2))
    assert float((features - turned).norm(dim=1).mean()) > 1.0


def test_bytes_and_numbers_with_and_without_channels_are_the_same(fields: ReceptiveFields) -> None:
    images = strokes(5)
    expected = fields(images)
    for same in (images[..., None], (images * 255).to(torch.uint8), images.double()):
        assert torch.allclose(fields(same), expected, atol=1e-6)


def test_they_depend_on_images_and_seed_alone(fields: ReceptiveFields) -> None:
    again = ReceptiveFields.learned_from(strokes(60), fields=6, kernel=4, grid=2)
    assert torch.equal(again.filters, fields.filters)
    other = ReceptiveFields.learned_from(strokes(60), fields=6, kernel=4, grid=2, seed=1)
    assert not torch.equal(other.filters, fields.filters)
    assert not list(fields.parameters())


def test_contrast_does_not_matter_much_and_nothing_is_infinite(fields: ReceptiveFields) -> None:
    images = strokes(5)
    bright, dark = fields(images), fields(0.7 * images)
    assert float((bright - dark).abs().mean()) < 0.25 * float(bright.abs().mean())
    for flat in (torch.zeros(1, 12, 12), torch.ones(1, 12, 12)):
        assert bool(torch.isfinite(fields(flat)).all())


def test_colours_are_channels() -> None:
    images = torch.rand(30, 8, 8, 3, generator=stream(1, "colours"))
    fields = ReceptiveFields.learned_from(images, fields=5, kernel=4, grid=2)
    assert fields.filters.shape == (5, 3, 4, 4)
    assert fields(images).shape == (30, 20)


@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [
        ("fields", 0, "fields is 0"),
        ("kernel", 1, "kernel is 1"),
        ("kernel", 13, "do not fit"),
        ("stride", 0, "stride is 0"),
        ("padding", -1, "padding is -1"),
        ("grid", 9, "do not fit"),
        ("threshold", float("nan"), "threshold is nan"),
    ],
)
def test_wrong_options_are_named(option: str, value: Any, problem: str) -> None:
    options: dict[str, Any] = {"fields": 6, "kernel": 4, "grid": 2, option: value}
    with pytest.raises(InvalidInput, match=problem):
        ReceptiveFields.learned_from(strokes(9), **options)


def test_wrong_images_are_refused(fields: ReceptiveFields) -> None:
    with pytest.raises(InvalidInput, match="almost no contrast"):
        ReceptiveFields.learned_from(torch.full((5, 12, 12), 0.5), fields=2, kernel=4, grid=2)
    with pytest.raises(ShapeMismatch, match="expected \\(12, 12, 1\\)"):
        fields(torch.zeros(1, 11, 12))
    with pytest.raises(InvalidInput, match="Scale them"):
        fields(torch.full((1, 12, 12), 2.0))
