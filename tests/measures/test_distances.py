from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.measures.references import ELEPHANT, TRAINS

from neurallayers.errors import InvalidInput
from neurallayers.measures import (
    pairwise_distances,
    van_rossum_distance,
    victor_purpura_distance,
)

trains = st.lists(st.floats(0.0, 200.0, allow_subnormal=False), max_size=12).map(sorted)
few = st.lists(st.integers(0, 60).map(float), max_size=5).map(sorted)


@pytest.mark.parametrize("tau", list(ELEPHANT["van_rossum"]))
def test_van_rossum_is_that_of_elephant(tau: str) -> None:
    matrix = pairwise_distances(TRAINS, functools.partial(van_rossum_distance, tau_ms=float(tau)))
    # elephant subtracts sums, which leaves 1e-7 where trains are equal.
    assert matrix == pytest.approx(np.array(ELEPHANT["van_rossum"][tau]), rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("cost", list(ELEPHANT["victor_purpura"]))
def test_victor_purpura_is_that_of_elephant(cost: str) -> None:
    matrix = pairwise_distances(
        TRAINS, functools.partial(victor_purpura_distance, cost_per_ms=float(cost))
    )
    assert matrix == pytest.approx(np.array(ELEPHANT["victor_purpura"][cost]), abs=1e-9)


def test_van_rossum_is_the_integral_it_is_defined_by() -> None:
    first, second, tau = [10.0, 14.0, 60.0], [12.0, 61.5], 8.0
    t = np.arange(0.0, 400.0, 1e-3) + 5e-4
    traces = [
        sum(np.where(t >= s, np.exp(-(t - s) / tau), 0.0) for s in train)
        for train in (first, second)
    ]
    integral = 2.0 / tau * ((traces[0] - traces[1]) ** 2).sum() * 1e-3
    found = van_rossum_distance(first, second, tau_ms=tau)
    assert found**2 == pytest.approx(integral, rel=1e-4)


@settings(deadline=None, derandomize=True, database=None, max_examples=60)
@given(few, few)
def test_victor_purpura_is_the_cheapest_of_all_pairings(
    first: list[float], second: list[float]
) -> None:
    short, long = sorted((first, second), key=len)
    cheapest = min(
        len(long)
        - len(short)
        + sum(min(2.0, 0.05 * abs(a - b)) for a, b in zip(short, chosen, strict=True))
        for chosen in itertools.permutations(long, len(short))
    )
    assert victor_purpura_distance(first, second, cost_per_ms=0.05) == pytest.approx(cheapest)


@settings(deadline=None, derandomize=True, database=None)
@given(trains, trains, trains)
@pytest.mark.parametrize("distance", [van_rossum_distance, victor_purpura_distance])
def test_a_distance_is_a_metric(
    distance: functools.partial[float], a: list[float], b: list[float], c: list[float]
) -> None:
    assert distance(a, a) == 0.0
    assert distance(a, b) == distance(b, a) >= 0.0
    if a != b and distance is victor_purpura_distance:
        assert distance(a, b) > 0.0 or np.allclose(a, b)
    assert distance(a, c) <= distance(a, b) + distance(b, c) + 1e-9


@settings(deadline=None, derandomize=True, database=None)
@given(trains, trains, st.floats(-1e3, 1e3))
def test_a_common_shift_changes_no_distance(a: list[float], b: list[float], shift: float) -> None:
    moved = [[t + shift for t in train] for train in (a, b)]
    # A spike beside another comes to lie on it when 1e3 is added: sqrt(1e-13) at worst.
    assert van_rossum_distance(*moved) == pytest.approx(van_rossum_distance(a, b), abs=1e-4)
    assert victor_purpura_distance(*moved) == pytest.approx(victor_purpura_distance(a, b), abs=1e-9)


def test_the_limits_of_both_scales_count_spikes() -> None:
    a, b = [10.0, 20.0, 30.0], [10.0, 21.0]
    assert victor_purpura_distance(a, b, cost_per_ms=0.0) == 1.0
    assert victor_purpura_distance(a, b, cost_per_ms=1e9) == 3.0
    assert van_rossum_distance(a, b, tau_ms=float("inf")) == 1.0
    assert van_rossum_distance(a, b, tau_ms=0.0) == pytest.approx(np.sqrt(3.0))
    assert van_rossum_distance(a, b, tau_ms=1e-6) == pytest.approx(np.sqrt(3.0))


def test_scales_without_meaning_are_refused() -> None:
    with pytest.raises(InvalidInput, match="tau_ms is -1"):
        van_rossum_distance([1.0], [2.0], tau_ms=-1.0)
    with pytest.raises(InvalidInput, match="cost_per_ms is inf"):
        victor_purpura_distance([1.0], [2.0], cost_per_ms=float("inf"))
