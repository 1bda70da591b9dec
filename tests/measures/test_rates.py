from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.measures.references import BIN_MS, ELEPHANT, STOP_MS, TRAINS

from neurallayers.errors import InvalidInput
from neurallayers.measures import (
    binned_counts,
    instantaneous_rate_hz,
    mean_rate_hz,
    peristimulus_time_histogram_hz,
    population_rate_hz,
)
from neurallayers.measures.rates import KERNELS


def test_rates_and_counts_are_those_of_elephant() -> None:
    rates = [mean_rate_hz(train, stop_ms=STOP_MS) for train in TRAINS]
    assert rates == pytest.approx(ELEPHANT["mean_rate_hz"], rel=1e-12)
    counts = binned_counts(TRAINS, BIN_MS, stop_ms=STOP_MS)
    assert counts.tolist() == ELEPHANT["counts"]


def test_the_histogram_over_trials_is_that_of_elephant() -> None:
    psth = peristimulus_time_histogram_hz(TRAINS, BIN_MS, stop_ms=STOP_MS)
    assert psth == pytest.approx(ELEPHANT["psth_hz"], rel=1e-12)
    assert population_rate_hz(TRAINS, BIN_MS, stop_ms=STOP_MS) == pytest.approx(psth)


def test_the_gaussian_rate_is_that_of_elephant() -> None:
    expected = np.array(ELEPHANT["instantaneous_rate_hz"])
    # elephant puts each spike into its 1 ms bin first; its sample k stands for the bin's middle.
    at_ms = np.arange(expected.size) + 0.5
    rate = instantaneous_rate_hz(np.floor(TRAINS[1]) + 0.5, at_ms, width_ms=20.0)
    assert rate == pytest.approx(expected, abs=1e-3 * expected.max())


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernel_holds_one_spike_and_has_the_width_that_was_asked_for(kernel: str) -> None:
    at_ms = np.arange(0.0, 1000.0, 0.01)
    density = instantaneous_rate_hz([400.0], at_ms, kernel=kernel, width_ms=12.0) / 1000.0
    mass = density.sum() * 0.01
    mean = (density * at_ms).sum() * 0.01
    spread = np.sqrt((density * (at_ms - mean) ** 2).sum() * 0.01)
    assert mass == pytest.approx(1.0, abs=1e-3)
    assert spread == pytest.approx(12.0, rel=2e-3)


@pytest.mark.parametrize("kernel", ["exponential", "alpha"])
def test_a_causal_kernel_knows_nothing_of_the_future(kernel: str) -> None:
    rate = instantaneous_rate_hz([50.0], np.arange(100.0), kernel=kernel)
    assert (rate[:50] == 0.0).all()
    assert rate[52] > 0.0


times = st.lists(st.floats(0.0, 99.9), max_size=30).map(sorted)


@settings(deadline=None, derandomize=True, database=None)
@given(times, st.sampled_from([0.5, 1.0, 5.0, 20.0]))
def test_no_spike_is_lost_or_counted_twice(train: list[float], bin_ms: float) -> None:
    counts = binned_counts([train], bin_ms, stop_ms=100.0)
    assert counts.shape == (1, round(100.0 / bin_ms))
    assert counts.sum() == len(train)


@settings(deadline=None, derandomize=True, database=None)
@given(times, st.floats(-1e3, 1e3))
def test_a_shift_in_time_changes_no_rate(train: list[float], shift: float) -> None:
    moved = [time + shift for time in train]
    at_ms = np.linspace(0.0, 100.0, 7)
    here = instantaneous_rate_hz(train, at_ms)
    there = instantaneous_rate_hz(moved, at_ms + shift)
    assert there == pytest.approx(here, rel=1e-6, abs=1e-9)


def test_spikes_on_a_grid_fall_into_the_bin_that_begins_there() -> None:
    on_grid = np.arange(1, 1000) * 0.1
    counts = binned_counts([on_grid], 0.1, stop_ms=100.0)
    assert counts[0, 0] == 0
    assert (counts[0, 1:] == 1).all()


def test_what_fits_into_no_window_is_refused() -> None:
    with pytest.raises(InvalidInput, match="must end after"):
        mean_rate_hz([1.0], start_ms=5.0, stop_ms=5.0)
    with pytest.raises(InvalidInput, match="shorter bin"):
        binned_counts([[1.0]], 20.0, stop_ms=10.0)
    with pytest.raises(InvalidInput, match="no trial"):
        peristimulus_time_histogram_hz([], 1.0, stop_ms=10.0)
    with pytest.raises(InvalidInput, match="Choose one of gaussian"):
        instantaneous_rate_hz([1.0], [1.0], kernel="box")
