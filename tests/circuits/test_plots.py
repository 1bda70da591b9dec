"""Pictures show what was recorded, in axes with names and units."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from neurallayers.circuits import Spikes, plots
from neurallayers.errors import InvalidInput, ShapeMismatch

pytest.importorskip("matplotlib", reason="the extra viz is not installed")


def spikes(times: list[float], senders: list[int], n: int = 4, stop: float = 100.0) -> Spikes:
    return Spikes(np.array(times), np.array(senders, np.int64), n, 0.0, stop)


REGULAR = spikes([10.0, 20.0, 30.0, 40.0, 50.0, 60.0], [0] * 6)
SPARSE = spikes([5.0, 25.0, 25.0], [0, 1, 3])


def drawn(axes: Any) -> bytes:
    """What the picture looks like; it fails where the drawing does."""
    picture = io.BytesIO()
    axes.figure.savefig(picture, dpi=40)
    return picture.getvalue()


def lines(axes: Any) -> list[np.ndarray[Any, Any]]:
    """Start points of all vertical lines."""
    return [
        np.array([segment[:, 0].mean() for segment in found.get_segments()])
        for found in axes.collections
    ]


def test_a_raster_has_a_line_for_every_spike() -> None:
    axes = plots.raster({"first": REGULAR, "second": SPARSE})
    first, second = lines(axes)
    np.testing.assert_allclose(first, REGULAR.times_ms)
    np.testing.assert_allclose(second, SPARSE.times_ms)
    assert axes.get_xlim() == (0.0, 100.0)
    assert axes.get_xlabel() == "time [ms]"
    # Six spikes of four cells in 100 ms.
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["first\n15.0 Hz", "second\n7.5 Hz"]
    heights = [
        segment[:, 1].mean() for found in axes.collections for segment in found.get_segments()
    ]
    assert min(heights[:6]) > max(heights[6:])
    assert drawn(axes).startswith(b"\x89PNG")


def test_a_raster_shows_a_part() -> None:
    (found,) = lines(plots.raster(REGULAR, start_ms=15.0, stop_ms=45.0))
    np.testing.assert_allclose(found, [20.0, 30.0, 40.0])


def test_of_many_cells_some_are_shown() -> None:
    many = spikes(list(np.linspace(1.0, 99.0, 1000)), list(range(1000)), n=1000)
    (found,) = lines(plots.raster(many, cells=50))
    assert len(found) == 50
    (found,) = lines(plots.raster(many, cells=None))
    assert len(found) == 1000


def test_a_raster_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no spikes to draw"):
        plots.raster({})
    with pytest.raises(InvalidInput, match="there is no time"):
        plots.raster(REGULAR, start_ms=50.0, stop_ms=50.0)


def test_rates_are_counts_over_cells_and_time() -> None:
    axes = plots.population_rates(REGULAR, bin_ms=20.0)
    steps = axes.patches[0].get_data()
    # Spikes at 10 and 20 lie in the first bin, as its end belongs to it.
    np.testing.assert_allclose(steps.values, np.array([2, 2, 2, 0, 0]) / 4 / 20.0 * 1e3)
    np.testing.assert_allclose(steps.edges, [0.0, 20.0, 40.0, 60.0, 80.0, 100.0])
    assert axes.get_ylabel() == "rate [Hz]"
    with pytest.raises(InvalidInput, match="bin_ms"):
        plots.population_rates(REGULAR, bin_ms=0.0)
    with pytest.raises(InvalidInput, match="bin_ms"):
        plots.population_rates(REGULAR, bin_ms=101.0)


def test_intervals_and_their_variation() -> None:
    irregular = spikes([1.0, 2.0, 4.0, 8.0, 16.0], [2] * 5)
    assert [found.tolist() for found in plots.intervals_ms(irregular)] == [[], [], [1, 2, 4, 8], []]
    expected = np.std([1, 2, 4, 8]) / np.mean([1, 2, 4, 8])
    np.testing.assert_allclose(plots.interval_variation(irregular), [expected])
    np.testing.assert_allclose(plots.interval_variation(REGULAR), [0.0], atol=1e-12)
    assert plots.interval_variation(SPARSE).size == 0


@pytest.mark.parametrize("logarithmic", [True, False])
def test_a_histogram_of_intervals_adds_up_to_one(logarithmic: bool) -> None:
    axes = plots.interval_histogram(
        {"a": REGULAR, "b": spikes([1.0, 4.0], [1, 1])}, logarithmic=logarithmic
    )
    parts = [patch.get_data().values.sum() for patch in axes.patches]
    assert parts == pytest.approx([1.0] * len(parts))
    assert axes.get_xscale() == ("log" if logarithmic else "linear")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b"]
    with pytest.raises(InvalidInput, match="No cell fired twice"):
        plots.interval_histogram(SPARSE)


def test_a_histogram_of_variation_adds_up_to_one() -> None:
    axes = plots.irregularity_histogram(REGULAR)
    assert axes.patches[0].get_data().values.sum() == pytest.approx(1.0)
    assert axes.get_xlim()[1] >= 1.3
    with pytest.raises(InvalidInput, match="No cell has 4 intervals"):
        plots.irregularity_histogram(SPARSE)


def test_traces_with_their_spikes() -> None:
    times = np.arange(0.0, 100.0, 1.0)
    potentials = np.stack([np.full(100, -65.0), np.linspace(-70.0, -50.0, 100)], axis=1)
    axes = plots.membrane_traces(
        times, potentials, spikes_ms=[[], [50.0, 500.0]], labels=["a", "b"]
    )
    np.testing.assert_allclose(axes.lines[1].get_ydata(), potentials[:, 1])
    (segment,) = axes.collections[1].get_segments()
    np.testing.assert_allclose(segment, [[50.0, potentials[50, 1]], [50.0, 20.0]])
    assert axes.get_ylabel() == "membrane potential [mV]"
    assert drawn(axes)


def test_traces_apart_have_a_bar() -> None:
    times, potentials = np.arange(3.0), np.full((3, 2), -65.0)
    axes = plots.membrane_traces(times, potentials, spacing_mv=40.0)
    assert axes.lines[0].get_ydata()[0] - axes.lines[1].get_ydata()[0] == 40.0
    assert axes.texts[0].get_text() == "20 mV"


def test_traces_that_do_not_fit_are_refused() -> None:
    times, potentials = np.arange(3.0), np.zeros((3, 2))
    with pytest.raises(ShapeMismatch, match="one row of potentials"):
        plots.membrane_traces(times[:2], potentials)
    with pytest.raises(ShapeMismatch, match="trains of spikes"):
        plots.membrane_traces(times, potentials, spikes_ms=[[1.0]])
    with pytest.raises(ShapeMismatch, match="labels"):
        plots.membrane_traces(times, potentials, labels=["one"])


def test_few_weights_are_lines_and_many_are_bands() -> None:
    times = np.arange(5.0)
    few = plots.weight_evolution(times, np.ones((5, 3)))
    assert len(few.lines) == 3
    weights = np.tile(np.arange(101.0), (5, 1))
    many = plots.weight_evolution(times, weights)
    np.testing.assert_allclose(many.lines[0].get_ydata(), 50.0)
    assert len(many.collections) == 2
    assert many.get_ylabel() == "weight [nS]"
    assert drawn(many)
    with pytest.raises(ShapeMismatch, match="one row of weights"):
        plots.weight_evolution(times, np.ones((4, 3)))


def test_a_distribution_of_weights_adds_up_to_one() -> None:
    axes = plots.weight_distribution({"before": np.full(7, 0.5), "after": np.linspace(0, 1, 11)})
    parts = [patch.get_data().values.sum() for patch in axes.patches]
    assert parts == pytest.approx([1.0] * len(parts))
    assert plots.weight_distribution(np.full(3, 2.0)).get_xlim() == (1.5, 2.5)
    with pytest.raises(InvalidInput, match="no weights"):
        plots.weight_distribution([])


def test_an_f_i_curve() -> None:
    axes = plots.frequency_current([0.0, 5.0, 10.0], {"squid": [0.0, 0.0, 68.0]}, unit="uA/cm2")
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [0.0, 0.0, 68.0])
    assert axes.get_xlabel() == "current [µA/cm²]"
    with pytest.raises(ShapeMismatch, match="one rate for each current"):
        plots.frequency_current([0.0, 1.0], [0.0])


def test_axes_that_are_given_are_drawn_into() -> None:
    figures = pytest.importorskip("matplotlib.figure")
    left, right = figures.Figure().subplots(1, 2)
    assert plots.raster(REGULAR, left) is left
    assert plots.population_rates(REGULAR, right) is right
