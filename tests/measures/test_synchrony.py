from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.measures.references import BIN_MS, ELEPHANT, STOP_MS, TRAINS

from neurallayers.errors import InvalidInput, ShapeMismatch
from neurallayers.measures import (
    correlation_coefficients,
    cross_correlogram,
    spike_synchronization,
    spike_time_tiling_coefficient,
    synchrony_chi,
)

trains = st.lists(st.floats(0.0, 100.0), max_size=15, unique=True).map(sorted)


def test_correlations_are_those_of_elephant() -> None:
    matrix = correlation_coefficients(TRAINS, BIN_MS, stop_ms=STOP_MS)
    assert matrix == pytest.approx(np.array(ELEPHANT["correlation"]), rel=1e-9)


def test_the_tiling_coefficient_is_that_of_elephant() -> None:
    found = [
        spike_time_tiling_coefficient(
            first, second, precision_ms=ELEPHANT["sttc_precision_ms"], stop_ms=STOP_MS
        )
        for first in TRAINS
        for second in TRAINS
    ]
    assert found == pytest.approx(ELEPHANT["sttc"], rel=1e-9)


def test_spike_synchronization_is_that_of_pyspike() -> None:
    pairs = [spike_synchronization([first, second]) for first in TRAINS for second in TRAINS]
    assert pairs == pytest.approx(ELEPHANT["spike_synchronization_pairs"], rel=1e-12)
    together = spike_synchronization(TRAINS)
    assert together == pytest.approx(ELEPHANT["spike_synchronization"], rel=1e-12)


def test_chi_is_one_for_copies_and_a_root_for_strangers() -> None:
    generator = np.random.default_rng(1)
    one = generator.normal(size=(5000, 1))
    assert synchrony_chi(np.repeat(one, 10, axis=1)) == pytest.approx(1.0)
    strangers = generator.normal(size=(5000, 100))
    assert synchrony_chi(strangers) == pytest.approx(0.1, rel=0.03)
    assert synchrony_chi(strangers + one) == pytest.approx(np.sqrt(1.01 / 2.0), rel=0.03)


def test_chi_of_what_never_changes_is_nan_and_of_one_axis_refused() -> None:
    assert np.isnan(synchrony_chi(np.ones((10, 3))))
    with pytest.raises(ShapeMismatch, match="time, neurons"):
        synchrony_chi(np.ones(10))


@settings(deadline=None, derandomize=True, database=None)
@given(trains, trains)
def test_a_correlogram_counts_the_pairs_at_each_lag(a: list[float], b: list[float]) -> None:
    lags_ms, counts = cross_correlogram(a, b, bin_ms=2.0, reach_ms=20.0)
    delays = np.subtract.outer(np.array(b), np.array(a)).ravel()
    expected = [((delays >= lag - 1.0) & (delays < lag + 1.0)).sum() for lag in lags_ms]
    # Floor and comparison may disagree where a delay is on an edge but for rounding.
    if not np.any(np.abs((delays + 1.0) % 2.0) < 1e-9):
        assert counts.tolist() == expected
    assert lags_ms.tolist() == np.arange(-20.0, 21.0, 2.0).tolist()


def test_swapping_the_neurons_turns_the_correlogram_round() -> None:
    forward = cross_correlogram(TRAINS[0], TRAINS[1], bin_ms=5.0, reach_ms=100.0)[1]
    backward = cross_correlogram(TRAINS[1], TRAINS[0], bin_ms=5.0, reach_ms=100.0)[1]
    assert forward.tolist() == backward[::-1].tolist()
    with pytest.raises(InvalidInput, match="multiple of the bin"):
        cross_correlogram([1.0], [1.0], bin_ms=3.0, reach_ms=10.0)


@settings(deadline=None, derandomize=True, database=None)
@given(trains, trains)
def test_synchrony_is_symmetric_bounded_and_whole_for_equals(
    a: list[float], b: list[float]
) -> None:
    both = spike_synchronization([a, b])
    assert 0.0 <= both <= 1.0
    assert both == spike_synchronization([b, a])
    assert spike_synchronization([a, a, a]) == 1.0
    tiling = spike_time_tiling_coefficient(a, b, stop_ms=100.0)
    if a and b:
        assert -1.0 - 1e-9 <= tiling <= 1.0 + 1e-9
        assert tiling == pytest.approx(
            spike_time_tiling_coefficient(b, a, stop_ms=100.0), abs=1e-12
        )


def test_what_cannot_be_said_is_nan_and_one_train_is_no_company() -> None:
    assert np.isnan(spike_time_tiling_coefficient([], [1.0], stop_ms=10.0))
    matrix = correlation_coefficients([[1.0], []], 1.0, stop_ms=10.0)
    assert matrix[0, 0] == pytest.approx(1.0)
    assert np.isnan(matrix[1]).all()
    with pytest.raises(InvalidInput, match="1 trains"):
        spike_synchronization([[1.0]])
