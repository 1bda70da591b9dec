"""Capacities against published numbers and an independent solution of the equations."""

from __future__ import annotations

import math

import pytest

from neurallayers.errors import InvalidInput
from neurallayers.memory import (
    critical_load,
    exponential_capacity,
    polynomial_capacity,
    retrieval_overlap,
)


def iterated_overlap(load: float) -> float:
    """The mean-field equations of Amit, Gutfreund & Sompolinsky (1985), iterated from m = 1.

    m = erf(m / sqrt(2 alpha r)), r = 1 / (1 - C)^2,
    C = sqrt(2 / (pi alpha r)) exp(-m^2 / (2 alpha r))
    """
    m, r = 1.0, 1.0
    for _ in range(200_000):
        width = 2.0 * load * r
        c = math.sqrt(4.0 / (math.pi * width)) * math.exp(-m * m / width)
        new_m, new_r = math.erf(m / math.sqrt(width)), 1.0 / (1.0 - c) ** 2
        if abs(new_m - m) + abs(new_r - r) < 1e-14:
            break
        m, r = new_m, new_r
    return m


@pytest.mark.parametrize("load", [0.02, 0.05, 0.08, 0.1, 0.12, 0.13, 0.137])
def test_the_overlap_solves_the_mean_field_equations(load: float) -> None:
    assert retrieval_overlap(load) == pytest.approx(iterated_overlap(load), abs=1e-9)


def test_memory_breaks_down_at_0138_with_an_overlap_of_0967() -> None:
    assert critical_load() == pytest.approx(0.138, abs=0.0005)
    assert retrieval_overlap(critical_load()) == pytest.approx(0.967, abs=0.0015)
    assert retrieval_overlap(critical_load() * (1 + 1e-9)) == 0.0
    assert retrieval_overlap(1.0) == 0.0
    assert retrieval_overlap(0.0) == 1.0
    assert retrieval_overlap(1e-4) == 1.0


def test_dense_capacities_are_the_published_ones() -> None:
    # n = 2: N / (2 ln N), McEliece et al. (1987).
    assert polynomial_capacity(1000, 2) == pytest.approx(1000 / (2 * math.log(1000)))
    # n = 3 and 4: (2n - 3)!! is 3 and 15.
    assert polynomial_capacity(100, 3) == pytest.approx(100**2 / (2 * 3 * math.log(100)))
    assert polynomial_capacity(100, 4) == pytest.approx(100**3 / (2 * 15 * math.log(100)))
    assert exponential_capacity(30) == 2.0**15


def test_nonsense_is_refused() -> None:
    for load in (-0.1, float("nan"), "0.1"):
        with pytest.raises(InvalidInput, match="load"):
            retrieval_overlap(load)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="neurons"):
        polynomial_capacity(1, 2)
    with pytest.raises(InvalidInput, match="degree"):
        polynomial_capacity(10, 1)
    with pytest.raises(InvalidInput, match="neurons"):
        exponential_capacity(0)
