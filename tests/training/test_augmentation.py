from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.seeding import stream
from neurallayers.training.augmentation import (
    Augmentation,
    augment,
    dihedral_by,
    shift_by,
    smooth_field,
    warp_by,
)

shifts = st.integers(-9, 9)


def pictures(batch=5, height=6, width=7, channels=2, seed=0):
    return torch.rand(batch, height, width, channels, generator=stream(seed, "pictures"))


def each(value, batch=5):
    return torch.full((batch,), value)


def blob(side=25):
    """A smooth image with nothing near its border."""
    place = torch.linspace(-1, 1, side)
    hill = torch.exp(-8 * ((place[:, None] - 0.2) ** 2 + (place[None, :] + 0.1) ** 2))
    return hill.reshape(1, side, side, 1)


# -- shifts ---------------------------------------------------------------------------------------


def test_no_shift_is_the_identity():
    images = pictures()
    assert torch.equal(shift_by(images, each(0), each(0)), images)


@given(down=shifts, right=shifts)
def test_a_shift_moves_pixels_and_lets_zeros_in(down, right):
    images = pictures()
    moved = shift_by(images, each(down), each(right))
    for row in range(6):
        for column in range(7):
            inside = 0 <= row - down < 6 and 0 <= column - right < 7
            expected = images[:, row - down, column - right] if inside else torch.zeros(5, 2)
            assert torch.equal(moved[:, row, column], expected)


@given(a=st.integers(0, 4), b=st.integers(0, 4))
def test_shifts_the_same_way_add_up(a, b):
    images = pictures()
    twice = shift_by(shift_by(images, each(a), each(0)), each(b), each(0))
    assert torch.equal(twice, shift_by(images, each(a + b), each(0)))


def test_each_image_has_a_shift_of_its_own():
    images = pictures()
    down = torch.tensor([0, 1, 2, -1, -2])
    moved = shift_by(images, down, -down)
    for i in range(5):
        alone = shift_by(images[i : i + 1], down[i : i + 1], -down[i : i + 1])
        assert torch.equal(moved[i : i + 1], alone)


# -- rotation, scaling, bending -------------------------------------------------------------------


def test_no_turn_and_no_scaling_is_the_identity():
    images = pictures()
    same = warp_by(images, each(0.0), each(1.0), torch.zeros(5, 2, 6, 7))
    torch.testing.assert_close(same, images, atol=1e-5, rtol=0)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_quarter_turns_are_those_of_rot90(turns):
    images = pictures(height=6, width=6)
    turned = warp_by(images, each(turns * math.pi / 2), each(1.0))
    torch.testing.assert_close(turned, torch.rot90(images, turns, (1, 2)), atol=1e-5, rtol=0)


def test_turning_back_gives_the_image_back():
    image = blob()
    angle, one = torch.tensor([0.3]), torch.tensor([1.0])
    back = warp_by(warp_by(image, angle, one), -angle, one)
    # Two bilinear resamplings blur a little.
    assert float((back - image).abs().max()) < 0.05


def test_a_larger_image_covers_more():
    image = blob()
    sums = [
        float(warp_by(image, torch.zeros(1), torch.tensor([scale])).sum())
        for scale in (0.7, 1.0, 1.4)
    ]
    assert sums == sorted(sums)
    assert sums[2] / sums[1] == pytest.approx(1.4**2, rel=0.1)


def test_a_constant_displacement_is_a_shift():
    images = pictures()
    displacement = torch.zeros(5, 2, 6, 7)
    displacement[:, 0] = 1.0  # each pixel is taken from one further right
    displacement[:, 1] = 2.0
    moved = warp_by(images, each(0.0), each(1.0), displacement)
    torch.testing.assert_close(moved, shift_by(images, each(-2), each(-1)), atol=1e-5, rtol=0)


def test_a_smooth_field_has_unit_spread_and_agrees_with_its_neighbours():
    noise = torch.randn(40, 2, 24, 24, generator=stream(0, "noise"))
    field = smooth_field(noise, 2.0)[:, :, 6:-6, 6:-6]  # away from the border
    assert float(field.std()) == pytest.approx(1.0, abs=0.1)
    steps = (field[..., 1:] - field[..., :-1]).std()
    assert float(steps) < 0.5 < float((noise[..., 1:] - noise[..., :-1]).std())


# -- the symmetries of the square -----------------------------------------------------------------


@given(k=st.integers(0, 7))
def test_symmetries_are_turns_and_then_a_mirror(k):
    images = pictures(height=5, width=5)
    expected = torch.rot90(images, k % 4, (1, 2))
    if k >= 4:
        expected = expected.transpose(1, 2)
    assert torch.equal(dihedral_by(images, each(k)), expected)


@given(a=st.integers(0, 7), b=st.integers(0, 7))
def test_symmetries_form_a_group(a, b):
    images = pictures(height=4, width=4)
    both = dihedral_by(dihedral_by(images, each(a)), each(b))
    equal = [k for k in range(8) if torch.equal(both, dihedral_by(images, each(k)))]
    assert len(equal) == 1
    if a == 0:
        assert equal == [b]


def test_symmetries_are_eight_and_each_image_has_its_own():
    image = pictures(batch=1, height=4, width=4)
    shown = dihedral_by(image.expand(8, -1, -1, -1), torch.arange(8))
    assert len({tuple(one.flatten().tolist()) for one in shown}) == 8


def test_symmetries_need_a_square_and_a_number_below_eight():
    with pytest.raises(ShapeMismatch, match="6 x 7"):
        dihedral_by(pictures(), each(0))
    with pytest.raises(InvalidInput, match="0 to 7"):
        dihedral_by(pictures(height=6, width=6), each(8))


# -- at random ------------------------------------------------------------------------------------

EVERYTHING = Augmentation(
    shift_pixels=2, rotation_degrees=10, scaling=0.1, elastic_pixels=0.5, probability=0.5
)


@pytest.mark.parametrize("options", [Augmentation(), Augmentation(shift_pixels=3, probability=0)])
def test_nothing_asked_for_changes_nothing_and_draws_nothing(options):
    images, generator = pictures(), stream(0, "a")
    assert augment(images, options, generator) is images
    assert torch.equal(generator.get_state(), stream(0, "a").get_state())


@given(seed=st.integers(0, 20))
def test_the_same_generator_gives_the_same_images(seed):
    images = pictures()
    first, second = (augment(images, EVERYTHING, stream(seed, "a")) for _ in range(2))
    assert torch.equal(first, second)


def test_a_share_of_the_images_is_changed():
    images = pictures(batch=200)
    options = Augmentation(shift_pixels=3, probability=0.5)
    changed = (augment(images, options, stream(0, "a")) != images).flatten(1).any(1)
    # One shift in 49 is none at all.
    assert 70 <= int(changed.sum()) <= 130


def test_every_shift_up_to_the_reach_occurs_and_none_beyond():
    images = torch.zeros(600, 7, 7, 1)
    images[:, 3, 3] = 1.0
    moved = augment(images, Augmentation(shift_pixels=1), stream(0, "a"))
    places = {tuple(place[1:3].tolist()) for place in moved.nonzero()}
    assert places == {(row, column) for row in (2, 3, 4) for column in (2, 3, 4)}


@pytest.mark.parametrize(
    "options",
    [
        Augmentation(rotation_degrees=20),
        Augmentation(scaling=0.2),
        Augmentation(elastic_pixels=1.0),
        EVERYTHING,
    ],
)
def test_images_stay_images(options):
    images = pictures()
    changed = augment(images, options, stream(0, "a"))
    assert changed.shape == images.shape
    assert changed.dtype == images.dtype
    assert 0 <= float(changed.min()) <= float(changed.max()) <= 1 + 1e-5
    assert not torch.equal(changed, images)


def test_the_global_generator_is_not_touched():
    before = torch.get_rng_state()
    augment(pictures(), EVERYTHING, stream(0, "a"))
    assert torch.equal(torch.get_rng_state(), before)
