"""Rate, irregularity and synchrony of spikes whose figures are known."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.physics_peers.spike_statistics import (
    dominant_frequency_hz,
    interval_variations,
    spike_statistics,
)


def test_a_clock_has_its_rate_and_no_irregularity() -> None:
    times = np.arange(10.0, 1010.0, 10.0)
    found = spike_statistics(times, np.zeros(100), cells=2, start_ms=0.0, stop_ms=1000.0)
    assert found["rate_hz"] == pytest.approx(50.0)  # one of two cells fires at 100 Hz
    assert found["cv"] == pytest.approx(0.0, abs=1e-12)
    assert found["cells_in_cv"] == 1
    assert found["fell_silent"] is False


def test_cv_divides_by_the_number_of_intervals() -> None:
    # Intervals 1 and 3: mean 2, deviation 1 with n as the divisor.
    times, senders = np.array([5.0, 1.0, 2.0, 7.0, 8.0]), np.array([4, 4, 4, 9, 9])
    assert interval_variations(times, senders) == pytest.approx([0.5])


def test_poisson_spikes_have_cv_one_and_the_synchrony_of_chance() -> None:
    draw = np.random.default_rng(1)
    cells, window_ms = 200, 20_000.0
    number = draw.poisson(20e-3 * window_ms * cells)
    found = spike_statistics(
        draw.uniform(0.0, window_ms, number),
        draw.integers(0, cells, number),
        cells=cells,
        start_ms=0.0,
        stop_ms=window_ms,
    )
    assert found["rate_hz"] == pytest.approx(20.0, rel=0.02)
    assert found["cv"] == pytest.approx(1.0, abs=0.02)
    assert found["synchrony"] == pytest.approx(found["synchrony_of_poisson"], rel=0.03)


def test_only_the_window_counts_and_its_end_belongs_to_it() -> None:
    found = spike_statistics(
        np.array([99.9, 100.0, 100.1, 150.0, 200.0, 200.1]),
        np.zeros(6),
        cells=1,
        start_ms=100.0,
        stop_ms=200.0,
    )
    assert found["rate_hz"] == pytest.approx(30.0)


def test_silence_is_told_and_has_no_figures() -> None:
    nothing = np.empty(0)
    found = spike_statistics(nothing, nothing, cells=5, start_ms=0.0, stop_ms=1000.0)
    assert found["fell_silent"] is True
    assert found["rate_hz"] == 0.0
    assert found["cv"] is None
    assert found["synchrony"] is None
    assert found["frequency_hz"] is None


def test_who_stops_early_fell_silent() -> None:
    times = np.arange(10.0, 900.0, 10.0)
    found = spike_statistics(times, np.zeros_like(times), cells=1, start_ms=0.0, stop_ms=1000.0)
    assert found["fell_silent"] is True


def test_the_frequency_is_that_of_the_counts() -> None:
    bins_ms = np.arange(2000)
    counts = 100 + 50 * np.sin(2.0 * np.pi * 40.0 * bins_ms * 1e-3)
    assert dominant_frequency_hz(counts) == pytest.approx(40.0, abs=4.0)
    assert dominant_frequency_hz(counts[:100]) is None


@pytest.mark.parametrize(("senders", "stop_ms"), [(np.zeros(2), 10.0), (np.zeros(1), 0.0)])
def test_what_cannot_be_counted_is_refused(senders: np.ndarray, stop_ms: float) -> None:
    with pytest.raises(ValueError, match=r"spike times but|is empty"):
        spike_statistics(np.ones(1), senders, cells=1, start_ms=0.0, stop_ms=stop_ms)
