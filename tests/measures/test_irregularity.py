from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.measures.references import ELEPHANT, STOP_MS, TRAINS

from neurallayers.errors import InvalidInput
from neurallayers.measures import (
    binned_counts,
    coefficient_of_variation,
    cv2,
    fano_factor,
    fano_factor_of_trains,
    interspike_intervals_ms,
    local_variation,
    mean_coefficient_of_variation,
    revised_local_variation,
)

OF_INTERVALS = [coefficient_of_variation, cv2, local_variation]
POISSON_MS = np.cumsum(np.random.default_rng(7).exponential(20.0, size=20_000))


def test_irregularity_is_that_of_elephant() -> None:
    for name, measure in (
        ("cv", coefficient_of_variation),
        ("cv2", cv2),
        ("lv", local_variation),
        ("lvr", revised_local_variation),
    ):
        assert [measure(train) for train in TRAINS] == pytest.approx(ELEPHANT[name], rel=1e-10)


def test_the_fano_factor_is_that_of_elephant() -> None:
    found = fano_factor_of_trains(TRAINS, stop_ms=STOP_MS)
    assert found == pytest.approx(ELEPHANT["fano_factor"], rel=1e-12)


@pytest.mark.parametrize("measure", [*OF_INTERVALS])
def test_a_poisson_train_has_one(measure: object) -> None:
    # The standard error of 20,000 intervals is below 0.012 for each of the three.
    assert measure(POISSON_MS) == pytest.approx(1.0, abs=0.03)  # type: ignore[operator]


def test_the_counts_of_a_poisson_train_have_one() -> None:
    stop_ms = float(POISSON_MS[-1])
    counts = binned_counts([POISSON_MS], 200.0, stop_ms=stop_ms)
    assert fano_factor(counts) == pytest.approx(1.0, abs=0.12)
    windows = fano_factor_of_trains([POISSON_MS], stop_ms=stop_ms, window_ms=200.0)
    assert windows == fano_factor(counts)


def test_the_revised_lv_depends_less_on_the_rate_under_a_dead_time() -> None:
    # What LvR was made for: Shinomoto et al. (2009), figure 1.
    generator = np.random.default_rng(3)
    slow, fast = (
        np.cumsum(5.0 + generator.exponential(mean_ms, size=20_000)) for mean_ms in (50.0, 10.0)
    )
    plain = local_variation(fast) / local_variation(slow)
    revised = revised_local_variation(fast) / revised_local_variation(slow)
    assert plain < 0.6
    assert 0.65 < revised < 1.0
    assert revised_local_variation(fast, refractoriness_ms=0.0) == pytest.approx(
        local_variation(fast)
    )


def test_a_slow_change_of_rate_moves_cv_and_not_the_local_measures() -> None:
    # A Poisson process in operational time, whose rate changes ten-fold every 500 intervals.
    generator = np.random.default_rng(5)
    scale = np.repeat(np.tile([5.0, 50.0], 10), 500)
    train = np.cumsum(generator.exponential(scale))
    assert coefficient_of_variation(train) > 1.4
    assert cv2(train) == pytest.approx(1.0, abs=0.05)
    assert local_variation(train) == pytest.approx(1.0, abs=0.05)


trains = st.lists(st.floats(0.125, 1e3), min_size=3, max_size=40).map(
    lambda intervals: np.cumsum(intervals)
)


@settings(deadline=None, derandomize=True, database=None)
@given(trains, st.floats(-1e4, 1e4), st.floats(0.1, 10.0))
def test_neither_shift_nor_unit_nor_direction_of_time_matters(
    train: np.ndarray, shift: float, unit: float
) -> None:
    for measure in OF_INTERVALS:
        expected = measure(train)
        assert measure(train + shift) == pytest.approx(expected, rel=1e-6, abs=1e-6)
        assert measure(train * unit) == pytest.approx(expected, rel=1e-9, abs=1e-9)
        assert measure(-train[::-1]) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@settings(deadline=None, derandomize=True, database=None)
@given(trains)
def test_local_measures_keep_their_bounds(train: np.ndarray) -> None:
    assert 0.0 <= cv2(train) <= 2.0
    assert 0.0 <= local_variation(train) <= 3.0


@pytest.mark.parametrize("train", [[], [1.0], [1.0, 2.0]])
def test_too_few_intervals_are_nan(train: list[float]) -> None:
    for measure in (*OF_INTERVALS, revised_local_variation):
        assert np.isnan(measure(train))


def test_intervals_of_no_length_are_no_accident() -> None:
    assert interspike_intervals_ms([5.0, 5.0, 5.0]).tolist() == [0.0, 0.0]
    assert np.isnan(coefficient_of_variation([5.0, 5.0, 5.0]))
    assert cv2([5.0, 5.0, 5.0]) == 0.0


def test_silence_has_no_fano_factor_and_wrong_counts_are_refused() -> None:
    assert np.isnan(fano_factor([0, 0, 0]))
    assert np.isnan(fano_factor([]))
    with pytest.raises(InvalidInput, match="negative"):
        fano_factor([1, -1])
    with pytest.raises(InvalidInput, match="refractoriness_ms is -1"):
        revised_local_variation([1.0, 2.0, 4.0], refractoriness_ms=-1.0)


def test_the_mean_over_a_population_leaves_out_who_fired_too_little() -> None:
    population = [[0.0, 10.0, 40.0], [0.0, 10.0, 20.0], [5.0], []]
    assert mean_coefficient_of_variation(population) == pytest.approx(0.25)
    assert np.isnan(mean_coefficient_of_variation(population, fewest_spikes=4))
    with pytest.raises(InvalidInput, match="at least 3"):
        mean_coefficient_of_variation(population, fewest_spikes=2)
