"""A raster shows who fired when: as numbers, as text and as a figure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurallayers.brain import Raster


def raster() -> Raster:
    """Two regions over 4 steps of 0.5 ms."""
    sensory = np.zeros((4, 8), dtype=bool)
    sensory[0, 0] = sensory[3, 7] = True
    motor = np.zeros((4, 1), dtype=bool)
    motor[1:, 0] = True
    return Raster({"sensory": sensory, "motor": motor}, dt_ms=0.5)


def test_rates_are_spikes_a_second() -> None:
    # 2 spikes of 8 neurons in 2 ms, and 3 of one.
    assert raster().duration_ms == 2.0
    assert raster().rates_hz() == pytest.approx({"sensory": 125.0, "motor": 1500.0})


def test_events_stand_in_the_order_of_time() -> None:
    assert raster().events() == {
        "sensory": [(0.0, 0), (1.5, 7)],
        "motor": [(0.5, 0), (1.0, 0), (1.5, 0)],
    }


def test_regions_stand_side_by_side_in_the_array() -> None:
    whole = raster().array()
    assert whole.shape == (4, 9)
    assert np.array_equal(whole[:, 8], [False, True, True, True])
    assert whole.sum() == 5


@pytest.mark.parametrize(("width", "rows"), [(1, 1), (2, 2), (48, 4), (7, 3)])
def test_the_text_has_the_size_asked_for(width: int, rows: int) -> None:
    text = raster().text(width, rows)
    assert list(text) == ["sensory", "motor"]
    for lines in text.values():
        assert len(lines) == rows
        assert all(len(line) == width for line in lines)
        assert all(0x2800 <= ord(character) <= 0x28FF for line in lines for character in line)


def test_dots_stand_where_neurons_fired() -> None:
    # 2 characters are 4 moments, 2 lines are 8 neurons: one dot a neuron and step.
    assert raster().text(2, 2)["sensory"] == ["\u2801\u2800", "\u2800\u2880"]
    silent = Raster({"a": np.zeros((4, 8), dtype=bool)}, 1.0)
    assert silent.text(2, 2)["a"] == ["\u2800\u2800"] * 2
    full = Raster({"a": np.ones((4, 8), dtype=bool)}, 1.0)
    assert full.text(2, 2)["a"] == ["\u28ff\u28ff"] * 2


def test_the_figure_is_drawn_and_saved(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra viz is not installed")
    path = tmp_path / "raster.png"
    figure = raster().figure(path, title="a thought")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [axis.get_ylabel() for axis in figure.axes] == ["sensory\n125 Hz", "motor\n1500 Hz"]
    points = figure.axes[0].collections[0].get_offsets()
    assert np.allclose(points, [[0.25, 0], [1.75, 7]])
    assert figure.get_suptitle() == "a thought"


def test_a_silent_region_can_be_drawn() -> None:
    pytest.importorskip("matplotlib", reason="the extra viz is not installed")
    figure = Raster({"a": np.zeros((3, 2), dtype=bool)}, 1.0).figure()
    assert len(figure.axes) == 1
