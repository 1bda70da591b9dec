from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurallayers.errors import InvalidInput
from neurallayers.measures import coincidence_factor, coincident_spikes

few = st.lists(st.integers(0, 40).map(float), max_size=7, unique=True).map(sorted)


def most_pairs(first: list[float], second: list[float], reach: float) -> int:
    """The largest matching, by trying every choice."""
    if not first:
        return 0
    best = most_pairs(first[1:], second, reach)
    for place, time in enumerate(second):
        if abs(time - first[0]) <= reach:
            rest = second[:place] + second[place + 1 :]
            best = max(best, 1 + most_pairs(first[1:], rest, reach))
    return best


@settings(deadline=None, derandomize=True, database=None, max_examples=100)
@given(few, few)
def test_as_many_spikes_are_paired_as_can_be(first: list[float], second: list[float]) -> None:
    pairs = coincident_spikes(first, second, precision_ms=3.0)
    assert pairs == most_pairs(first, second, 3.0)
    assert pairs == coincident_spikes(second, first, precision_ms=3.0)


def test_gamma_is_the_published_formula() -> None:
    data, model = [10.0, 50.0, 90.0, 200.0], [11.0, 55.0, 92.0, 150.0, 203.0, 300.0]
    nu = 6 / 400.0  # Kistler et al. (1997), eq. 2.23, by hand: 3 of 4 spikes are met
    chance = 2 * nu * 4.0
    expected = (3 - chance * 4) / (0.5 * 10) / (1 - chance)
    assert coincidence_factor(data, model, duration_ms=400.0) == pytest.approx(expected, rel=1e-12)


@settings(deadline=None, derandomize=True, database=None)
@given(few.filter(bool))
def test_a_train_agrees_with_itself(train: list[float]) -> None:
    assert coincidence_factor(train, train, duration_ms=1000.0) == pytest.approx(1.0)


def test_a_poisson_model_is_worth_nothing_on_average() -> None:
    generator = np.random.default_rng(11)
    gammas = []
    for _ in range(200):
        data = np.sort(generator.uniform(0.0, 10_000.0, 200))
        model = np.sort(generator.uniform(0.0, 10_000.0, 200))
        gammas.append(coincidence_factor(data, model, duration_ms=10_000.0))
    # Pairing each spike once loses the second of two that meet the same one: a little below 0.
    assert np.mean(gammas) == pytest.approx(0.0, abs=0.04)
    assert np.mean(gammas) < 0.01


def test_silence_is_right_or_wrong_but_never_undefined() -> None:
    assert coincidence_factor([], [], duration_ms=100.0) == 1.0
    assert coincidence_factor([10.0], [], duration_ms=100.0) == 0.0
    assert coincidence_factor([], [10.0], duration_ms=100.0) == 0.0


def test_a_model_that_fires_all_the_time_explains_nothing() -> None:
    model = np.arange(0.0, 1000.0, 5.0)
    assert np.isnan(coincidence_factor([10.0], model, duration_ms=1000.0))


def test_the_precision_includes_its_edge() -> None:
    assert coincident_spikes([10.0], [14.0]) == 1
    assert coincident_spikes([0.3], [0.1 + 0.2 + 4.0]) == 1  # equal but for rounding
    assert coincident_spikes([10.0], [14.001]) == 0


def test_spikes_outside_of_the_observation_are_refused() -> None:
    with pytest.raises(InvalidInput, match="model_ms has spikes from 1000"):
        coincidence_factor([1.0], [1000.0], duration_ms=100.0)
    with pytest.raises(InvalidInput, match="precision_ms is 0"):
        coincident_spikes([1.0], [1.0], precision_ms=0.0)
    with pytest.raises(InvalidInput, match="duration_ms"):
        coincidence_factor([1.0], [1.0], duration_ms=0.0)
