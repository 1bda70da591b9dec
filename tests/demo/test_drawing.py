"""Pictures, bars and spikes as characters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurallayers.brain import Raster
from neurallayers.demo.drawing import bar, draw_image, draw_spikes


def test_two_pixels_share_a_character() -> None:
    image = np.array([[1, 0], [0, 1]], dtype=np.float32)
    assert [line.plain for line in draw_image(image, colour=False, rows=1)] == ["▀▄"]
    full = np.ones((2, 2), dtype=np.float32)
    assert [line.plain for line in draw_image(full, colour=False, rows=1)] == ["██"]


def test_in_colour_the_upper_pixel_is_ink_and_the_lower_one_ground() -> None:
    image = np.array([[1.0], [0.0]], dtype=np.float32)
    (line,) = draw_image(image, colour=True, rows=1)
    style = line.spans[0].style
    assert line.plain == "▀"
    assert style.color.triplet == (255, 244, 222)
    assert style.bgcolor.triplet == (24, 28, 38)


@pytest.mark.parametrize("shape", [(8, 8), (28, 28), (10, 20)])
def test_pixels_stay_square(shape: tuple[int, int]) -> None:
    lines = draw_image(np.zeros(shape, dtype=np.float32), colour=False, rows=10)
    assert len(lines) == 10
    assert all(len(line.plain) == round(20 * shape[1] / shape[0]) for line in lines)


@given(st.floats(-1, 2), st.integers(1, 40))
def test_a_bar_is_as_long_as_its_share(share: float, width: int) -> None:
    drawn = bar(share, width)
    assert len(drawn) == width
    eighths = 8 * drawn.count("█") + sum(" ▏▎▍▌▋▊▉".index(c) for c in drawn if c != "█")
    assert eighths == round(min(max(share, 0), 1) * width * 8)


def test_a_spike_is_a_dash_at_its_neuron_and_its_step() -> None:
    spikes = np.zeros((2, 4), dtype=bool)
    spikes[1, 0] = True
    raster = Raster({"region": spikes}, 1.0)
    assert draw_spikes(raster, 2, 1) == {"region": ["⠀⠀⠉⠁"]}
    assert draw_spikes(raster, 1, 1) == {"region": ["⠀⠀⠀⠀"]}  # not yet
