"""What all pictures share."""

from __future__ import annotations

import numpy as np
import pytest

from neurallayers.circuits.axes import (
    COLOURS,
    draw_histograms,
    draw_scale_bar,
    label_axes,
    plain_axes,
)

figures = pytest.importorskip("matplotlib.figure", reason="the extra viz is not installed")


def test_axes_are_those_given_or_new_ones() -> None:
    given = figures.Figure().subplots()
    assert plain_axes(given) is given
    made = plain_axes(None, width=3.0, height=2.0)
    assert made.figure.get_size_inches().tolist() == [3.0, 2.0]
    assert not made.spines["top"].get_visible()


def test_labels_and_legends() -> None:
    axes = plain_axes(None)
    axes.plot([0, 1], [0, 1], label="line")
    label_axes(axes, "time [ms]", "rate [Hz]", legend=True)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time [ms]", "rate [Hz]")
    assert axes.get_legend().get_texts()[0].get_text() == "line"


def test_histograms_are_parts() -> None:
    axes = plain_axes(None)
    values = {"a": np.array([0.5, 1.5, 1.6, 1.7]), "none": np.zeros(0)}
    draw_histograms(axes, values, np.array([0.0, 1.0, 2.0]), COLOURS)
    assert axes.patches[0].get_data().values.tolist() == [0.25, 0.75]
    assert axes.patches[2].get_data().values.tolist() == [0.0, 0.0]


def test_a_scale_bar_is_half_of_the_distance_in_round_numbers() -> None:
    for spacing, label in ((60.0, "30 mV"), (15.0, "8 mV"), (0.5, "1 mV")):
        axes = plain_axes(None)
        axes.set_ylim(0.0, 100.0)
        draw_scale_bar(axes, spacing)
        assert axes.texts[0].get_text() == label
        low, high = axes.lines[0].get_ydata()
        assert high - low == float(label.split()[0])
